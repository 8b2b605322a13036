"""The golden model against plain loops over Python integers and against exact fractions."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from sw_model import golden
from sw_model.golden import reference as golden_reference
from sw_model.golden.activity import Activity
from sw_model.golden.arithmetic import ExactConvolution, exact_float, fire, rounding_shift
from sw_model.spec import (
    PIXEL_MAX,
    PIXEL_MIN,
    NeuronSpec,
    UsageError,
    configuration,
    uniform_network,
    unpack_spikes,
)
from tests.random_deployment import random_deployment

from . import naive

NEURONS = [
    NeuronSpec(leak=leak, reset=reset, fractional_bits=fraction)
    for leak in (None, 1, 2, 3)
    for reset in ("hard", "soft")
    for fraction in (0, 1, 2)
]
SIZES = [(1, 1), (1, 2), (1, 7), (7, 1), (2, 1), (3, 3), (5, 4)]


def pixels(height, width, seed=0):
    return np.random.default_rng(seed).integers(PIXEL_MIN, PIXEL_MAX + 1, (height, width))


def network(neuron=None, *, channels=3, depth=4, timesteps=(1, 3), **options):
    return uniform_network(
        "test",
        depth=depth,
        channels=channels,
        timesteps=timesteps,
        weight_bits=4,
        neuron=neuron,
        **options,
    )


# ---------------------------------------------------------------------------- neuron


def test_sequences_follow_the_paper_with_a_floored_leak():
    # The membrane of every neuron kind over three steps, for all small currents, start values and
    # thresholds: M - floor(M / tau) + 2^F * I in exact fractions.
    currents = np.array(list(itertools.product(range(-3, 4), repeat=3)))  # (n, 3)
    init = np.arange(-3, 4)
    threshold = np.arange(1, 5)
    for neuron in NEURONS:
        membrane = np.broadcast_to(
            init[:, np.newaxis, np.newaxis], (len(init), len(threshold), len(currents))
        ).astype(np.int64)
        start, level = membrane, threshold[np.newaxis, :, np.newaxis]
        observed = []
        for t in range(3):
            charged, spikes, membrane = fire(
                neuron, membrane, currents[:, t] << neuron.fractional_bits, level
            )
            observed.append((charged, spikes, membrane))
        expected_step = _memoised_fraction_step(neuron)
        for index in np.ndindex(start.shape):
            state = int(start[index])
            for t, results in enumerate(observed):
                current = int(currents[index[2], t])
                expected = expected_step(state, current, int(threshold[index[1]]))
                assert tuple(int(array[index]) for array in results) == expected
                state = expected[2]


def _memoised_fraction_step(neuron):
    steps = {}

    def step(membrane, current, threshold):
        key = membrane, current, threshold
        if key not in steps:
            steps[key] = _fraction_step(neuron, *key)
        return steps[key]

    return step


def _fraction_step(neuron, membrane, current, threshold):
    leak = 0 if neuron.leak is None else math.floor(Fraction(membrane, 2**neuron.leak))
    charged = Fraction(membrane) - leak + Fraction(current) * 2**neuron.fractional_bits
    if charged < threshold:
        return charged, 0, charged
    return charged, 1, Fraction(0) if neuron.reset == "hard" else charged - threshold


@pytest.mark.parametrize("neuron", NEURONS, ids=str)
def test_where_nothing_is_rounded_it_is_the_papers_neuron(neuron):
    # Eq. 1, V[n] = V[n-1] + (x[n] - V[n-1]) / tau and V >= Vth, for every membrane whose leak is
    # a whole number, and real thresholds between the integers and on them (V == Vth fires).
    unit = neuron.threshold_unit
    tau = 1 if neuron.leak is None else 2**neuron.leak
    for m in range(-4 * tau, 5 * tau, tau):
        for current, thirds in itertools.product(range(-6, 7), range(1, 13)):
            v, x, vth = Fraction(m, unit), Fraction(current), Fraction(thirds, 3 * tau)
            v = v + x if neuron.leak is None else v + (x - v) / tau
            fires = v >= vth
            after = v if not fires else Fraction(0) if neuron.reset == "hard" else v - vth
            charged, spikes, membrane = fire(
                neuron,
                np.array(m),
                np.array(current << neuron.fractional_bits),
                np.array(math.ceil(vth * unit)),
            )
            assert Fraction(int(charged), unit) == v
            assert bool(spikes) == fires
            if neuron.reset == "hard" or not fires or (vth * unit).denominator == 1:
                assert Fraction(int(membrane), unit) == after


@pytest.mark.parametrize("leak", [1, 2, 3])
def test_floored_leak_stays_within_tau_of_the_exact_membrane(leak):
    # The floor may only ever hold the membrane back from leaking: error e' = e (1 - 1/tau) + d,
    # 0 <= d < 1, hence 0 <= e < tau for ever.
    rng = np.random.default_rng(leak)
    currents = rng.integers(-20, 20, (50, 200))
    membrane, exact = np.zeros(200, dtype=np.int64), [Fraction(0)] * 200
    for current in currents:
        _, _, membrane = fire(NeuronSpec(leak=leak), membrane, current, np.array(1 << 30))
        exact = [e - e / 2**leak + int(i) for e, i in zip(exact, current, strict=True)]
        assert all(0 <= int(m) - e < 2**leak for m, e in zip(membrane, exact, strict=True))


def test_one_below_threshold_stays_silent_and_threshold_fires():
    for neuron in NEURONS:
        _, spikes, after = fire(neuron, np.zeros(2, np.int64), np.array([6, 7]), np.array(7))
        assert spikes.tolist() == [False, True]
        assert after.tolist() == [6, 0]


# ---------------------------------------------------------------------------- sums


@pytest.mark.parametrize("shift", [0, 1, 2, 5])
def test_rounding_shift_is_floor_of_the_value_plus_one_half(shift):
    values = np.arange(-100, 101)
    expected = [
        v if shift == 0 else math.floor(Fraction(int(v), 2**shift) + Fraction(1, 2)) for v in values
    ]
    assert rounding_shift(values, shift).tolist() == expected


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_convolution_against_loops(height, width):
    rng = np.random.default_rng(height * 10 + width)
    weight = rng.integers(-127, 128, (5, 3, 3, 3))
    planes = rng.integers(PIXEL_MIN, PIXEL_MAX + 1, (3, height, width))
    convolve = ExactConvolution(weight, largest=-PIXEL_MIN)
    result = convolve(np.pad(planes, ((0, 0), (1, 1), (1, 1))))
    assert result.dtype == np.int64
    assert result.tolist() == naive.convolve(weight.tolist(), planes.tolist())


def test_float_type_follows_the_bound():
    # One past the limit a float32 sum would lose its last bit.
    assert exact_float(2**24 - 1) is np.float32
    assert exact_float(2**24) is np.float64
    assert exact_float(2**53 - 1) is np.float64
    with pytest.raises(ValueError, match="not exact"):
        exact_float(2**53)


def test_sums_beyond_float32_are_exact():
    weight = np.full((1, 1, 3, 3), 2**22 - 1)
    weight[0, 0, 0, 0] = 2**22
    convolve = ExactConvolution(weight, largest=5)
    assert convolve.dtype is np.float64
    planes = np.array([[[5, 4, 3], [1, 5, 3], [5, 5, 1]]])
    exact = int((planes * weight[0]).sum())
    assert int(np.float32(exact)) != exact
    assert convolve(planes)[0, 0, 0] == exact


# ---------------------------------------------------------------------------- network


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("timesteps", [1, 3])
def test_every_number_of_every_layer_against_loops(height, width, timesteps):
    for seed, neuron in enumerate(NEURONS[:: len(NEURONS) // 6]):
        shift = 2 * (seed % 2)
        deployment = random_deployment(
            network(neuron, encoding_shift=shift), seed, with_init=bool(seed % 3)
        )
        picture = pixels(height, width, seed)
        result = golden.denoise(deployment, picture, timesteps, trace=True)
        layers, total, residual, denoised = naive.network(deployment, picture.tolist(), timesteps)
        assert len(result.layers) == len(layers) == 3
        for trace, expected in zip(result.layers, layers, strict=True):
            assert trace.currents.tolist() == expected.currents
            assert trace.charged.tolist() == expected.charged
            assert trace.membranes.tolist() == expected.membranes
            assert trace.spikes.astype(int).tolist() == expected.spikes
            assert (unpack_spikes(trace.words, 3) == trace.spikes).all()
        assert result.total.tolist() == total
        assert result.residual.tolist() == residual
        assert result.denoised.tolist() == denoised
        assert result.denoised.dtype == np.uint8
        assert result.activity.spike_counts == tuple(np.sum(layer.spikes) for layer in layers)


def test_output_multiplication_against_fractions():
    deployment = random_deployment(network(output_shift=7), 3)
    picture = pixels(6, 5)
    result = golden.denoise(deployment, picture)
    ratio = Fraction(deployment.mult(3), 2**7)
    for r, residual in zip(result.total.flat, result.residual.flat, strict=True):
        assert residual == math.floor(int(r) * ratio + Fraction(1, 2))
    clamped = np.clip(picture - result.residual, 0, 255)
    assert (result.denoised == clamped).all()
    assert {0, 255} <= set(result.denoised.flat)


def test_bias_of_the_output_layer_enters_in_every_timestep():
    deployment = random_deployment(network(), 3)
    richer = replace(deployment, biases=(*deployment.biases[:-1], deployment.biases[-1] + 5))
    picture = pixels(2, 2)
    for timesteps in (1, 3):
        plain, biased = (golden.denoise(d, picture, timesteps) for d in (deployment, richer))
        assert (biased.total - plain.total == 5 * timesteps).all()


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (2, 3), (3, 16), (7, 4)])
def test_working_in_blocks_changes_nothing(monkeypatch, rows, columns):
    deployment = random_deployment(network(timesteps=(4,)), 8)
    picture = pixels(11, 13)
    whole = golden.denoise(deployment, picture, trace=True)
    monkeypatch.setattr(golden_reference, "BLOCK_COLUMNS", columns)
    monkeypatch.setattr(golden_reference, "BLOCK_PIXELS", rows * columns)
    pieces = golden.denoise(deployment, picture, trace=True)
    assert (pieces.denoised == whole.denoised).all()
    assert pieces.activity == whole.activity
    for one, other in zip(pieces.layers, whole.layers, strict=True):
        for name in ("currents", "charged", "membranes", "spikes"):
            assert (getattr(one, name) == getattr(other, name)).all()


@pytest.mark.parametrize("timesteps", [1, 8, 9, 16, 17, 32])
def test_spike_trains_hold_any_number_of_timesteps(timesteps):
    deployment = random_deployment(network(timesteps=(timesteps,), channels=2, depth=3), timesteps)
    picture = pixels(3, 4)
    layers, _, _, denoised = naive.network(deployment, picture.tolist(), timesteps)
    for engine in ("events", "reference"):
        result = golden.denoise(deployment, picture, trace="spikes", engine=engine)
        assert result.denoised.tolist() == denoised
        for trace, expected in zip(result.layers, layers, strict=True):
            assert trace.spikes.astype(int).tolist() == expected.spikes


def test_far_pixels_do_not_matter():
    # A pixel reaches one further pixel per layer and no more.
    deployment = random_deployment(network(), 5)
    picture = pixels(1, 12)
    changed = picture.copy()
    changed[0, 0] = -changed[0, 0]
    depth = len(deployment.spec.layers)
    one, other = (golden.denoise(deployment, p).denoised for p in (picture, changed))
    assert (one[:, depth + 1 :] == other[:, depth + 1 :]).all()


def test_theta_counts_spikes_per_neuron():
    deployment = random_deployment(network(), 6)
    result = golden.denoise(deployment, pixels(4, 5), trace=True)
    means = [trace.spikes.sum() / (3 * 4 * 5) for trace in result.layers]
    assert result.activity.layer_thetas == pytest.approx(means)
    assert result.activity.theta == pytest.approx(np.mean(means))


def test_activities_of_two_pictures_add_up():
    one = Activity(spike_counts=(10, 0), neurons=10)
    other = Activity(spike_counts=(0, 30), neurons=30)
    assert (one + other).layer_thetas == (10 / 40, 30 / 40)
    assert (one + other).theta == 40 / 80


def test_progress_ends_at_the_whole():
    calls = []
    deployment = random_deployment(network(), 6)
    golden.denoise(deployment, pixels(4, 5), progress=lambda *call: calls.append(call))
    assert calls[-1] == (80, 80)
    assert calls == sorted(calls)


def test_interrupted_work_stops(monkeypatch):
    # Ctrl-C must not wait until all blocks of the layer are done.
    monkeypatch.setattr(golden_reference, "BLOCK_PIXELS", 1)
    fired = []
    monkeypatch.setattr(golden_reference, "fire", lambda *args: fired.append(0) or fire(*args))

    def interrupt(done, whole):
        raise KeyboardInterrupt

    deployment = random_deployment(network(), 6)
    with pytest.raises(KeyboardInterrupt):
        golden.denoise(
            deployment, pixels(50, 50), progress=interrupt, engine="reference", threads=1
        )
    assert len(fired) < 50 * 50 * deployment.spec.timesteps_max


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint64])
def test_any_integer_type_of_pixels(dtype):
    deployment = random_deployment(network(), 7)
    picture = abs(pixels(4, 5)) % 256
    expected = golden.denoise(deployment, picture).denoised
    assert (golden.denoise(deployment, picture.astype(dtype)).denoised == expected).all()


@pytest.mark.parametrize(
    ("picture", "complaint"),
    [
        (np.zeros((2, 2)), "float64"),
        (np.zeros((0, 2), int), r"\[0, 2\]"),
        (np.zeros((2, 2, 3), int), r"\[2, 2, 3\]"),
        (np.full((2, 2), PIXEL_MAX + 1), "outside of -512..511"),
        (np.full((2, 2), PIXEL_MIN - 1), "outside of -512..511"),
    ],
)
def test_pixels_are_checked(picture, complaint):
    with pytest.raises(ValueError, match=complaint):
        golden.denoise(random_deployment(configuration("tiny"), 0), picture)


def test_forbidden_timesteps_are_refused():
    with pytest.raises(UsageError, match="T = 5 is not allowed by this deployment; it allows 2, 3"):
        golden.denoise(random_deployment(configuration("tiny"), 0), pixels(2, 2), 5)


# One caller's end must not give the threads back to another's products, nor keep them for good.
def test_callers_share_the_limit_of_the_matrix_products():
    def threads():
        return [part["num_threads"] for part in threadpool_info() if part["user_api"] == "blas"]

    with threadpool_limits(2, "blas"):
        before = threads()
        limit, limited = golden_reference.one_blas_thread, [1] * len(before)
        limit.__enter__()
        limit.__enter__()
        assert threads() == limited != before
        limit.__exit__()
        assert threads() == limited
        limit.__exit__()
        assert threads() == before
