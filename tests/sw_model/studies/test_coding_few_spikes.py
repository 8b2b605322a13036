"""The few-spike code of the study of neural coding, against its neuron and closed forms."""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from sw_model.studies.coding import figures, findings, report
from sw_model.studies.coding.few_spikes import (
    FEW_SPIKE_STEPS,
    few_spike_table,
    uniform_psnr,
    weighted_sum,
)
from sw_model.studies.coding.quality import Pictures, few_spike_point, measure
from sw_model.studies.coding.tables import Study, quality

EVERY_T = pytest.mark.parametrize("timesteps", FEW_SPIKE_STEPS)
GREYS = Pictures("all grey levels", ("greys.png",), (np.arange(256, dtype=np.uint8)[np.newaxis],))
"""A picture that has every grey level once."""


@pytest.fixture(scope="module")
def study():
    """All codings of the picture of all grey levels."""
    return Study(0, GREYS, tuple(measure(GREYS, 0)), ())


def train_of(x, timesteps):
    """Spikes of the neuron for one exact input: its membrane doubles, its threshold stays."""
    threshold = Fraction(1, 2**timesteps - 1)
    membrane = (x + threshold / 2) / 2 ** (timesteps - 1)
    spikes = []
    for _ in range(timesteps):
        spikes.append(membrane >= threshold)
        membrane = 2 * (membrane - threshold * spikes[-1])
    return spikes


def decibels(error):
    return math.inf if error == 0 else -10 * math.log10(error)


@EVERY_T
def test_the_codes_are_what_the_neuron_fires(timesteps):
    table = few_spike_table(timesteps)
    step = Fraction(1, 10**12)
    inputs = [Fraction(grey, 255) for grey in range(256)] + [Fraction(-1), Fraction(3)]
    inputs += [edge + shift for edge in table.thresholds for shift in (-step, 0, step)]
    codes = [table.code_of(x) for x in inputs]
    assert [train_of(x, timesteps) for x in inputs] == table.spikes[codes].tolist()
    assert set(codes) == set(range(2**timesteps))


