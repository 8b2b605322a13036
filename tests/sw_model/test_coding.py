"""Encoding, decoding and thresholds of the paper's section 2."""

from fractions import Fraction
from itertools import islice

import numpy as np
import pytest

from sw_model.coding import (
    Neuron,
    activity,
    code_table,
    convert,
    firing_rate,
    period_threshold,
    rate_code,
    rate_steps,
)

from ..paper import TABLE_1, spikes_of

LIF = Neuron()
NEURONS = [
    Neuron(tau=tau, v_th=v_th, reset=reset)
    for reset in ("hard", "soft")
    for tau, v_th in ((2, 1), (None, 1), (Fraction(7, 2), Fraction(3, 4)), (1, 2), (None, 3))
]


def inputs_of_row(k):
    """Both ends and the middle of the inputs that wait k timesteps, exactly."""
    low = 0 if k == 8 else Fraction(2 ** (k + 1), 2 ** (k + 1) - 1)
    high = 3 if k == 0 else Fraction(2**k, 2**k - 1)
    return low, (low + high) / 2, high - Fraction(1, 10**9)


@pytest.mark.parametrize("k", TABLE_1)
def test_table_1(k):
    exact = np.array(inputs_of_row(k), object)
    assert (convert(exact, 8, LIF) == np.array([spikes_of(k)] * 3, bool).T).all()
    # In floats the two ends may round to either side, the middle may not.
    spikes = convert(float(inputs_of_row(k)[1]), 8, LIF)
    assert spikes.tolist() == [bool(spike) for spike in spikes_of(k)]
    assert firing_rate(spikes) == TABLE_1[k][1]
    # The table of all codes goes from silence up.
    table = code_table(LIF, 8)
    assert table.spikes[8 - k].tolist() == spikes.tolist()
    assert [table.code_of(x) for x in exact] == [8 - k] * 3


def test_there_are_no_more_codes_than_in_table_1():
    sweep = convert(np.linspace(0, 3, 30_001), 8, LIF).T
    assert {tuple(train.tolist()) for train in sweep} == {tuple(spikes_of(k)) for k in TABLE_1}


@pytest.mark.parametrize(("period", "value"), [(1, "2.00"), (2, "1.33"), (4, "1.07")])
def test_thresholds_of_the_paper(period, value):
    assert f"{float(period_threshold(LIF, period)):.2f}" == value


@pytest.mark.parametrize("tau", [2, 1.25, 3, 8.5, None])
@pytest.mark.parametrize("v_th", [1, 0.3, 2.5])
def test_closed_form_is_what_simulation_finds(tau, v_th):
    neuron = Neuron(tau=tau, v_th=v_th)
    periods = np.arange(1, 25)
    low, high = np.zeros(24), np.full(24, v_th * (tau or 1) * 1.1)
    for _ in range(60):
        middle = (low + high) / 2
        spikes = convert(middle, 24, neuron)
        fires = np.where(spikes.any(axis=0), spikes.argmax(axis=0) + 1, 99) <= periods
        low, high = np.where(fires, low, middle), np.where(fires, middle, high)
    closed = [float(period_threshold(neuron, int(period))) for period in periods]
    assert np.abs(high - closed).max() < 1e-9


def test_the_upper_bound_of_eq_7_is_strict():
    below = np.nextafter(2.0, 0)
    assert convert(2.0, 8, LIF).all()
    assert convert(below, 8, LIF).tolist() == [bool(spike) for spike in spikes_of(1)]


@pytest.mark.parametrize("neuron", NEURONS, ids=str)
def test_code_table_is_what_exact_simulation_finds(neuron):
    table = code_table(neuron, 7)
    step = Fraction(1, 10**12)
    inputs = [Fraction(i, 96) for i in range(-20, 700)]
    inputs += [edge + shift for edge in table.thresholds for shift in (-step, 0, step)]
    spikes = convert(np.array(inputs, object), 7, neuron)
    codes = [table.code_of(x) for x in inputs]
    assert (spikes == table.spikes[codes].T).all()
    # Every code is reached, and no two are the same.
    assert set(codes) == set(range(len(table.spikes)))
    assert len({tuple(train.tolist()) for train in table.spikes}) == len(table.spikes)
    assert list(table.thresholds) == sorted(table.thresholds)


