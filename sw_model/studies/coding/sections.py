"""The sections of the report on neural coding that do not depend on pictures."""

from __future__ import annotations

import numpy as np

from sw_model.coding import code_table, convert, period_threshold
from sw_model.spec import GREY_MAX

from .few_spikes import FEW_SPIKE_STEPS, FEW_SPIKES
from .findings import TEXTS, exact_widths
from .integer import FINE, TIMESTEPS, WIDTHS, WIDTHS_MAX, Mismatches, guaranteed_width
from .quality import CONVERSIONS, IF_SOFT, LIF_HARD, LIF_SOFT
from .tables import NEURONS, STEPS, Cell, Table, codes, ranges, table1

CODE_STEPS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
RANGE_STEPS = (1, 2, 3, 4, 6, 8, 9, 10, 12, 16)
"""T in the report's tables; the CSV files have all T."""


def conversion_section() -> str:
    """Table 1 and the thresholds."""
    edges = (float(period_threshold(LIF_HARD.neuron, p)) for p in (1, 2, 4))
    return TEXTS.text(
        "conversion",
        edges=", ".join(f"{edge:.2f}" for edge in edges),
        table1=table1().markdown(),
    )


def codes_section() -> str:
    """Codes and distinct rates."""
    rows = {(row[0], row[1]): row[2:] for row in codes().rows}
    names = (*NEURONS, FEW_SPIKES)
    table = Table(
        ("T", *names),
        tuple((t, *(_codes_cell(rows.get((name, t))) for name in names)) for t in CODE_STEPS),
    )
    lif, other = (code_table(c.neuron, STEPS[-1]).spikes for c in (LIF_SOFT, IF_SOFT))
    same = lif.shape == other.shape and bool((lif == other).all())
    same_codes = TEXTS.phrase("codes_equal" if same else "codes_differ")
    return TEXTS.text(
        "codes",
        codes=table.markdown(),
        same_codes=same_codes,
        few_spike_steps=FEW_SPIKE_STEPS[-1],
    )


def integer_section(mismatches: tuple[Mismatches, ...]) -> str:
    """The integer neuron."""
    shown = {
        (row.width, row.timesteps): row
        for row in mismatches
        if (row.coding, row.multiple) == (LIF_HARD.name, 1) and row.width in WIDTHS
    }
    by_width = Table(
        ("bits", "units", *(f"T = {t}" for t in TIMESTEPS)),
        tuple(
            (
                width,
                shown[width, TIMESTEPS[0]].units,
                *(f"{shown[width, t].grey} / {shown[width, t].fine}" for t in TIMESTEPS),
            )
            for width in WIDTHS
        ),
    )
    rows: list[tuple[Cell, ...]] = []
    for coding in CONVERSIONS:
        for intensities, field in ((GREY_MAX, "grey"), (FINE, "fine")):
            integral = exact_widths(mismatches, coding, intensities, field)
            rounded = exact_widths(mismatches, coding, 1, field)
            cells = [
                f"{_width(integral[t])} / {guaranteed_width(coding, t, intensities)} / "
                f"{_width(rounded[t])}"
                for t in TIMESTEPS
            ]
            rows.append((coding.name, intensities + 1, *cells))
    exact = Table(("neuron", "intensities", *(f"T = {t}" for t in TIMESTEPS)), tuple(rows))
    wrong32, wrong64 = _wrong_floats()
    return TEXTS.text(
        "integer",
        wrong_codes=by_width.markdown(),
        exact_widths=exact.markdown(),
        widths_max=WIDTHS_MAX,
        wrong32=wrong32,
        wrong64=wrong64,
        wrong_steps=TIMESTEPS[-1],
    )


def ranges_section() -> str:
    """Input ranges."""
    rows = tuple(row for row in ranges().rows if row[0] == LIF_HARD.name and row[1] in RANGE_STEPS)
    columns = (
        *("T", "range from below", "to", "narrowest interval (grey levels)"),
        *("codes", "used", "wasted"),
    )
    table = Table(columns, tuple(row[1:] for row in rows)).markdown(5)
    return TEXTS.text("ranges", ranges=table)


def _wrong_floats() -> list[int]:
    """Wrong codes of 65 536 intensities in float32 and in float64."""
    steps = TIMESTEPS[-1]
    table = code_table(LIF_HARD.neuron, steps)
    exact = table.spikes[table.encode(FINE + np.arange(FINE + 1), FINE)].T
    wrong = []
    for kind in (np.float32, np.float64):
        inputs = (1 + np.arange(FINE + 1) / FINE).astype(kind)
        spikes = convert(inputs, steps, LIF_HARD.neuron)
        wrong.append(int((spikes != exact).any(axis=0).sum()))
    return wrong


def _codes_cell(counts: tuple[Cell, ...] | None) -> str | None:
    return None if counts is None else "{} / {}".format(*counts)


def _width(width: int | None) -> str:
    return "none" if width is None else str(width)
