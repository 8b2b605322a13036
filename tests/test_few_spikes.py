"""Networks of the few-spike code: commands that accept them, and commands that refuse them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rtl.__main__ import main as rtl
from sim.__main__ import main as sim
from sw_model import denoise, golden
from sw_model.__main__ import main as sw_model
from sw_model.pictures.noise import add_noise
from sw_model.spec import uniform_network

from .random_deployment import random_deployment


def network(name, **options):
    """One of four planes that takes a noise level."""
    return uniform_network(name, code="binary", planes=2, inputs=4, **options)


@pytest.fixture
def deployment(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    size = {"depth": 4, "channels": 5, "timesteps": (4,)}
    spec = network("few", **size, noise_levels=(0, 55), noise_shift=4)
    found = random_deployment(spec, 3, with_init=True)
    found.save(Path("few.safetensors"))
    clean = np.random.default_rng(0).integers(0, 256, (11, 13)).astype(np.uint8)
    Image.fromarray(clean).save("clean.png")
    return found


def test_a_given_level_is_an_input_and_pixels_are_not_scaled(deployment):
    pixels = np.random.default_rng(1).integers(-90, 300, (9, 10))
    for level in (0.5, 10.03, 55):
        expected = golden.denoise(deployment, pixels, level=level).denoised
        assert denoise(pixels, deployment=deployment, level=level).tolist() == expected.tolist()


# Noise above the highest level of a network is scaled down to that level.
def test_stronger_noise_is_scaled(deployment):
    pixels = np.random.default_rng(1).integers(-90, 300, (9, 10))
    scaled = np.rint((pixels.astype(np.float32) - 128) * np.float32(0.5) + 128).astype(int)
    residual = golden.denoise(deployment, scaled, level=55).residual
    found = denoise(pixels, deployment=deployment, level=110).astype(int)
    assert residual.any()
    power = np.square(2.0 * residual).mean()
    expected = pixels - 2.0 * residual * min(1, 110**2 / power)
    assert np.abs(found - expected.clip(0, 255)).max() <= 0.51


def test_denoise_and_evaluate(deployment, capsys):
    arguments = ["clean.png", "--deployment", "few.safetensors", "--noise", "10", "--seed", "4"]
    assert sw_model(["denoise", *arguments, "--level", "10", "-o", "out.png"]) == 0
    noisy = add_noise(np.asarray(Image.open("clean.png")), 10, 4)
    expected = golden.denoise(deployment, noisy, level=10).denoised
    assert np.asarray(Image.open("out.png")).tolist() == expected.tolist()
    printed = capsys.readouterr().out
    assert sw_model(["evaluate", *arguments]) == 0
    measured = capsys.readouterr().out
    (after,) = (line.split()[3] for line in measured.splitlines() if "clean.png" in line)
    assert f"{float(after):.2f} dB denoised" in printed


def test_the_level_can_be_estimated(deployment):
    pixels = np.random.default_rng(1).integers(0, 256, (24, 24)).astype(np.uint8)
    assert denoise(pixels, deployment=deployment).shape == (24, 24)


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        (rtl, ["system", "-o", "out"]),
        (rtl, ["board", "-o", "out"]),
        (rtl, ["synth"]),
        (rtl, ["explore", "--spikes", "s.json", "-o", "out"]),
        (sim, ["frame", "-o", "out"]),
        (sim, ["vectors", "-o", "out"]),
        (sim, ["twin", "-o", "out"]),
        (sw_model, ["cost", "clean.png"]),
        (sw_model, ["spikes", "-o", "out"]),
        (sw_model, ["bench"]),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else value.__module__,
)
def test_commands_for_plain_networks_refuse_it(program, arguments, deployment, capsys):
    assert program([*arguments, "--deployment", "few.safetensors"]) == 2
    error = capsys.readouterr().err
    assert "network 'few' has code binary, 4 input planes and noise levels; " in error
    assert error.endswith("is for code rate, 1 plane and one noise level\n")
    assert error.count("\n") == 1
    assert not Path("out").exists()


def test_the_accelerator_with_maps_on_chip_takes_planes_and_a_level(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    size = {"depth": 3, "channels": 2, "timesteps": (3,)}
    spec = network("levels", **size, noise_levels=(10, 55), noise_shift=8)
    random_deployment(spec, 3, with_init=True).save(Path("few.safetensors"))
    clean = np.random.default_rng(0).integers(0, 256, (3, 5)).astype(np.uint8)
    Image.fromarray(clean).save("clean.png")
    arguments = ["--deployment", "few.safetensors", "--image", "clean.png", "--target", "icarus"]
    assert sim(["run", *arguments, "--max-size", "3,5", "--level", "31.5"]) == 0
    assert "level       31.5" in capsys.readouterr().out
    assert rtl(["generate", *arguments[:2], "--max-size", "3,5", "-o", "rtl"]) == 0
    assert "| `level` | input | 12 | frame |" in Path("rtl/ports.md").read_text()
    assert len(Path("rtl/memory/level_weights.hex").read_text().split()) == 2


def test_the_accelerator_with_maps_on_chip_refuses_colours(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    spec = uniform_network(
        "colours", depth=3, channels=2, timesteps=(3,), code="binary", planes=2, inputs=12
    )
    random_deployment(spec, 3).save(Path("few.safetensors"))
    for command, arguments in ((rtl, ["generate"]), (sim, ["run", "--target", "icarus"])):
        assert command([*arguments, "-o", "out", "--deployment", "few.safetensors"]) == 2
        error = capsys.readouterr().err
        assert "network 'colours' is for pictures of 3 colours; " in error
        assert error.count("\n") == 1
    assert not Path("out").exists()
