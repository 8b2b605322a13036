"""Derived widths: nothing that happens is wider, and little that cannot happen is provided for."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from sw_model import golden
from sw_model.spec import (
    PIXEL_BITS,
    PIXEL_MAX,
    PIXEL_MIN,
    TAPS,
    NeuronSpec,
    UsageError,
    configuration,
    uniform_network,
)
from sw_model.spec.fixed_point import signed_width, unsigned_width
from sw_model.spec.widths import membrane_range
from tests.random_deployment import random_deployment
from tests.sw_model.golden import naive

NEURONS = [
    NeuronSpec(leak=leak, reset=reset, fractional_bits=fraction)
    for leak in (None, 1, 3)
    for reset in ("hard", "soft")
    for fraction in (0, 2)
]


def width_of(*arrays):
    """Bits that the values need."""
    values = np.concatenate([np.ravel(array) for array in arrays])
    return signed_width(int(values.min()), int(values.max()))


def neighbours(planes):
    """(C, H, W) to (C, 9, H, W): the inputs of the nine taps, zero beyond the border."""
    padded = np.pad(planes, ((0, 0), (1, 1), (1, 1)))
    height, width = planes.shape[1:]
    shifts = itertools.product(range(3), repeat=2)
    return np.stack([padded[:, y : y + height, x : x + width] for y, x in shifts], axis=1)


def lane_sums(weight, inputs):
    """Every value that the lanes take, channel after channel: (C_in, C_out, 9, H, W)."""
    taps = weight.astype(np.int64).reshape(*weight.shape[:2], TAPS)
    return np.cumsum(
        taps.transpose(1, 0, 2)[..., np.newaxis, np.newaxis] * inputs[:, np.newaxis], axis=0
    )


@pytest.mark.parametrize("seed", range(len(NEURONS) * 2))
def test_everything_that_happens_fits(seed):
    # Overflow in any lane, sum, current or membrane would wrap in hardware.
    neuron = NEURONS[seed % len(NEURONS)]
    spec = uniform_network(
        "test",
        depth=4,
        channels=1 + seed % 4,
        timesteps=(2, 5),
        weight_bits=2 + seed % 7,
        neuron=neuron,
        encoding_shift=seed % 3,
    )
    deployment = random_deployment(spec, seed, with_init=seed % 2 == 1)
    rng = np.random.default_rng(seed)
    # Extreme pixels reach extreme sums; a flat picture of one sign all taps at once.
    pictures = [
        rng.choice([PIXEL_MIN, PIXEL_MAX], (6, 6)),
        np.full((5, 5), PIXEL_MIN),
        np.full((5, 5), PIXEL_MAX),
    ]
    for pixels, steps in itertools.product(pictures, spec.timesteps):
        result = golden.denoise(deployment, pixels, steps, trace=True)
        widths = deployment.widths.layers
        for layer, trace in zip(widths, result.layers, strict=False):
            assert width_of(trace.currents) <= layer.current
            assert width_of(trace.charged, trace.membranes) <= layer.membrane
        assert width_of(result.total) <= widths[-1].current
        bits = [pixels >> shift for shift in reversed(range(PIXEL_BITS))]
        for prefix in bits:
            lanes = lane_sums(deployment.weights[0], neighbours(prefix[np.newaxis]))
            assert width_of(lanes) <= widths[0].lane
        assert width_of(lanes.sum(axis=2)) <= widths[0].sum
        spikes = [trace.spikes.astype(np.int64) for trace in result.layers]
        for index in range(1, len(spec.layers) - 1):
            for t in range(steps):
                lanes = lane_sums(deployment.weights[index], neighbours(spikes[index - 1][t]))
                assert width_of(lanes) <= widths[index].lane
                assert width_of(lanes[-1].sum(axis=1)) <= widths[index].sum
        total = 0
        for t in range(steps):
            lanes = total + lane_sums(deployment.weights[-1], neighbours(spikes[-1][t]))
            assert width_of(lanes) <= widths[-1].lane
            total = lanes[-1]
        assert width_of(total.sum(axis=1)) <= widths[-1].sum


@pytest.mark.parametrize("neuron", NEURONS, ids=str)
@pytest.mark.parametrize("seed", range(12))
def test_membrane_range_against_every_sequence(neuron, seed):
    # All sequences of all currents between the ends: the range is exactly what occurs.
    rng = np.random.default_rng(seed)
    low, high = np.sort(rng.integers(-6, 7, 2))
    threshold, init, steps = int(rng.integers(1, 9)), int(rng.integers(-4, 5)), 1 + seed % 5
    states, seen = {init}, {init}
    for _ in range(steps):
        results = [
            naive.neuron_step(neuron, state, current, threshold)
            for state in states
            for current in range(low, high + 1)
        ]
        states = {after for _, _, after in results}
        seen |= states | {charged for charged, _, _ in results}
    ends = membrane_range(
        neuron, *(np.array([v]) for v in (low, high, threshold, init)), steps=steps
    )
    assert tuple(int(end[0]) for end in ends) == (min(seen), max(seen))


@pytest.mark.parametrize("seed", range(20))
def test_sums_and_lanes_are_no_wider_than_reachable(seed):
    # One channel, all 512 spike patterns under the kernel: the widths are exact.
    spec = uniform_network("test", depth=3, channels=1, timesteps=(1, 3), weight_bits=5)
    deployment = random_deployment(spec, seed)
    weight, bias = deployment.weights[1].reshape(-1).astype(int), int(deployment.biases[1][0])
    sums = [int(np.dot(weight, bits)) for bits in itertools.product((0, 1), repeat=TAPS)]
    widths = deployment.widths.layers[1]
    assert widths.sum == width_of(sums)
    assert widths.lane == width_of(weight, [0])
    assert widths.current == width_of(np.array(sums) + bias)
    # The output layer counts up to three spikes a tap and adds its bias in each timestep.
    weight, bias = deployment.weights[2].reshape(-1).astype(int), int(deployment.biases[2][0])
    least, most = 3 * weight.clip(max=0).sum(), 3 * weight.clip(min=0).sum()
    widths = deployment.widths.layers[2]
    assert widths.sum == width_of([least, most])
    assert widths.lane == width_of(3 * weight, [0])
    reachable = [total + t * bias for t in (1, 3) for total in (t * least // 3, t * most // 3)]
    assert widths.current - 1 <= width_of(reachable) <= widths.current
    assert (widths.membrane, widths.threshold) == (0, 0)


def test_encoding_widths_are_those_of_extreme_pixels():
    deployment = random_deployment(configuration("tiny"), 2)
    weight = deployment.weights[0].reshape(4, TAPS).astype(int)
    extremes = [
        np.where(weight > 0, a, b) * weight
        for a, b in ((PIXEL_MIN, PIXEL_MAX), (PIXEL_MAX, PIXEL_MIN))
    ]
    assert deployment.widths.layers[0].sum == width_of(*(e.sum(axis=1) for e in extremes))
    assert deployment.widths.layers[0].lane == width_of(*extremes)


@pytest.mark.parametrize("shift", range(12))
def test_encoding_current_is_that_of_the_rounded_extremes(shift):
    # Half a unit of rounding decides on a bit where the sum is just short of a power of two.
    spec = uniform_network(
        "test", depth=3, channels=1, timesteps=(1,), encoding_shift=shift, weight_bits=8
    )
    deployment = random_deployment(spec, 0)
    for top in range(1, 128):
        weight = np.zeros_like(deployment.weights[0])
        weight[0, 0, 1, 1] = top
        changed = replace(
            deployment,
            weights=(weight, *deployment.weights[1:]),
            biases=(deployment.biases[0] * 0, *deployment.biases[1:]),
        )
        rounded = [naive.rounded(top * pixel, shift) for pixel in (PIXEL_MIN, PIXEL_MAX)]
        assert changed.widths.layers[0].current == width_of(rounded)


def test_constants_have_their_own_widths():
    deployment = random_deployment(configuration("tiny"), 4)
    for index, widths in enumerate(deployment.widths.layers):
        assert widths.bias == width_of(deployment.biases[index])
        if deployment.spec.layers[index].neuron is not None:
            assert widths.threshold == unsigned_width(int(deployment.thresholds[index].max()))


def test_shared_datapath_is_as_wide_as_its_widest_layer():
    widths = random_deployment(configuration("tiny"), 5).widths
    assert widths.lane == max(layer.lane for layer in widths.layers)
    assert widths.sum == max(layer.sum for layer in widths.layers)
    for name in ("current", "membrane", "bias", "threshold"):
        assert getattr(widths, name) == max(getattr(layer, name) for layer in widths.layers[:-1])


def test_width_follows_the_largest_timesteps():
    # Without leak and reset a membrane grows with T.
    spec = replace(configuration("tiny"), timesteps=(1, 32))
    neuron = NeuronSpec(leak=None)
    deployment = random_deployment(spec, 6)
    layers = tuple(
        layer if layer.neuron is None else replace(layer, neuron=neuron) for layer in spec.layers
    )
    silent = tuple(np.full_like(t, 1 << 20) for t in deployment.thresholds)
    long = replace(deployment, spec=replace(spec, layers=layers), thresholds=silent)
    short = replace(long, spec=replace(long.spec, timesteps=(1,)), mults=deployment.mults[:1])
    assert long.widths.layers[1].membrane == short.widths.layers[1].membrane + 5


def test_widths_out_of_range_are_refused():
    deployment = random_deployment(configuration("tiny"), 7)
    wide = np.full_like(deployment.biases[1], (1 << 31) - 1)
    biases = (deployment.biases[0], wide, *deployment.biases[2:])
    with pytest.raises(UsageError, match="layer 1 needs 33 bits for its current; at most 32"):
        replace(deployment, biases=biases)
