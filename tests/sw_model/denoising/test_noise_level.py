"""Pictures of any noise: what is estimated, and that no picture gets worse for it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from sw_model import UsageError, denoise, golden, load_deployment
from sw_model.denoising.noise_level import TEXTURE, estimate, explained, scaled, scaling, weakest
from sw_model.denoising.picture import denoise_picture
from sw_model.pictures.arrays import to_pixels, to_values
from sw_model.pictures.eight_bit import read_picture
from sw_model.pictures.metrics import psnr
from sw_model.pictures.noise import add_noise
from sw_model.spec import configuration
from tests.random_deployment import random_deployment
from tests.sw_model.pictures.picture_files import write_image
from tests.sw_model.test_cli import run

TINY = ["--deployment", "tiny.safetensors"]


@pytest.fixture(scope="module")
def tiny():
    return random_deployment(configuration("tiny"), 1)


@pytest.fixture(scope="module")
def compact():
    return load_deployment("compact")


def white(shape, sigma, seed=0, grey=100.0):
    return grey + np.random.default_rng(seed).normal(0, sigma, shape)


# ---------------------------------------------------------------------------- the estimate


@pytest.mark.parametrize("sigma", [0.01, 1, 10, 75])
def test_white_noise_is_estimated(sigma):
    assert estimate(white((256, 256), sigma)) == pytest.approx(sigma, rel=0.03)


@pytest.mark.parametrize("protocol", ["paper", "camera"])
@pytest.mark.parametrize("sigma", [5, 10, 15, 25, 50])
def test_the_noise_of_photographs_is_estimated(sigma, protocol):
    # A photograph's own texture adds to it, clipping takes from it.
    assert estimate(add_noise(data.camera(), sigma, 0, protocol)) == pytest.approx(sigma, 0.08, 1)


def test_texture_is_not_taken_for_noise():
    rng = np.random.default_rng(0)
    textured = rng.integers(0, 256, (256, 256)).astype(float)
    textured[:, :128] = white((256, 128), 2)
    assert estimate(textured) == pytest.approx(2, rel=0.1)


def test_clipped_parts_are_not_taken_for_smooth_ones():
    noisy = white((256, 256), 20)
    noisy[:128] += 300
    assert estimate(noisy.clip(0, 255)) == pytest.approx(20, rel=0.1)


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (1, 90), (90, 1), (2, 2), (3, 5), (15, 17)])
def test_the_smallest_pictures_have_an_estimate(shape, tiny):
    picture = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    assert 0 <= estimate(picture) < 255
    assert denoise(picture, tiny).shape == shape
    if min(shape) == 1:  # no diagonal details: nothing is known, and nothing is removed
        assert (denoise(picture, tiny) == picture).all()


@pytest.mark.parametrize("grey", [0, 7, 128, 255])
def test_what_has_no_noise_stays(grey, tiny):
    flat = np.full((40, 50), grey, np.uint8)
    assert estimate(flat) == pytest.approx(0, abs=1e-4)
    assert (denoise(flat, tiny) == flat).all()
    deep = np.add.outer(np.arange(90), np.arange(80)).astype(np.uint16) * 300
    assert (denoise(deep, tiny) == deep).all()


# ---------------------------------------------------------------------------- the network's scale


def test_the_networks_own_level_changes_nothing(compact, tiny):
    every = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    assert (scaled(to_values(every), scaling(compact, 25)) == to_pixels(every)).all()
    signed = np.arange(-512, 512).reshape(32, 32)
    assert (scaled(signed, scaling(compact, 25)) == signed).all()
    result = denoise_picture(tiny, signed, 2, level=25)
    assert result.residual.dtype == np.int64
    assert (result.residual == golden.denoise(tiny, signed, 2).residual).all()
    assert result.levels == (25,)


def test_pixels_are_scaled_about_mid_grey(compact):
    values = np.array([[128, 118, 0], [255, -512, 511]])
    assert (scaled(values, scaling(compact, 10)) == [[128, 103, -192], [446, -512, 511]]).all()
    assert (scaled(values, scaling(compact, 50)) == [[128, 123, 64], [192, -192, 320]]).all()
    # White fits, and nothing goes further.
    assert weakest(compact) == pytest.approx(8.29, abs=0.005)
    for sigma in (8, 1, 0):
        assert scaled(values, scaling(compact, sigma))[1, 0] == 511


def test_a_file_says_what_its_network_was_trained_for(tiny, tmp_path):
    assert load_deployment("best-s25").sigma == 25
    strong = dataclasses.replace(tiny, provenance={"sigma": 50})
    assert scaling(strong, 25) == 2
    picture = data.camera()[:20, :30]
    for network, level in ((tiny, 25), (strong, 50)):
        assert (
            denoise(picture, network, level=level) == golden.denoise(tiny, picture).denoised
        ).all()
    assert (denoise(picture, strong, level=25) != denoise(picture, strong, level=50)).any()
    for wrong in ("x", 0, -1, float("nan"), None, [25]):
        with pytest.raises(UsageError, match=r"provenance 'sigma' is .*, not a number above zero"):
            dataclasses.replace(tiny, provenance={"sigma": wrong})


def test_of_a_residual_the_noises_share_is_believed():
    rng = np.random.default_rng(0)
    noise, texture = rng.normal(0, 4, (2, 300, 300)).astype(np.float32)
    # Half of its power: no other part of it comes closer to the noise.
    assert explained(noise + texture, 4, estimated=False) == pytest.approx(
        (noise + texture) / 2, rel=0.02
    )
    assert explained(noise, 5, estimated=False) == pytest.approx(noise)
    assert not explained(noise, TEXTURE, estimated=True).any()
    assert explained(noise, 4, estimated=True).std() == pytest.approx(
        (4**2 - TEXTURE**2) / 4, rel=0.02
    )
    assert not explained(np.zeros((3, 3), np.float32), 0, estimated=False).any()


# ---------------------------------------------------------------------------- better pictures

CROPS = {
    "man": data.camera()[60:156, 180:276],
    "grass": data.camera()[416:512, 0:96],
    "coins": data.coins()[100:196, 100:196],
    "text": data.text()[40:136, 40:136],
}


@pytest.mark.parametrize("protocol", ["paper", "camera"])
@pytest.mark.parametrize("sigma", [0, 2, 5, 8, 10, 15, 50, 75])
def test_no_picture_gets_worse(sigma, protocol, compact):
    for name, clean in CROPS.items():
        noisy = add_noise(clean, sigma, 0, protocol)
        before, after = psnr(clean, noisy), psnr(clean, denoise(noisy, compact))
        assert after >= (before if sigma <= TEXTURE else before + 0.3), name
        if sigma >= 10:
            assert after > before + 2.5, name


@pytest.mark.parametrize("sigma", [2, 4])
def test_weak_noise_that_is_told_is_removed(sigma, compact):
    clean = CROPS["man"]
    noisy = add_noise(clean, sigma, 0)
    assert psnr(clean, denoise(noisy, compact, level=sigma)) > psnr(clean, noisy) + 0.2


def test_each_channel_has_its_own_level(compact):
    clean = CROPS["man"]
    noisy = np.dstack([add_noise(clean, sigma, sigma) for sigma in (5, 10, 40)])
    result = denoise_picture(compact, noisy, 4, level=None)
    assert result.levels == pytest.approx((5, 10, 40), rel=0.2)
    for channel in range(3):
        alone = denoise_picture(compact, noisy[..., channel], 4, level=None)
        assert (result.residual[..., channel] == alone.residual).all()
        assert result.levels[channel] == alone.levels[0]


def test_sixteen_bits_are_neither_estimated_nor_scaled_in_grey_levels(compact):
    # Noise of a grey level, which rounding to 8 bits would make another one.
    clean = CROPS["man"] * 257.0
    noisy = np.rint(white(clean.shape, 257 * 1.0, grey=clean)).clip(0, 65535).astype(np.uint16)
    flat = np.rint(white(clean.shape, 257 * 0.2, grey=100.4 * 257)).astype(np.uint16)
    assert estimate(to_values(flat)) == pytest.approx(0.2, rel=0.05)
    result = denoise(noisy, compact, level=1.0)
    taken = noisy.astype(int) - result
    assert (taken % 257).any()
    assert np.square(result - clean).mean() < 0.98 * np.square(noisy - clean).mean()


def test_levels_that_are_none_are_refused(tiny):
    for level in (0, -3, 256, float("nan"), float("inf"), "loud", [10]):
        with pytest.raises(UsageError, match=r"noise level .* is not a number of grey levels"):
            denoise(np.zeros((4, 4), np.uint8), tiny, level=level)


# ---------------------------------------------------------------------------- the command


def test_the_command_says_what_was_estimated(folder, capsys):
    noisy = np.dstack([add_noise(CROPS["man"], sigma, 0, "camera") for sigma in (12, 20, 30)])
    write_image(Path("noisy.png"), noisy.astype(np.uint8))
    levels = [estimate(noisy[..., channel]) for channel in range(3)]
    text = "/".join(f"{level:.1f}" for level in levels)
    code, out, _ = run(capsys, "denoise", "noisy.png", "-o", "o.png", *TINY, "--json", "r.json")
    assert code == 0
    assert f"level       {text} (estimated)\n" in out
    assert "removed in part" not in out
    report = json.loads(Path("r.json").read_text())
    assert report["level"] is None
    assert report["files"][0]["levels"] == pytest.approx(levels, abs=1e-6)
    _, out, _ = run(capsys, "denoise", "noisy.png", "-o", "out/", *TINY, "--jobs", 1)
    assert "level       estimated\n" in out
    assert f" colour  {text} " in out
    # Noise that was added is estimated as any is.
    _, out, _ = run(capsys, "denoise", "grey.png", "-o", "g.png", *TINY, "--noise", 40)
    grey = add_noise(read_picture(Path("grey.png")), 40, 0)
    assert f"level       {estimate(grey):.1f} (estimated)\n" in out


def test_weak_noise_gets_a_sentence(folder, capsys):
    write_image(Path("a.png"), CROPS["man"])
    part = "noise below 8.3 needs more than 10-bit pixels: removed in part"
    none = f"noise up to {TEXTURE} may be texture, and is left"
    for options, said in (
        ([], none),
        (["--noise", 6], part),
        (["--level", 3], part),
        (["--noise", 15], None),
        (["--level", 8.3], None),
    ):
        _, out, _ = run(capsys, "denoise", "a.png", "-o", "o.png", *TINY, "--force", *options)
        assert [text for text in (part, none) if text in out] == ([said] if said else [])
