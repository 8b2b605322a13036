"""Noise that grows with brightness, the strength users ask for, and three-colour networks."""

import json
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from sw_model import UsageError, denoise, golden, load_deployment
from sw_model.__main__ import main
from sw_model.denoising.picture import denoise_picture
from sw_model.denoising.poisson import GAINS, Stabiliser, estimate_stabiliser
from sw_model.pictures.metrics import psnr
from sw_model.spec import uniform_network
from tests.random_deployment import random_deployment
from tests.sw_model.pictures.picture_files import write_image

CLEAN = data.camera()[100:228, 150:278]


def photons(clean, gain, read=0.0, seed=0):
    """A picture of so many grey levels for each photon, with read noise."""
    rng = np.random.default_rng(seed)
    noise = read * rng.standard_normal(clean.shape)
    return np.rint(gain * rng.poisson(clean / gain) + noise).clip(-512, 511).astype(np.int16)


@pytest.mark.parametrize(("gain", "offset"), [(8.5, 0.0), (2.5, 36.0), (0.05, 4.0)])
def test_the_noise_is_as_strong_everywhere_and_means_come_back(gain, offset):
    stabiliser = Stabiliser(gain, offset)
    assert stabiliser.forward(np.array([0.0, 255.0])) == pytest.approx([0, 255])
    rng = np.random.default_rng(1)
    for brightness in (20.0, 60.0, 120.0, 200.0):
        noise = np.sqrt(offset) * rng.standard_normal(200_000)
        values = gain * rng.poisson(brightness / gain, 200_000) + noise
        seen = stabiliser.forward(values)
        assert seen.std() == pytest.approx(stabiliser.sigma, rel=0.06)
        assert values.std() == pytest.approx(stabiliser.sigma_at(brightness), rel=0.02)
        # The plain inverse would be a quarter of a photon too dark.
        assert stabiliser.inverse(seen.mean()) == pytest.approx(brightness, abs=0.04 * gain + 0.05)


@pytest.mark.parametrize(("gain", "read"), [(8.5, 0.0), (2.5, 0.0), (2.5, 8.0)])
def test_gain_and_offset_are_estimated(gain, read):
    # Smooth, of all greys.
    clean = np.broadcast_to(np.linspace(10, 240, 512), (256, 512))
    found = estimate_stabiliser([photons(clean, gain, read, seed) for seed in range(3)])
    assert found.gain == pytest.approx(gain, rel=0.15)
    assert found.sigma_at(128) == pytest.approx(np.sqrt(128 * gain + read**2), rel=0.05)
    assert found.offset == pytest.approx(read**2, abs=0.2 * gain * 128)


# A line through the noise of a photograph can meet brightness 0 below 0.
def test_the_offset_is_no_negative_variance(monkeypatch):
    parts = np.array([10.0, 100.0, 200.0]), np.array([50.0, 800.0, 1800.0])
    monkeypatch.setattr("sw_model.denoising.poisson.block_noise", lambda channel, bins: parts)
    assert estimate_stabiliser([CLEAN]) == Stabiliser(pytest.approx(22 / 3), 0.0)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 3), (64, 64)])
def test_pictures_without_noise_have_the_least_gain(shape):
    flat = np.full(shape, 100, np.int16)
    assert estimate_stabiliser([flat]).gain == GAINS[0]
    tiny = random_deployment(few(), 1)
    result = denoise_picture(tiny, flat, 3, level=None, poisson=0.0)
    assert np.isfinite(result.residual).all() and result.residual.shape == shape


def test_photographs_come_out_better_for_it():
    network = load_deployment("best-s25")
    noisy = photons(CLEAN, 8.5)
    plain, given, estimated = (
        psnr(CLEAN, denoise(noisy, network, **options))
        for options in ({}, {"poisson": 8.5}, {"poisson": True})
    )
    assert given > plain + 0.5
    assert estimated > plain + 0.5
    assert psnr(CLEAN, denoise(noisy, network, poisson=8.5, strength=0.3)) < given - 0.5


