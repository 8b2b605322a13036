"""The compiled loops of the few-spike code give the reference's integers, however they multiply."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.data import camera, chelsea

from sw_model.golden import _network, denoise
from sw_model.golden.few_spikes import SpikeNetwork, ValueNetwork
from sw_model.golden.products import PAIRS, PLAIN, QUADS, best_method
from sw_model.golden.tiling import Work
from sw_model.golden.values import CompiledValueNetwork, ValueWeights, supports_values
from sw_model.pictures.noise import add_noise
from sw_model.spec import load_deployment, uniform_network
from tests.random_deployment import random_deployment
from tests.shipped import FEW_SPIKES

from .test_few_spikes import network

METHODS = [method for method in (PLAIN, PAIRS, QUADS) if len(method) <= len(best_method())]
"""Those that this processor has; each one has all that are slower."""


def run(engine, planes):
    """Sums of the output layer, and the event words of each layer."""
    words = []
    with ThreadPoolExecutor(1) as pool:
        total = engine.run(planes, Work(pool, 1, None), lambda _, t: words.append(t.words.copy()))
    return total, words


def check(deployment, planes, level, method):
    expected = run(SpikeNetwork(deployment, level), planes)
    found = run(CompiledValueNetwork(deployment, level, method), planes)
    assert np.array_equal(found[0], expected[0])
    assert len(found[1]) == len(expected[1]) == len(deployment.spec.spiking_layers)
    for a, b in zip(found[1], expected[1], strict=True):
        assert np.array_equal(a, b)


@settings(deadline=None, max_examples=40)
@given(
    method=st.sampled_from(METHODS),
    timesteps=st.sampled_from((1, 4, 5, 8)),
    planes=st.sampled_from((1, 2)),
    colours=st.sampled_from((1, 3)),
    channels=st.sampled_from((1, 16, 33, 64, 80)),
    level=st.none() | st.integers(0, 55 * 16),
    size=st.tuples(st.integers(1, 6), st.integers(1, 15)),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_network(method, timesteps, planes, colours, channels, level, size, seed):
    levels = None if level is None else (0, 55)
    deployment = network(
        timesteps, planes=planes, colours=colours, levels=levels, channels=channels
    )
    inputs = colours * planes**2
    pixels = np.random.default_rng(seed).integers(-512, 512, (inputs, *size))
    check(deployment, pixels, level, method)


# The real networks on crops of real pictures, at levels told and at the ends of their range.
@pytest.mark.parametrize("name", FEW_SPIKES)
def test_shipped_networks(name):
    deployment = load_deployment(name)
    picture = camera() if deployment.spec.colours == 1 else chelsea()
    for seed, level in enumerate((0, 10, 25, 55)):
        crop = add_noise(picture[90 + seed : 117 + seed, 110:147], level, seed)
        results = [
            denoise(deployment, crop, level=level, trace="spikes", engine=engine)
            for engine in ("values", "reference")
        ]
        assert np.array_equal(*(result.total for result in results))
        for a, b in zip(*(result.layers for result in results), strict=True):
            assert np.array_equal(a.words, b.words)
            assert a.words.any()


# All neurons fire all that they can, and all weights are as large as 8 bits hold.
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("timesteps", [6, 8])
def test_the_largest_sums(method, timesteps):
    spec = uniform_network(
        "loud", depth=4, channels=20, timesteps=(timesteps,), weight_bits=8, code="binary"
    )
    deployment = random_deployment(spec, 1)
    weights = [np.full_like(weight, -127) for weight in deployment.weights]
    weights[1][:10] = 127
    ones = tuple(np.ones_like(threshold) for threshold in deployment.thresholds)
    loudest = dataclasses.replace(deployment, weights=tuple(weights), thresholds=ones)
    check(loudest, np.full((1, 4, 9), -512), None, method)
    check(loudest, np.full((1, 4, 9), 511), None, method)


def test_pairs_that_sixteen_bits_do_not_hold_are_not_added_in_them():
    weight = np.full((16, 16, 3, 3), 127, np.int8)
    assert ValueWeights.of(weight, 16, 129, PAIRS).method == PAIRS
    assert ValueWeights.of(weight, 16, 130, PAIRS).method == PLAIN


def test_what_does_not_fit_is_left_to_the_slow_loops(monkeypatch):
    deployment = network(5, levels=(0, 55))
    assert supports_values(deployment, 400)
    assert isinstance(_network(deployment, 5, 400, None, False), CompiledValueNetwork)
    thresholds = (np.full_like(deployment.thresholds[0], 2**27), *deployment.thresholds[1:])
    for change in (
        {"thresholds": thresholds},
        {"biases": (deployment.biases[0].astype(np.int64) + 2**31 - 1, *deployment.biases[1:])},
        {
            "weights": (
                *deployment.weights[:2],
                *(w.astype(int) - 128 for w in deployment.weights[2:]),
            )
        },
    ):
        large = dataclasses.replace(deployment)
        for name, value in change.items():
            object.__setattr__(large, name, value)  # the file would not hold it
        assert not supports_values(large, 400)
        assert type(_network(large, 5, 400, None, False)) is ValueNetwork
    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    assert not supports_values(deployment, 400)
