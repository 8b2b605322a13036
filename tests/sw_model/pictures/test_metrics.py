"""PSNR and SSIM against their definitions, written out."""

import math

import numpy as np
import pytest

from sw_model.pictures.metrics import Quality, psnr, quality, ssim
from sw_model.pictures.noise import add_noise


def picture(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def test_psnr_of_a_known_error():
    clean = np.full((4, 4), 100, np.uint8)
    assert psnr(clean, clean + 10) == pytest.approx(20 * math.log10(255 / 10))
    # One wrong pixel of sixteen.
    wrong = clean.copy()
    wrong[0, 0] = 0
    assert psnr(clean, wrong) == pytest.approx(10 * math.log10(255**2 / (100**2 / 16)))


def test_psnr_does_not_wrap_unsigned_differences():
    assert psnr(np.zeros((1, 1), np.uint8), np.full((1, 1), 255, np.uint8)) == 0


def test_equal_pictures_have_infinite_psnr_and_ssim_of_one():
    assert quality(picture((12, 12)), picture((12, 12))) == Quality(math.inf, 1.0)


def test_noisy_pixels_are_not_clipped():
    # PSNR of the paper's noise is 20 log10(255 / sigma), whatever the picture: 20.17 dB.
    black = np.zeros((500, 500), np.uint8)
    assert psnr(black, add_noise(black, 25, 0)) == pytest.approx(20.17, abs=0.02)


def test_ssim_is_the_mean_over_all_positions_of_an_11_pixel_window():
    clean, noisy = picture((14, 16)), picture((14, 16), 1)
    offsets = np.arange(-5, 6)
    weights = np.exp(-(offsets**2) / (2 * 1.5**2))
    window = np.outer(weights, weights) / weights.sum() ** 2
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = []
    for y in range(14 - 10):
        for x in range(16 - 10):
            a, b = (p[y : y + 11, x : x + 11].astype(float) for p in (clean, noisy))
            ma, mb = (window * a).sum(), (window * b).sum()
            va, vb = (window * a * a).sum() - ma**2, (window * b * b).sum() - mb**2
            covariance = (window * a * b).sum() - ma * mb
            values.append(
                (2 * ma * mb + c1) * (2 * covariance + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))
            )
    assert ssim(clean, noisy) == pytest.approx(np.mean(values), abs=1e-9)


def test_ssim_of_colour_is_the_mean_of_the_channels():
    clean, noisy = picture((12, 13, 3)), picture((12, 13, 3), 1)
    channels = [ssim(clean[..., c], noisy[..., c]) for c in range(3)]
    assert ssim(clean, noisy) == pytest.approx(np.mean(channels))


@pytest.mark.parametrize("shape", [(10, 11), (11, 10), (1, 1), (10, 40, 3)])
def test_pictures_smaller_than_the_window_have_no_ssim(shape):
    assert ssim(picture(shape), picture(shape, 1)) is None


def test_smallest_picture_with_an_ssim():
    assert ssim(picture((11, 11)), picture((11, 11), 1)) is not None