@EVERY_T
def test_the_codes_of_grey_levels_are_the_values_of_the_integer_neuron(timesteps):
    # M = current + init, with the threshold 510 and init = 510 >> 1.
    largest = 2**timesteps - 1
    values = [min(max((2 * grey * largest + 255) // 510, 0), largest) for grey in range(256)]
    table = few_spike_table(timesteps)
    codes = table.encode(np.arange(256), 255)
    assert codes.tolist() == values
    assert weighted_sum(table.spikes.T)[codes].tolist() == values


def test_the_most_significant_spike_comes_first():
    spikes = np.array([[1, 0, 1], [0, 0, 1], [0, 1, 1]], bool)
    assert weighted_sum(spikes).tolist() == [4, 1, 7]
    assert weighted_sum(np.ones((5, 2, 3), bool)).tolist() == [[31] * 3] * 2


@EVERY_T
def test_even_inputs_have_the_error_of_a_uniform_quantiser(timesteps):
    # The integral over each interval of inputs, in fractions.
    table, largest = few_spike_table(timesteps), 2**timesteps - 1
    middles = table.centroids(0, 1)
    error, centroid_error, spikes = Fraction(0), 0.0, Fraction(0)
    intervals = list(pairwise((Fraction(0), *table.thresholds, Fraction(1))))
    assert len(intervals) == 2**timesteps
    for (low, high), train, middle in zip(intervals, table.spikes, middles, strict=True):
        decoded = Fraction(int(weighted_sum(train)), largest)
        error += ((high - decoded) ** 3 - (low - decoded) ** 3) / 3
        centroid_error += ((high - middle) ** 3 - (low - middle) ** 3) / 3
        spikes += (high - low) * int(train.sum())
    assert error == Fraction(1, 12 * largest**2)
    assert uniform_psnr(timesteps) == pytest.approx(decibels(error), abs=1e-9)
    # All intervals but the first and the last are a whole step wide, those two half a step.
    assert centroid_error == pytest.approx((largest - Fraction(3, 4)) / (12 * largest**3))
    assert spikes == Fraction(timesteps, 2)


@EVERY_T
def test_all_grey_levels_once(timesteps):
    largest = 2**timesteps - 1
    errors = [
        (Fraction(255 * ((2 * grey * largest + 255) // 510), largest) - grey) ** 2
        for grey in range(256)
    ]
    error = sum(errors) / 256
    if 255 % largest == 0:
        # An odd number of grey levels has the same value: discrete even distributions.
        levels = 255 // largest
        assert error == Fraction(255 * (levels**2 - 1), 256 * 12)
    point = few_spike_point(timesteps, GREYS)
    assert (point.coding, point.timesteps) == ("few-spike", timesteps)
    assert point.theta == timesteps / 2
    assert point.psnr["weighted sum"] == pytest.approx(decibels(error / 255**2), abs=1e-6)
    assert point.psnr["data mean"] >= point.psnr["weighted sum"] - 1e-9


def test_eight_timesteps_lose_nothing():
    psnr = few_spike_point(8, GREYS).psnr
    assert psnr["weighted sum"] == psnr["data mean"] == math.inf
    # The outer intervals end at black and white, a quarter of a grey level from their middles.
    assert psnr["centroid"] == pytest.approx(decibels(2 / 16 / 256 / 255**2), abs=1e-6)


def test_float_errors_do_not_count_as_distortion():
    # Without black and white each centroid is a grey level, apart from the rounding of floats.
    greys = np.repeat(np.arange(1, 255, dtype=np.uint8), np.arange(1, 255))[np.newaxis]
    psnr = few_spike_point(8, Pictures("greys", ("greys.png",), (greys,))).psnr
    assert psnr == dict.fromkeys(("weighted sum", "centroid", "data mean"), math.inf)


def test_no_timesteps_are_refused():
    with pytest.raises(ValueError, match="0 timesteps"):
        few_spike_table(0)


# ---------------------------------------------------------------------------- figure, table, text


def test_the_table_has_a_row_for_each_t(study):
    table = quality(study)
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    few = [row for row in rows if row["coding"] == "few-spike"]
    assert [(row["T"], row["theta"]) for row in few] == [(t, t / 2) for t in range(1, 9)]
    assert all(row["psnr_eq8"] is None for row in few)
    for row, levels in zip(few, (255, 85), strict=False):
        error = Fraction(255 * (levels**2 - 1), 256 * 12 * 255**2)
        assert row["psnr_weighted_sum"] == pytest.approx(decibels(error), abs=1e-6)
    assert all(row["psnr_weighted_sum"] is None for row in rows if row not in few)


def test_the_figure_shows_it_against_timesteps_and_spikes(study):
    by_steps, by_spikes = figures._distortion(study).axes
    points = [few_spike_point(t, GREYS) for t in FEW_SPIKE_STEPS]
    for axis, scale in ((by_steps, 1), (by_spikes, 0.5)):
        lines = {line.get_label(): line for line in axis.get_lines()}
        assert {name for name in lines if name.startswith("few-spike")} == {
            "few-spike, weighted sum",
            "few-spike, centroid",
        }
        for decoder in ("weighted sum", "centroid"):
            line = lines[f"few-spike, {decoder}"]
            assert line.get_xdata().tolist() == [scale * t for t in range(1, 9)]
            assert line.get_ydata().tolist() == [p.psnr[decoder] for p in points]
        assert "IF soft, rate (eq. 8)" in lines
        assert math.isfinite(axis.get_ylim()[1])


def cells(text):
    """Rows of the tables in a text, as lists of cells."""
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]


def test_the_section_has_both_tables(study):
    rows = cells(report._few_spikes_section(study))
    # T, values, spikes and PSNR of even intensities: 10 log10(12 * 15^2).
    assert any(row[:5] == ["4", "16", "2.00", "2.00", "34.31"] for row in rows)
    few = few_spike_point(3, GREYS).psnr["weighted sum"]
    (row,) = [row for row in rows if row[1:2] == ["3 / 1.50"]]
    for cell, coding, decoder in zip(
        row[2:],
        ("rate coding", "IF soft", "IF soft"),
        ("eq8", "eq8", "centroid"),
        strict=True,
    ):
        reached = [p for p in study.points_of(coding) if p.psnr[decoder] >= few]
        assert cell == f"{reached[0].timesteps} / {reached[0].theta:.2f}"
    # Nothing else comes back without error.
    assert ["inf", "8 / 4.00", "", "", ""] in rows


def test_the_finding_compares_equal_quality(study):
    sentence = findings._few_spikes_save(study)
    assert "With T = 3 the few-spike code has 8 values" in sentence
    assert "for 1.50 spikes per pixel" in sentence
    point = findings.first_at(study, "IF soft", "centroid", 27.7)
    assert f"IF soft needs T = {point.timesteps} and {point.theta:.2f} spikes" in sentence
    rate = tuple(p for p in study.points if p.coding != "rate coding" or p.timesteps < 20)
    short = findings._few_spikes_save(Study(0, GREYS, rate, ()))
    assert "rate coding needs more than the measured T" in short