def test_strength_multiplies_the_level():
    tiny = random_deployment(few(levels=(0, 55)), 1)
    noisy = photons(CLEAN, 1.0)
    a = denoise_picture(tiny, noisy, 3, level=10.0, strength=2.0)
    b = denoise_picture(tiny, noisy, 3, level=20.0)
    assert a.levels == b.levels == (20.0,)
    assert np.array_equal(a.residual, b.residual)
    assert not np.array_equal(a.residual, denoise_picture(tiny, noisy, 3, level=10.0).residual)


def few(colours=1, levels=None):
    return uniform_network(
        "few",
        depth=4,
        channels=5,
        timesteps=(3,),
        weight_bits=4,
        code="binary",
        planes=2,
        inputs=4 * colours,
        noise_levels=levels,
        noise_shift=5 if levels else 0,
    )


def test_a_network_of_three_colours_gets_them_at_once():
    network = random_deployment(few(3, (0, 55)), 2)
    noisy = np.random.default_rng(3).integers(-20, 280, (7, 9, 3)).astype(np.int16)
    result = denoise_picture(network, noisy, 3, level=12.0)
    expected = golden.denoise(network, noisy, level=12.0)
    assert np.array_equal(result.residual, expected.residual)
    assert result.activity == expected.activity
    assert result.levels == (12.0,)
    estimated = denoise_picture(network, noisy, 3, level=None)
    assert len(estimated.levels) == 1 and estimated.levels[0] > 20
    with pytest.raises(UsageError, match="is for pictures of 3 colours, and this one is grey"):
        denoise_picture(network, noisy[..., 0], 3, level=None)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    random_deployment(few(levels=(0, 55)), 1).save(Path("tiny.safetensors"))
    write_image(Path("a.png"), photons(CLEAN, 8.5).clip(0, 255).astype(np.uint8))
    return tmp_path


def command(capsys, *arguments):
    code = main(["denoise", "a.png", "-o", "o.png", "--deployment", "tiny.safetensors", *arguments])
    return code, capsys.readouterr()


def test_the_command_tells_what_it_took_for_noise(folder, capsys):
    code, said = command(capsys, "--poisson", "8.5", "--strength", "0.5", "--json", "a.json")
    assert code == 0
    level = 0.5 * Stabiliser(8.5).sigma_at(128)
    expected = f"level       {level:.1f} (at mid-grey, growing with brightness, given, times 0.5)"
    assert expected in said.out
    report = json.loads(Path("a.json").read_text())
    assert (report["poisson"], report["strength"], report["level"]) == (8.5, 0.5, None)
    code, said = command(capsys, "--poisson", "--force")
    assert code == 0
    assert "growing with brightness, estimated)" in said.out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("--poisson", "-1"),
            "gain -1.0 of Poisson noise is not in 0.001..255 grey levels",
        ),
        (("--poisson", "nan"), "gain nan of Poisson noise"),
        (("--poisson", "--level", "9"), "give either --level or --poisson"),
        (("--strength", "0"), "strength 0.0 is not in 0.1..10.0"),
        (("--strength", "nan"), "strength nan is not in"),
    ],
)
def test_impossible_noise_is_refused(folder, capsys, arguments, sentence):
    code, said = command(capsys, *arguments)
    assert (code, said.out) == (2, "")
    assert sentence in said.err and said.err.count("\n") == 1
    assert not Path("o.png").exists()


def test_the_function_refuses_it_too():
    picture = np.zeros((4, 4), np.uint8)
    with pytest.raises(ValueError, match="either level or poisson"):
        denoise(picture, level=9, poisson=True)
    with pytest.raises(UsageError, match=r"gain 0\.0 of Poisson noise"):
        denoise(picture, poisson=0.0)
    with pytest.raises(UsageError, match="strength 11"):
        denoise(picture, strength=11)
