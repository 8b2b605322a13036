"""The conversion by the integer neuron of a given width, against exact arithmetic.

A *width* is the number of bits of the two's-complement membrane, as `sw_model.spec.widths` derives
it from the smallest and largest current, the threshold and T.

Scale: with u units of current for one unit of x, the threshold is u 2^k units of the membrane
(`sw_model.spec.neuron.EQUATION`, F = 0). u is the largest integer whose membrane fits the width:
either any integer, and currents are rounded to the nearest unit, or a multiple of 255 or 65535, for
which the currents of 8-bit or 16-bit grey levels are integers and only the leak rounds.

Leak: M - (M >> k) is (1 - 1/tau) M rounded up, so a membrane is at most one unit above the exact
one (for tau = 2) and never below it. With integer currents a wrong code therefore fires too early,
and an input exactly on a threshold keeps its code. An exact membrane that does not reach the
threshold stays at least 2 u / (N 2^T) units below it, where N is 255 or 65535: from u = N 2^(T-1)
on no code can differ. `guaranteed_width` is the width for this u.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt

from sw_model.coding import Spikes, code_table
from sw_model.golden.arithmetic import fire
from sw_model.spec import GREY_MAX, NeuronSpec
from sw_model.spec.fixed_point import signed_width
from sw_model.spec.widths import membrane_range

from .quality import CONVERSIONS, Coding

WIDTHS = range(6, 25)
WIDTHS_MAX = 40
"""Largest width in the search for one without mismatches."""
TIMESTEPS = (4, 8, 12, 16)
FINE = 65_535
"""Intervals of the fine sweep: the intensities of 16-bit pictures."""
MULTIPLES = (1, GREY_MAX, FINE)
"""The units of current for one unit of x are a multiple of one of these."""


@dataclass(frozen=True, kw_only=True)
class Mismatches:
    """Numbers of codes of one integer neuron that differ from the exact ones.

    Attributes
    ----------
    units
        u, units of current for one unit of x; 0 if no multiple fits the width.
    grey, fine
        Number of the 256 and of the 65536 intensities with another spike train; None for u = 0.
    on_threshold
        Number of the mismatches in ``fine`` that lie exactly on a threshold.
    """

    coding: str
    timesteps: int
    width: int
    multiple: int
    units: int
    grey: int | None = None
    fine: int | None = None
    on_threshold: int | None = None


def neuron_spec(coding: Coding) -> NeuronSpec:
    """The integer neuron of a coding, whose tau is a power of two."""
    tau = coding.neuron.tau
    leak = None if tau is None else int(tau).bit_length() - 1
    if leak is not None and 1 << leak != tau:
        raise ValueError(f"tau {tau} is not a power of two")
    return NeuronSpec(leak=leak, reset=coding.neuron.reset)


def threshold_of(coding: Coding, units: int) -> int:
    """The integer threshold: v_th in the membrane's unit, rounded up."""
    return int(-(-coding.neuron.v_th * units * neuron_spec(coding).threshold_unit // 1))


def currents(coding: Coding, intensities: int, units: int) -> npt.NDArray[np.int64]:
    """Currents of the ``intensities + 1`` evenly spaced inputs from ``low`` to ``high``.

    They are rounded to the nearest unit, halves up.
    """
    numerators = _numerators(coding, intensities)
    return (2 * numerators * units + intensities) // (2 * intensities)


def membrane_width(coding: Coding, timesteps: int, units: int) -> int:
    """Bits of the membrane, by the rule that derives every width of the hardware."""
    low, high = (np.array([end * units]) for end in (coding.low, coding.high))
    threshold, init = np.array([threshold_of(coding, units)]), np.zeros(1, np.int64)
    lowest, highest = membrane_range(neuron_spec(coding), low, high, threshold, init, timesteps)
    return signed_width(int(lowest[0]), int(highest[0]))


def units_that_fit(coding: Coding, timesteps: int, width: int, multiple: int = 1) -> int:
    """The largest multiple for which the membrane has at most ``width`` bits, or 0."""
    fits, too_many = 0, (1 << width) // multiple + 1
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if membrane_width(coding, timesteps, middle * multiple) <= width:
            fits = middle
        else:
            too_many = middle
    return fits * multiple


def integer_spikes(
    coding: Coding, current: npt.NDArray[np.int64], timesteps: int, units: int
) -> Spikes:
    """Spike trains, (T, n), of the golden model's neuron under n constant currents."""
    neuron, threshold = neuron_spec(coding), np.array(threshold_of(coding, units))
    membrane = np.zeros_like(current)
    spikes = np.empty((timesteps, len(current)), bool)
    for n in range(timesteps):
        _, spikes[n], membrane = fire(neuron, membrane, current, threshold)
    return spikes


@cache
def mismatches(coding: Coding, timesteps: int, width: int, multiple: int) -> Mismatches:
    """Compare all intensities of 8 and of 16 bits at one width."""
    units = units_that_fit(coding, timesteps, width, multiple)
    result = Mismatches(
        coding=coding.name, timesteps=timesteps, width=width, multiple=multiple, units=units
    )
    if not units:
        return result
    wrong = _wrong(coding, timesteps, units, FINE)
    return replace(
        result,
        grey=int(_wrong(coding, timesteps, units, GREY_MAX).sum()),
        fine=int(wrong.sum()),
        on_threshold=int((wrong & _on_threshold(coding, timesteps)).sum()),
    )


def study(progress: Callable[[int, int], None] | None = None) -> list[Mismatches]:
    """Mismatches of all conversions, T, scales and widths."""
    cases = [
        (coding, timesteps, multiple)
        for coding in CONVERSIONS
        for timesteps in TIMESTEPS
        for multiple in MULTIPLES
    ]
    rows = []
    for done, (coding, timesteps, multiple) in enumerate(cases, 1):
        widths = range(WIDTHS[0], WIDTHS_MAX + 1)
        rows += [mismatches(coding, timesteps, width, multiple) for width in widths]
        if progress:
            progress(done, len(cases))
    return rows


def exact_from(rows: Sequence[Mismatches], field: str) -> int | None:
    """The width from which on ``field`` is 0 in all ``rows``, or None if it is not in the last.

    Parameters
    ----------
    rows
        One coding, T and scale, in ascending order of the width.
    field
        ``"grey"`` or ``"fine"``.
    """
    found = None
    for row in reversed(rows):
        if getattr(row, field) != 0:
            break
        found = row.width
    return found


def guaranteed_width(coding: Coding, timesteps: int, intensities: int) -> int:
    """The width for u = N 2^(T-1): with integer currents no code of tau = 2 can differ.

    Without leak nothing is rounded, so u = N is enough.
    """
    steps = 0 if coding.neuron.tau is None else timesteps - 1
    return membrane_width(coding, timesteps, intensities << steps)


def _numerators(coding: Coding, intensities: int) -> npt.NDArray[np.int64]:
    """Inputs times ``intensities``."""
    return coding.low * intensities + (coding.high - coding.low) * np.arange(intensities + 1)


@cache
def _exact(coding: Coding, timesteps: int, intensities: int) -> Spikes:
    table = code_table(coding.neuron, timesteps)
    return table.spikes[table.encode(_numerators(coding, intensities), intensities)].T


@cache
def _on_threshold(coding: Coding, timesteps: int) -> npt.NDArray[np.bool_]:
    edges = [threshold * FINE for threshold in code_table(coding.neuron, timesteps).thresholds]
    return np.isin(
        _numerators(coding, FINE), [int(edge) for edge in edges if edge.denominator == 1]
    )


def _wrong(coding: Coding, timesteps: int, units: int, intensities: int) -> npt.NDArray[np.bool_]:
    spikes = integer_spikes(coding, currents(coding, intensities, units), timesteps, units)
    return (spikes != _exact(coding, timesteps, intensities)).any(axis=0)
