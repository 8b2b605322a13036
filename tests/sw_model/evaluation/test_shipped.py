"""The networks that ship do what the project says of them."""

import argparse
import inspect
import os

import numpy as np
import pytest
from skimage.data import camera

from sim.compare import job as sim_job
from sw_model import denoise, golden, trace
from sw_model.denoising import command as denoise_command
from sw_model.evaluation.command import evaluate
from sw_model.pictures.metrics import psnr
from sw_model.pictures.noise import add_noise
from sw_model.pictures.options import Noise
from sw_model.pictures.sets import DATA_VARIABLE, dataset_files
from sw_model.spec import UsageError, load_deployment, shipped_deployments
from sw_model.spec.deployment import DEFAULT_DEPLOYMENT
from tests import ROOT

FIGURES = {
    ("compact", 25): (27.82, 27.66, 624),
    ("lif-s25", 25): (28.90, 28.65, 1789),
    ("best-s25", 25): (29.75, 29.39, 969),
    ("video", 15): (32.06, 31.62, 252),
    ("video", 25): (29.68, 29.22, 272),
    ("video", 50): (26.34, 26.09, 311),
}
"""PSNR in dB on Set12 and on its first picture, C.man, and spikes a pixel, for each network
and sigma: the README's."""


@pytest.fixture(scope="module")
def deployment():
    return load_deployment("compact")


@pytest.mark.parametrize("name", shipped_deployments())
def test_all_shipped_deployments_are_sound(name):
    # Loading verifies hash, shapes and ranges.
    assert load_deployment(name).spec.name == name


def test_compact_is_the_papers_network(deployment):
    layers = deployment.spec.layers
    assert (len(layers), deployment.spec.channels, deployment.spec.timesteps) == (17, 32, (4,))
    neurons = {(layer.neuron.leak, layer.neuron.reset) for layer in layers[:-1]}
    assert neurons == {(1, "hard")}
    # Membranes start at rest.
    assert not any(init.any() for init in deployment.inits)
    assert deployment.provenance


def test_a_photograph_is_denoised(deployment):
    clean = camera()[200:264, 200:264]
    noisy = add_noise(clean, 25, 0)
    result = golden.denoise(deployment, noisy)
    assert psnr(clean, result.denoised) > psnr(clean, noisy) + 4
    assert 0 < result.activity.theta < deployment.spec.timesteps_max


def test_every_layer_is_alive(deployment):
    # A layer that never or always spikes would carry nothing.
    result = golden.denoise(deployment, add_noise(camera()[200:264, 200:264], 25, 0))
    steps = deployment.spec.timesteps_max
    assert all(0.01 < theta < 0.99 * steps for theta in result.activity.layer_thetas)


def set12():
    try:
        return dataset_files("set12")
    except UsageError as error:
        # A folder that was named must hold the pictures.
        assert DATA_VARIABLE not in os.environ, error
        pytest.skip(f"Set12 is not part of the project: {error}")


@pytest.mark.parametrize(("name", "sigma"), FIGURES)
def test_set12_reaches_its_figures(name, sigma):
    deployment = load_deployment(name)
    noise = Noise(sigma=sigma, seed=0, protocol="paper")
    result = evaluate(deployment, deployment.spec.timesteps_max, noise, set12())
    assert len(result.pictures) == 12
    # The noise is the defined one: 20 log10(255 / sigma).
    assert result.noisy.psnr == pytest.approx(20 * np.log10(255 / sigma), abs=0.03)
    psnrs = (round(of.denoised.psnr, 2) for of in (result, result.pictures[0]))
    assert (*psnrs, round(result.spikes_per_pixel)) == FIGURES[name, sigma]


def test_the_readme_has_these_figures():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for (name, sigma), (mean, cman, spikes) in FIGURES.items():
        (row,) = (
            line
            for line in text.splitlines()
            if line.startswith("|") and f"`{name}`" in line and f"{mean:.2f}" in line
        )
        expected = [f"{mean:.2f}", str(spikes) if name == "video" else f"{cman:.2f}"]
        assert all(figure in row for figure in expected), (name, sigma)


# Shipped networks that take no level are for 25, and pixels are scaled for any other.
@pytest.mark.parametrize("sigma", [40, 50])
def test_the_default_is_better_at_strong_noise(sigma):
    clean = camera()[150:278, 150:278]
    noisy = add_noise(clean, sigma, 1)
    plain, default = (
        psnr(clean, denoise(noisy, *network, level=sigma)) for network in [("best-s25",), ()]
    )
    assert default > plain + 0.1


def test_whoever_denoises_gets_the_same_network():
    parser = argparse.ArgumentParser()
    denoise_command.add_arguments(parser)
    assert parser.parse_args(["a.png", "-o", "b.png"]).deployment == DEFAULT_DEPLOYMENT
    for function in (denoise, trace):
        assert inspect.signature(function).parameters["deployment"].default == DEFAULT_DEPLOYMENT
    # A simulator takes minutes for a crop: there it is the smallest.
    parser = argparse.ArgumentParser()
    sim_job.add_arguments(parser, 25)
    assert parser.parse_args([]).deployment == "compact"
