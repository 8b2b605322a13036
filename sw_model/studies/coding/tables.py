"""The tables of the study of neural coding, for the CSV files, the figures and the report."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from sw_model.coding import Neuron, code_table
from sw_model.spec import GREY_MAX

from .few_spikes import FEW_SPIKE_STEPS, FEW_SPIKES, few_spike_table
from .integer import Mismatches
from .quality import (
    CENTROID,
    CONVERSIONS,
    DATA_MEAN,
    EQ8,
    GREYS,
    IF_SOFT,
    LIF_HARD,
    LIF_SOFT,
    PAPER_STEPS_MAX,
    RATE,
    WEIGHTED_SUM,
    Pictures,
    Point,
)

Cell = str | int | float | None

PAPER_STEPS = 8
"""T of Table 1 and Fig. 1."""
FIG1_RANGE = (1000, 2400)
"""Inputs of Fig. 1, in thousandths."""
STEPS = range(1, 33)
NEURONS = {
    LIF_HARD.name: LIF_HARD.neuron,
    LIF_SOFT.name: LIF_SOFT.neuron,
    "IF hard": Neuron(tau=None),
    IF_SOFT.name: IF_SOFT.neuron,
}
"""With leak (tau = 2) and without, with hard and soft reset."""


@dataclass(frozen=True)
class Table:
    """A table: names of the columns, and rows."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def csv(self) -> bytes:
        """As CSV; floats have six decimals, which are equal on every machine."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([_text(cell) for cell in row] for row in self.rows)
        return text.getvalue().encode()

    def markdown(self, decimals: int = 3) -> str:
        """As a Markdown table."""
        lines = [self.columns, ["---"] * len(self.columns)]
        lines += [[_text(cell, decimals) for cell in row] for row in self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


@dataclass(frozen=True)
class Study:
    """All measurements."""

    seed: int
    pictures: Pictures
    points: tuple[Point, ...]
    mismatches: tuple[Mismatches, ...]

    def points_of(self, coding: str, last: int | None = None) -> list[Point]:
        """Points of one coding in ascending order of T, up to ``last``."""
        return [p for p in self.points if p.coding == coding and p.timesteps <= (last or 1 << 30)]


def table1() -> Table:
    """Table 1 of the paper, with the smallest input that gives each row."""
    table = code_table(LIF_HARD.neuron, PAPER_STEPS)
    rows: list[tuple[Cell, ...]] = []
    for k, spikes in enumerate(table.spikes[::-1]):
        # The last row is silence, which has no smallest input.
        lowest = table.thresholds[-1 - k] if k < PAPER_STEPS else None
        train = tuple(int(spike) for spike in spikes)
        exact = None if lowest is None else str(lowest)
        value = None if lowest is None else float(lowest)
        rows.append((k, *train, float(spikes.mean()), exact, value))
    steps = tuple(f"n{n}" for n in range(PAPER_STEPS))
    return Table(("k", *steps, "firing_rate", "smallest_x_exact", "smallest_x"), tuple(rows))


def staircase() -> tuple[list[float], list[float]]:
    """Inputs of Fig. 1 and the firing rates at T = 8 that they give."""
    table = code_table(LIF_HARD.neuron, PAPER_STEPS)
    inputs = range(FIG1_RANGE[0], FIG1_RANGE[1] + 1)
    counts = table.counts[table.encode(inputs, 1000)]
    return [x / 1000 for x in inputs], (counts / PAPER_STEPS).tolist()


def fig1() -> Table:
    """Fig. 1 of the paper: firing rate at T = 8 against the input."""
    return Table(("x", "firing_rate"), tuple(zip(*staircase(), strict=True)))


def codes() -> Table:
    """Codes and distinct firing rates of each neuron and T."""
    tables = [
        (name, timesteps, code_table(neuron, timesteps))
        for name, neuron in NEURONS.items()
        for timesteps in STEPS
    ]
    tables += [(FEW_SPIKES, timesteps, few_spike_table(timesteps)) for timesteps in FEW_SPIKE_STEPS]
    return Table(
        ("neuron", "T", "codes", "distinct_rates"),
        tuple((name, t, len(table.spikes), table.distinct_rates) for name, t, table in tables),
    )


def ranges() -> Table:
    """The input range that wastes no codes, and the codes of the usual range that 256 greys use.

    ``all_codes_from`` is the smallest threshold: the range must start below it to include silence.
    ``all_codes_to`` is the largest threshold, which the range must include.
    """
    rows: list[tuple[Cell, ...]] = []
    for coding in CONVERSIONS:
        for timesteps in STEPS:
            table = code_table(coding.neuron, timesteps)
            edges = table.thresholds
            span = coding.high - coding.low
            used = len(set(table.encode(GREY_MAX * coding.low + span * GREYS, GREY_MAX).tolist()))
            narrowest = min((high - low for low, high in pairwise(edges)), default=None)
            rows.append(
                (
                    coding.name,
                    timesteps,
                    float(edges[0]),
                    float(edges[-1]),
                    None if narrowest is None else float(GREY_MAX * narrowest / span),
                    len(table.spikes),
                    used,
                    len(table.spikes) - used,
                )
            )
    columns = ("neuron", "T", "all_codes_from", "all_codes_to", "narrowest_in_grey_levels")
    return Table((*columns, "codes", "used_by_256_greys", "wasted"), tuple(rows))


def quality(study: Study) -> Table:
    """PSNR and theta of all points."""
    return _quality(study.points)


def fig2(study: Study) -> Table:
    """Fig. 2 of the paper, with rate coding extended to larger T."""
    points = study.points_of(LIF_HARD.name, PAPER_STEPS_MAX) + study.points_of(RATE)
    return _quality(points)


def integer(study: Study) -> Table:
    """Mismatching codes of the integer neuron by width."""
    return Table(
        (
            *("neuron", "T", "membrane_bits", "units_are_a_multiple_of", "units"),
            *("mismatches_of_256", "mismatches_of_65536", "of_them_on_a_threshold"),
        ),
        tuple(
            (
                *(row.coding, row.timesteps, row.width, row.multiple, row.units or None),
                *(row.grey, row.fine, row.on_threshold),
            )
            for row in study.mismatches
        ),
    )


def csv_files(study: Study) -> dict[str, bytes]:
    """All CSV files by name."""
    tables = {
        "table1.csv": table1(),
        "fig1.csv": fig1(),
        "fig2.csv": fig2(study),
        "codes.csv": codes(),
        "distortion.csv": quality(study),
        "integer.csv": integer(study),
        "ranges.csv": ranges(),
    }
    return {name: table.csv() for name, table in tables.items()}


def _quality(points: Sequence[Point]) -> Table:
    """A row for each point, and a column for each decoder that any of them has."""
    names = (EQ8, CENTROID, DATA_MEAN, WEIGHTED_SUM)
    decoders = [name for name in names if any(name in p.psnr for p in points)]
    return Table(
        ("coding", "T", "theta", *(f"psnr_{name.replace(' ', '_')}" for name in decoders)),
        tuple(
            (p.coding, p.timesteps, p.theta, *(p.psnr.get(name) for name in decoders))
            for p in points
        ),
    )


def _text(cell: Cell, decimals: int = 6) -> str:
    if cell is None:
        return ""
    return f"{cell:.{decimals}f}" if isinstance(cell, float) else str(cell)
