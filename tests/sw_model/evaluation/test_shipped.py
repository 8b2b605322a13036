"""The networks that ship do what the project says of them."""

import argparse
import inspect
import os

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

FIGURES = {"compact": (27.82, 27.66), "lif-s25": (28.90, 28.65), "best-s25": (29.75, 29.39)}
"""PSNR on Set12, and on its first picture, C.man: dB in the README."""


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


@pytest.mark.parametrize("name", FIGURES)
def test_set12_reaches_its_figures(name):
    try:
        files = dataset_files("set12")
    except UsageError as error:
        # A folder that was named must hold the pictures.
        assert DATA_VARIABLE not in os.environ, error
        pytest.skip(f"Set12 is not part of the project: {error}")
    deployment = load_deployment(name)
    noise = Noise(sigma=25, seed=0, protocol="paper")
    result = evaluate(deployment, deployment.spec.timesteps_max, noise, files)
    assert len(result.pictures) == 12
    # The noise is the defined one: 20 log10(255 / 25).
    assert result.noisy.psnr == pytest.approx(20.17, abs=0.01)
    found = round(result.denoised.psnr, 2), round(result.pictures[0].denoised.psnr, 2)
    assert found == FIGURES[name]
    if name == "best-s25":
        assert result.activity.theta <= 1


def test_whoever_denoises_gets_the_best_network():
    parser = argparse.ArgumentParser()
    denoise_command.add_arguments(parser)
    best = max(FIGURES, key=FIGURES.__getitem__)
    assert parser.parse_args(["a.png", "-o", "b.png"]).deployment == best
    for function in (denoise, trace):
        assert inspect.signature(function).parameters["deployment"].default == best
    # A simulator takes minutes for a crop: there it is the smallest.
    parser = argparse.ArgumentParser()
    sim_job.add_arguments(parser, 25)
    assert parser.parse_args([]).deployment == "compact"