def test_encode_is_exact_on_thresholds():
    table = code_table(LIF, 8)
    # 255, 85, 17 and 1 of 255 lie on the thresholds of the periods 1, 2, 4 and 8.
    greys = np.array([[255, 254, 85, 84], [17, 16, 1, 0]])
    assert table.encode(255 + greys, 255).tolist() == [[8, 7, 7, 6], [5, 4, 1, 0]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_get_the_codes_of_all_grey_levels(dtype):
    inputs = (1 + np.arange(256) / 255).astype(dtype)
    table = code_table(LIF, 16)
    exact = table.spikes[table.encode(255 + np.arange(256), 255)].T
    assert (convert(inputs, 16, LIF) == exact).all()


@pytest.mark.parametrize("timesteps", range(1, 33))
@pytest.mark.parametrize("tau", [2, None])
def test_codes_and_distinct_rates(tau, timesteps):
    hard = code_table(Neuron(tau=tau), timesteps)
    soft = code_table(Neuron(tau=tau, reset="soft"), timesteps)
    assert len(hard.spikes) == timesteps + 1
    assert hard.distinct_rates == len({timesteps // p for p in range(1, timesteps + 2)})
    # Fractions 0..1 with a denominator up to T.
    farey = {Fraction(a, b) for b in range(1, timesteps + 1) for a in range(b + 1)}
    assert len(soft.spikes) == len(farey)
    assert soft.distinct_rates == timesteps + 1


def test_distinct_rates_of_table_1():
    assert code_table(LIF, 8).distinct_rates == len({rate for _, rate in TABLE_1.values()}) == 5


def test_without_leak_and_with_soft_reset_the_count_is_the_number():
    inputs = np.array([Fraction(i, 8) for i in range(9)], object)
    assert convert(inputs, 8, Neuron(tau=None, reset="soft")).sum(axis=0).tolist() == list(range(9))


def test_centroids():
    # Codes at T = 2: 1 to 4/3, 4/3 to 2, 2.
    assert code_table(LIF, 2).centroids(1, 2) == pytest.approx([7 / 6, 5 / 3, 2])
    # A code outside of the range takes its end.
    assert code_table(LIF, 2).centroids(Fraction(3, 2), 3) == pytest.approx([1.5, 1.75, 2.5])


def test_images_keep_their_shape():
    image = np.linspace(1, 2, 12).reshape(3, 4)
    spikes = convert(image, 5, LIF)
    assert spikes.shape == (5, 3, 4)
    assert (spikes[:, 2, 1] == convert(image[2, 1], 5, LIF)).all()
    assert firing_rate(spikes).shape == (3, 4)
    assert activity(spikes) == pytest.approx(spikes.sum() / 12)


def test_rate_coding_is_seeded():
    p = np.linspace(0, 1, 50).reshape(5, 10)
    spikes = rate_code(p, 20, 3)
    assert (spikes == rate_code(p, 20, 3)).all()
    assert (spikes != rate_code(p, 20, 4)).any()
    # More timesteps go on with the same train.
    assert (spikes == np.stack(list(islice(rate_steps(p, 3), 25)))[:20]).all()
    assert not spikes[:, 0, 0].any()
    assert spikes[:, 4, 9].all()


def test_rate_coding_fires_with_its_probability_and_independently():
    spikes = rate_code(np.full(40_000, 0.3), 8, 0)
    counts = spikes.sum(axis=0)
    # Five standard deviations of the mean, and the variance of a binomial draw.
    assert abs(spikes.mean() - 0.3) < 5 * (0.21 / spikes.size) ** 0.5
    assert counts.var() == pytest.approx(8 * 0.21, rel=0.05)


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(p):
    with pytest.raises(ValueError, match=r"probability is not a number 0\.\.1"):
        next(rate_steps([0.5, p], 0))


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({"tau": 0.5}, "tau 0.5"),
        ({"tau": float("inf")}, "tau inf"),
        ({"v_th": 0}, "v_th 0"),
        ({"v_th": float("nan")}, "v_th nan"),
        ({"reset": "gentle"}, "reset 'gentle'"),
    ],
)
def test_what_is_no_neuron_is_refused(parameters, complaint):
    with pytest.raises(ValueError, match=complaint):
        Neuron(**parameters)


@pytest.mark.parametrize("run", [lambda: convert(1, 0, LIF), lambda: rate_code(0.5, 0, 0)])
def test_no_timesteps_are_refused(run):
    with pytest.raises(ValueError, match="0 timesteps"):
        run()


def test_a_period_of_nothing_is_refused():
    with pytest.raises(ValueError, match="period 0"):
        period_threshold(LIF, 0)
