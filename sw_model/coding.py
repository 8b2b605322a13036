"""Neural coding of the paper's section 2: constant numbers to spike trains and back.

Two codings: *neural information conversion*, in which a neuron is fed a constant input for T
timesteps (section 2.1), and *rate coding*, in which every timestep is an independent draw (section
2.2). `period_threshold` and `code_table` are exact counterparts of the floating-point functions, in
rational numbers, for comparisons with a threshold that must not depend on rounding.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import islice
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Number = int | float | Fraction
Spikes = npt.NDArray[np.bool_]
"""(T, ...): timesteps first, then the shape of what was coded."""
Seed = int | Sequence[int]
"""What `numpy.random.default_rng` takes."""


@dataclass(frozen=True, kw_only=True)
class Neuron:
    """An integrate-and-fire neuron with V_reset = 0, at rest before the first timestep.

    Leaky (eq. 1): ``V[n] = V[n-1] + (x[n] - V[n-1]) / tau``; without leak: ``V[n] = V[n-1] +
    x[n]``. A spike when ``V[n] >= v_th``.

    Parameters
    ----------
    tau
        Membrane time constant in timesteps, 1 or more, or None for no leak (IF).
    v_th
        Threshold, in the unit of V and x, above 0.
    reset
        ``"hard"``: V = 0 after a spike; ``"soft"``: V is lowered by ``v_th``.

    Raises
    ------
    ValueError
        A parameter is out of range.
    """

    tau: Number | None = 2
    v_th: Number = 1
    reset: Literal["hard", "soft"] = "hard"

    def __post_init__(self) -> None:
        if self.tau is not None and not (math.isfinite(self.tau) and self.tau >= 1):
            raise ValueError(f"tau {self.tau!r} is not None or a finite number, 1 or more")
        if not (math.isfinite(self.v_th) and self.v_th > 0):
            raise ValueError(f"v_th {self.v_th!r} is not a finite number above 0")
        if self.reset not in ("hard", "soft"):
            raise ValueError(f"reset {self.reset!r} is not 'hard' or 'soft'")

    @property
    def keep(self) -> Fraction:
        """Share of V that a timestep leaves: 1 - 1/tau."""
        return Fraction(1) if self.tau is None else 1 - 1 / Fraction(self.tau)

    @property
    def gain(self) -> Fraction:
        """Share of x that a timestep adds to V: 1/tau, or 1 without leak."""
        return Fraction(1) if self.tau is None else 1 / Fraction(self.tau)


def convert(x: npt.ArrayLike, timesteps: int, neuron: Neuron) -> Spikes:
    """Feed each number to a neuron of its own as a constant input (eq. 1 and 2).

    Parameters
    ----------
    x
        Any shape, in the unit of V. Computed in the array's own float type, integers in float64;
        arrays of `fractions.Fraction` (dtype object) are computed exactly. In floats an input
        that lies on a threshold may fall on either side of it.
    timesteps
        T, 1 or more.

    Returns
    -------
    numpy.ndarray
        bool, T and then the shape of ``x``.
    """
    _check_timesteps(timesteps)
    inputs: npt.NDArray[Any] = np.asarray(x)
    if inputs.dtype.kind not in "fO":
        inputs = inputs.astype(np.float64)
    kind = Fraction if inputs.dtype.kind == "O" else float
    v_th = kind(neuron.v_th)
    v = inputs * 0
    spikes = np.empty((timesteps, *inputs.shape), bool)
    for n in range(timesteps):
        v = v + inputs if neuron.tau is None else v + (inputs - v) / kind(neuron.tau)
        spikes[n] = v >= v_th
        v = np.where(spikes[n], v * 0 if neuron.reset == "hard" else v - v_th, v)
    return spikes


def rate_steps(probability: npt.ArrayLike, seed: Seed) -> Iterator[Spikes]:
    """Yield rate-coded timesteps without end: Bernoulli draws, the discrete Poisson process.

    The paper's section 2.2: a pixel's intensity is its firing probability at each timestep.

    Parameters
    ----------
    probability
        Any shape, 0..1.
    seed
        Equal seeds give equal spikes.

    Yields
    ------
    numpy.ndarray
        Spikes of the next timestep, bool, in the shape of ``probability``.

    Raises
    ------
    ValueError
        A probability is outside of 0..1.
    """
    p = np.asarray(probability, np.float64)
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("a firing probability is not a number 0..1")
    rng = np.random.default_rng(seed)
    while True:
        # random() is below 1 and may be 0: p = 1 always fires, p = 0 never.
        yield rng.random(p.shape) < p


def rate_code(probability: npt.ArrayLike, timesteps: int, seed: Seed) -> Spikes:
    """The first ``timesteps`` of `rate_steps`: bool, T and then the shape of ``probability``."""
    _check_timesteps(timesteps)
    return np.stack(list(islice(rate_steps(probability, seed), timesteps)))


def firing_rate(spikes: Spikes) -> npt.NDArray[np.float64]:
    """Spikes per timestep, 0..1: the decoded number of eq. 8.

    Parameters
    ----------
    spikes
        (T, ...); the result has the shape without T.
    """
    return spikes.mean(axis=0, dtype=np.float64)


def activity(spikes: Spikes) -> float:
    """Theta of eq. 9: spikes per neuron over T timesteps, 0..T.

    Parameters
    ----------
    spikes
        (T, ...) of at least one neuron.
    """
    return float(spikes.sum() / spikes[0].size)


def period_threshold(neuron: Neuron, period: int) -> Fraction:
    """The smallest constant input whose first spike comes in timestep ``period``, counted from 1.

    ``v_th / (1 - (1 - 1/tau)^period)``, and ``v_th / period`` without leak. With a hard reset the
    neuron then fires every ``period`` timesteps, up to but not including the threshold of
    ``period - 1``: eq. 7 writes <= there, yet at x = v_th tau the neuron already fires at every
    timestep (eq. 4), so that its upper bound must be a strict one.

    Parameters
    ----------
    period
        1 or more timesteps.

    Returns
    -------
    fractions.Fraction
        Exact for the given ``tau`` and ``v_th``; for tau = 2, v_th = 1: 2, 4/3, 8/7, 16/15, ...
    """
    if period < 1:
        raise ValueError(f"period {period} is not 1 or more timesteps")
    if neuron.tau is None:
        return Fraction(neuron.v_th) / period
    return Fraction(neuron.v_th) / (1 - neuron.keep**period)


@dataclass(frozen=True)
class CodeTable:
    """All spike trains that constant inputs can give, in ascending order of the input.

    Attributes
    ----------
    thresholds
        (codes - 1) exact numbers, ascending. Code 0 is silence, below the first of them; code i
        goes from ``thresholds[i - 1]`` up to, not including, ``thresholds[i]``.
    spikes
        (codes, T) bool.
    """

    thresholds: tuple[Fraction, ...]
    spikes: Spikes

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """(codes,) spikes of each code; over T they are its firing rate (eq. 8)."""
        return self.spikes.sum(axis=1, dtype=np.int64)

    @property
    def distinct_rates(self) -> int:
        """Number of different firing rates, which codes may share."""
        return len(set(self.counts.tolist()))

    def encode(self, numerators: npt.ArrayLike, denominator: int) -> npt.NDArray[np.int64]:
        """Codes of the numbers ``numerators / denominator``, exactly.

        Parameters
        ----------
        numerators
            Integers of any shape.
        denominator
            1 or more.

        Returns
        -------
        numpy.ndarray
            Indices of codes, of the same shape.
        """
        # x >= threshold is numerator >= ceil(threshold * denominator), all of them integers.
        edges = [math.ceil(threshold * denominator) for threshold in self.thresholds]
        return np.searchsorted(edges, np.asarray(numerators), side="right")

    def code_of(self, x: Number) -> int:
        """Code of one number, exactly."""
        return bisect.bisect_right(self.thresholds, x)

    def centroids(self, low: Number, high: Number) -> npt.NDArray[np.float64]:
        """Middle of the part of each code's interval that lies in ``low`` to ``high``.

        The reconstruction with the smallest squared error for inputs spread evenly over that
        range. A code outside of the range gets the nearer end.

        Returns
        -------
        numpy.ndarray
            (codes,) float64.
        """
        inner = [min(max(threshold, low), high) for threshold in self.thresholds]
        edges = np.array([float(edge) for edge in (low, *inner, high)])
        return (edges[:-1] + edges[1:]) / 2


_Piece = tuple[Fraction | None, Fraction | None, Fraction, Fraction, tuple[bool, ...]]
"""Lower and upper end of an interval of inputs, slope, offset, spikes: see `code_table`."""


@cache
def code_table(neuron: Neuron, timesteps: int) -> CodeTable:
    """All codes of a neuron that is fed a constant for T timesteps, in exact arithmetic.

    With a hard reset these are T + 1 codes (the paper's Table 1 for T = 8); with a soft reset
    the membrane that a spike leaves distinguishes more inputs.

    Parameters
    ----------
    timesteps
        T, 1 or more.
    """
    _check_timesteps(timesteps)
    v_th, keep, gain = Fraction(neuron.v_th), neuron.keep, neuron.gain
    # Inputs from low to high share their spikes so far, so V = slope * x - offset for all of them.
    pieces: list[_Piece] = [(None, None, Fraction(0), Fraction(0), ())]
    for _ in range(timesteps):
        following: list[_Piece] = []
        for low, high, slope, offset, train in pieces:
            slope, offset = keep * slope + gain, keep * offset
            reset = (Fraction(0), Fraction(0)) if neuron.reset == "hard" else (slope, offset + v_th)
            edge = (v_th + offset) / slope
            if low is None or low < edge:
                end = edge if high is None else min(edge, high)
                following.append((low, end, slope, offset, (*train, False)))
            if high is None or edge < high:
                begin = edge if low is None else max(edge, low)
                following.append((begin, high, *reset, (*train, True)))
        pieces = following
    thresholds = tuple(low for low, *_ in pieces if low is not None)
    spikes = np.array([train for *_, train in pieces])
    spikes.flags.writeable = False  # every caller gets the same table
    return CodeTable(thresholds, spikes)


def _check_timesteps(timesteps: int) -> None:
    if timesteps < 1:
        raise ValueError(f"{timesteps} timesteps are not 1 or more")
