"""The few-spike code of a number: its binary digits as spikes, the most significant first.

Stöckl and Maass, 2021; also known as phase coding and radix coding. The neuron is that of
`sw_model.spec.neuron.BINARY_EQUATION`, with real numbers in place of integers: its threshold is
1 / (2^T - 1), so that inputs from 0 to 1 give all values from 0 to 2^T - 1, and its membrane starts
at half the threshold, which rounds to the nearest value.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache

import numpy as np
import numpy.typing as npt

from sw_model.coding import CodeTable, Spikes
from sw_model.spec.network import BINARY_TIMESTEPS_MAX

FEW_SPIKES = "few-spike"
"""Name of the coding."""
FEW_SPIKE_STEPS = range(1, BINARY_TIMESTEPS_MAX + 1)
"""T that a network of this code may have."""


def largest_value(timesteps: int) -> int:
    """Largest value of T spikes, 2^T - 1."""
    return (1 << timesteps) - 1


@cache
def few_spike_table(timesteps: int) -> CodeTable:
    """All 2^T codes: code k has the binary digits of the value k.

    Parameters
    ----------
    timesteps
        T, 1 or more.

    Raises
    ------
    ValueError
        T is below 1.
    """
    if timesteps < 1:
        raise ValueError(f"{timesteps} timesteps are not 1 or more")
    largest = largest_value(timesteps)
    # floor(x * largest + 1/2) reaches k at x = (k - 1/2) / largest.
    thresholds = tuple(Fraction(2 * k - 1, 2 * largest) for k in range(1, largest + 1))
    digits = np.arange(timesteps - 1, -1, -1)
    spikes = (np.arange(largest + 1)[:, np.newaxis] >> digits & 1).astype(bool)
    spikes.flags.writeable = False  # every caller gets the same table
    return CodeTable(thresholds, spikes)


def weighted_sum(spikes: Spikes) -> npt.NDArray[np.int64]:
    """Values of spike trains: a spike at timestep t counts 2^(T-1-t).

    Parameters
    ----------
    spikes
        (T, ...); the result has the shape without T.
    """
    weights = 1 << np.arange(len(spikes) - 1, -1, -1)
    return np.tensordot(weights, spikes.astype(np.int64), axes=1)


def uniform_psnr(timesteps: int) -> float:
    """PSNR in dB of the weighted sum for inputs spread evenly over 0 to 1, peak 1.

    The quantisation error is spread evenly over half a step to either side, so its mean square is
    a twelfth of the squared step.

    Parameters
    ----------
    timesteps
        T, 1 or more.
    """
    return 10 * math.log10(12 * largest_value(timesteps) ** 2)
