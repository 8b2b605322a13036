"""Whole shipped networks: golden model = RTL = HLS in C simulation, on the same crops."""

import argparse

import numpy as np
import pytest
from PIL import Image

from sim.commands import run
from sim.compare import job
from sim.compare.scoreboard import compare
from sim.targets.hls import simulate_jobs

from .test_compact import COMPACT, MAX_SIZE
from .test_shipped import OTHERS


def job_of(image, *options):
    """A crop of one of scikit-image's photographs with noise."""
    parser = argparse.ArgumentParser()
    run.add_arguments(parser)
    path = job.default_picture().with_name(image)
    return job.make_job(parser.parse_args([f"--image={path}", *options]))


def random_crops(image, size, count, seed):
    """Options that choose crops at random, each with noise of its own."""
    height, width = np.asarray(Image.open(job.default_picture().with_name(image))).shape[:2]
    rng = np.random.default_rng(seed)
    places = [
        (rng.integers(0, height - size[0]), rng.integers(0, width - size[1])) for _ in range(count)
    ]
    return [
        (f"--crop={y},{x},{size[0]},{size[1]}", f"--seed={index}")
        for index, (y, x) in enumerate(places)
    ]


def check(frame_job, result):
    compared = compare(frame_job.words, frame_job.golden.denoised, result.trace, result.pixels)
    assert compared.mismatches == 0, f"{frame_job.crop}: {compared.first}"
    height, width = frame_job.clean.shape
    layers = len(frame_job.deployment.spec.spiking_layers)
    assert compared.words == layers * height * width * frame_job.timesteps
    for layer, words in enumerate(frame_job.words):
        assert words.any(), f"layer {layer} is silent, so that the comparison says little"


@pytest.mark.parametrize("options", random_crops("coins.png", (9, 11), 2, 5), ids="".join)
def test_golden_equals_rtl_equals_hls(tmp_path, options):
    frame_job = job_of("coins.png", f"--deployment={COMPACT}", *options)
    size = tuple(int(part) for part in MAX_SIZE.split(","))
    outcomes = run.run({"verilator": frame_job, "hls": frame_job}, size, tmp_path)
    assert [outcome.target for outcome in outcomes] == ["verilator", "hls"]
    for outcome in outcomes:
        assert outcome.passed
        check(frame_job, outcome.result)


# The crop on which `test_shipped` compares the RTL comes first; images in a row share no state.
@pytest.mark.parametrize("name", OTHERS)
def test_full_networks(name):
    crops = [("--crop=60,210,7,6", "--seed=4"), *random_crops("camera.png", (7, 6), 2, 6)]
    jobs = [job_of("camera.png", f"--deployment={name}", *options) for options in crops]
    for frame_job, result in zip(jobs, simulate_jobs(jobs), strict=True):
        check(frame_job, result)


def test_one_pixel_wide():
    jobs = [
        job_of("camera.png", f"--deployment={COMPACT}", *options)
        for options in random_crops("camera.png", (5, 1), 2, 7)
    ]
    for frame_job, result in zip(jobs, simulate_jobs(jobs), strict=True):
        check(frame_job, result)
