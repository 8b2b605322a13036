"""The whole compact network on crops of photographs: golden model = RTL, in both simulators."""

import argparse

import pytest

from sim.commands import run
from sim.compare import job
from sim.simulators.runners import SIMULATORS

COMPACT = "compact"
MAX_SIZE = "25,27"
"""Frame size of the hardware: odd, and no larger than the crops need."""


def outcome_of(simulator, folder, image, *options):
    """Denoise a crop of one of scikit-image's photographs."""
    parser = argparse.ArgumentParser()
    run.add_arguments(parser)
    args = parser.parse_args(
        [
            f"--image={job.default_picture().with_name(image)}",
            f"--deployment={COMPACT}",
            f"--max-size={MAX_SIZE}",
            *options,
        ]
    )
    (outcome,) = run.run({simulator: job.make_job(args)}, job.max_size(args), folder)
    return outcome


def check(outcome):
    """Check every event word of every layer, every pixel, and the cycles of every layer."""
    compared = outcome.comparison
    assert compared.mismatches == 0, f"{outcome.job.crop}: {compared.first}"
    height, width = outcome.job.clean.shape
    deployment, timesteps = outcome.job.deployment, outcome.job.timesteps
    assert compared.words == len(deployment.spec.spiking_layers) * height * width * timesteps
    assert compared.pixels == height * width
    assert outcome.layer_cycles == outcome.job.cycles
    assert outcome.simulation.failure is None
    for layer, words in enumerate(outcome.job.words):
        assert words.any(), f"layer {layer} is silent, so that the comparison says little"


@pytest.mark.parametrize(
    ("image", "crop", "seed"),
    [
        ("camera.png", "60,210,24,26", 1),
        pytest.param("coins.png", "90,100,25,27", 2, marks=pytest.mark.long),
    ],
)
def test_verilator(tmp_path, image, crop, seed):
    check(outcome_of("verilator", tmp_path, image, f"--crop={crop}", f"--seed={seed}"))


@pytest.mark.parametrize(
    ("crop", "seed"),
    [pytest.param("60,210,8,8", 1, marks=pytest.mark.long), ("300,90,3,5", 2)],
)
def test_icarus(tmp_path, crop, seed):
    image = "camera.png"
    check(outcome_of("icarus", tmp_path, image, f"--crop={crop}", f"--seed={seed}"))


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_strong_noise_that_is_clipped(tmp_path, simulator):
    # Colour, another protocol and pixels at the ends of the grey levels.
    options = ("--crop=100,200,1,9", "--noise=75", "--seed=3", "--protocol=camera")
    check(outcome_of(simulator, tmp_path, "chelsea.png", *options))
