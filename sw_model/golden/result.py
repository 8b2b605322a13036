"""Results of the golden model: the denoised picture and, on request, every number behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from sw_model.spec import unpack_spikes

from .activity import Activity


@dataclass(frozen=True, kw_only=True)
class LayerTrace:
    """Trace of one spiking layer.

    Attributes
    ----------
    channels
        C.
    words
        Event words, (H, W, T, ceil(C / 64)), as `sw_model.spec.pack_spikes` lays them out.
    currents
        (T, C, H, W) int64: what the neurons received, bias and fractional bits included.
    charged
        (T, C, H, W) int64: membranes after leak and current, before the comparison.
    membranes
        (T, C, H, W) int64: membranes at the end of the timestep, after the reset.

    The last three are None in a trace of spikes alone.
    """

    channels: int
    words: npt.NDArray[np.uint64]
    currents: npt.NDArray[np.int64] | None = None
    charged: npt.NDArray[np.int64] | None = None
    membranes: npt.NDArray[np.int64] | None = None

    @cached_property
    def spikes(self) -> npt.NDArray[np.bool_]:
        """(T, C, H, W)."""
        return unpack_spikes(self.words, self.channels)


@dataclass(frozen=True, kw_only=True)
class GoldenResult:
    """A denoised picture and its intermediate results.

    Attributes
    ----------
    denoised
        (H, W) uint8.
    residual
        (H, W) int64: the noise that the network saw, in grey levels.
    total
        (H, W) int64: R, the output layer's sum over taps, channels and timesteps, bias included.
    activity
        Spikes of each spiking layer, and theta.
    timesteps
        T.
    layers
        Trace of each spiking layer; empty unless requested.
    """

    denoised: npt.NDArray[np.uint8]
    residual: npt.NDArray[np.int64]
    total: npt.NDArray[np.int64]
    activity: Activity
    timesteps: int
    layers: tuple[LayerTrace, ...]


Visit = Callable[[int, LayerTrace], None]
"""Called with the index of a spiking layer, from 0, and its trace. The words of a trace without
currents may be overwritten afterwards."""
