"""The parts of the text on neural coding that no picture has a say in."""

from __future__ import annotations

import textwrap

import numpy as np

from sw_model.coding import code_table, convert, period_threshold
from sw_model.spec import GREY_MAX

from .findings import exact_widths
from .integer import FINE, TIMESTEPS, WIDTHS, WIDTHS_MAX, Mismatches, guaranteed_width
from .quality import CONVERSIONS, IF_SOFT, LIF_HARD, LIF_SOFT
from .tables import NEURONS, STEPS, Cell, Table, codes, ranges, table1

TEXT_WIDTH = 120
CODE_STEPS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
RANGE_STEPS = (1, 2, 3, 4, 6, 8, 9, 10, 12, 16)
"""T in the text's tables; the CSV files have all."""


def fill(text: str, indent: int = 0) -> str:
    """One paragraph in lines of `TEXT_WIDTH`."""
    return textwrap.fill(
        " ".join(text.split()),
        TEXT_WIDTH,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def paragraphs(*texts: str) -> str:
    """Texts filled to the width; tables, headings, commands and figures as they are."""
    return "\n\n".join(
        text if text.startswith(("|", "#", "    ", "![")) else fill(text) for text in texts
    )


def conversion_section() -> str:
    """Table 1, Fig. 1 and the thresholds; nothing of it depends on pictures."""
    edges = ", ".join(f"{float(period_threshold(LIF_HARD.neuron, p)):.2f}" for p in (1, 2, 4))
    return paragraphs(
        "## Conversion by a LIF neuron (the paper's Table 1 and Fig. 1)",
        """A neuron at rest that gets the constant x fires for the first time in timestep p, counted
        from 1, if x is at least""",
        "    Vth / (1 − (1 − 1/τ)^p)        without leak: Vth / p",
        f"""and after a hard reset it is at rest again, so that p is the period. For τ = 2 and Vth =
        1 the thresholds of the rates 1, 1/2 and 1/4 at T = 8 are {edges}: the paper's values. Its
        eq. 7 includes the upper end of an interval and must not, since a neuron that gets x = Vth τ
        fires in every timestep (eq. 4). All comparisons here are done in rational numbers.""",
        table1().markdown(),
        "Row k waits k timesteps before its first spike. Rows 2 and 3 have the same firing rate, "
        "and so have rows 4 to 7: the nine codes have five rates.",
        "![Firing rate of the LIF neuron against its constant input, a staircase with steps at "
        "1.07, 1.33 and 2](coding/fig1.png)",
    )


def codes_section() -> str:
    """Codes and distinct rates; nothing of it depends on pictures."""
    rows = {(row[0], row[1]): row[2:] for row in codes().rows}
    table = Table(
        ("T", *NEURONS),
        tuple((t, *("{} / {}".format(*rows[name, t]) for name in NEURONS)) for t in CODE_STEPS),
    )
    lif, other = (code_table(c.neuron, STEPS[-1]).spikes for c in (LIF_SOFT, IF_SOFT))
    same = lif.shape == other.shape and bool((lif == other).all())
    return paragraphs(
        "## Codes and firing rates",
        "Codes / distinct firing rates of a constant input, by T (codes.csv has T = 1…32):",
        table.markdown(),
        """With a hard reset there are T + 1 codes, whatever the leak, and a code of period p has
        the rate ⌊T / p⌋ / T: only as many rates as ⌊T / p⌋ has values, about 2 √T. A soft reset
        keeps what the threshold leaves, and its codes are as many as the fractions 0…1 with
        denominators up to T (Farey's sequence), with all T + 1 rates. """
        + (
            "At T = 32 LIF and IF with soft reset even have the same spike trains; the leak only "
            "moves the inputs at which one gives way to the next."
            if same
            else "At T = 32 LIF and IF with soft reset have different spike trains."
        ),
    )


def integer_section(mismatches: tuple[Mismatches, ...]) -> str:
    """The integer neuron; nothing of it depends on pictures."""
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
            whole = exact_widths(mismatches, coding, intensities, field)
            free = exact_widths(mismatches, coding, 1, field)
            cells = [
                f"{_width(whole[t])} / {guaranteed_width(coding, t, intensities)} / "
                f"{_width(free[t])}"
                for t in TIMESTEPS
            ]
            rows.append((coding.name, intensities + 1, *cells))
    return paragraphs(
        "## The integer neuron against exact arithmetic",
        """The hardware's neuron (`sw_model/spec/neuron.py`) has integer currents, an integer
        threshold and a leak that floors. *Width* means the bits of its two's-complement membrane,
        by the rule that derives every width of the hardware. u is the number of units of current
        for one unit of x, the largest that the width has room for; with τ = 2 and Vth = 1 the
        threshold is 2 u and the membrane reaches up to about 3 u. Currents are rounded to the
        nearest unit. Wrong codes (whole spike trains compared) of the 256 grey levels / of all
        65 536 intensities of 16 bits, LIF hard, inputs from 1 to 2:""",
        by_width.markdown(),
        "![Mismatching codes against the width of the membrane, on a logarithmic scale]"
        "(coding/integer.png)",
        """The hard cases are inputs on thresholds: grey levels 255, 85, 17 and 1 are at the
        thresholds of the periods 1, 2, 4 and 8 exactly, and x = 1 (black) is where the membrane
        creeps up to the threshold without ever reaching it. The leak M − (M >> 1) is a ceiling of
        M / 2: a membrane stands up to a unit too high, never too low. So with whole currents
        (u a multiple of 255 for grey levels, of 65 535 for 16 bits) an input on a threshold keeps
        its code at every width, and what is wrong fires too early: black itself, whose membrane
        lacks ⌊2 u / 2^n⌋ after n timesteps, fires in timestep n as soon as 2 u < 2^n. An input off
        the thresholds of N + 1 intensities misses them by at least 2 u / (N 2^T) units, so that
        from u = N 2^(T − 1) on no code can be wrong. With any other u an input on a threshold is at
        the mercy of the rounding of its current, at every width: see IF soft, where the largest u
        is a power of two and a third of it is never whole.""",
        _floats(),
        f"Width from which on no code is wrong, up to {WIDTHS_MAX} bits: measured with whole "
        "currents / proven for whole currents / measured with the largest u of all:",
        Table(("neuron", "intensities", *(f"T = {t}" for t in TIMESTEPS)), tuple(rows)).markdown(),
    )


def ranges_section() -> str:
    """Input ranges; nothing of it depends on pictures."""
    rows = tuple(row for row in ranges().rows if row[0] == LIF_HARD.name and row[1] in RANGE_STEPS)
    return paragraphs(
        "## The input range that wastes no codes",
        """All T + 1 codes of the LIF neuron occur if inputs begin below Vth / (1 − (1 − 1/τ)^T) and
        reach Vth τ. Below the former there is nothing but silence, above the latter nothing but
        spikes, so a wider range only makes the two outer codes coarser, and a narrower one loses
        codes. With the paper's 1…2 the upper end is the code of white alone. How many of the codes
        256 grey levels then use is another matter: the narrowest interval halves with every
        timestep, and soon lies between two grey levels. Narrowing the range to resolve it would
        lose the codes at the other end (ranges.csv has T = 1…32 and the soft resets).""",
        Table(
            (
                "T",
                "range from below",
                "to",
                "narrowest interval (grey levels)",
                "codes",
                "used",
                "wasted",
            ),
            tuple(row[1:] for row in rows),
        ).markdown(5),
    )


def _floats() -> str:
    """How floating point does at the same task."""
    steps = TIMESTEPS[-1]
    table = code_table(LIF_HARD.neuron, steps)
    exact = table.spikes[table.encode(FINE + np.arange(FINE + 1), FINE)].T
    wrong = []
    for kind in (np.float32, np.float64):
        inputs = (1 + np.arange(FINE + 1) / FINE).astype(kind)
        spikes = convert(inputs, steps, LIF_HARD.neuron)
        wrong.append(int((spikes != exact).any(axis=0).sum()))
    return (
        f"For comparison, eq. 1 computed in float32 gives {wrong[0]} and in float64 {wrong[1]} "
        f"wrong codes of the same 65 536 at T = {steps}."
    )


def _width(width: int | None) -> str:
    return "none" if width is None else str(width)
