"""How many cycles the accelerator takes, exactly, from the spikes alone.

A word costs max(s, its events) cycles, s being the scatter's cycles a word; the encoding layer
takes its pixels bit by bit; every layer ends with a flush of zeros, one row and one pixel long;
and a layer starts when the one before has drained. This holds while pixels are offered and taken
without delay.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .fixed_point import PIXEL_BITS

SCATTER_CYCLES = 1
"""s: cycles that the scatter takes for a word."""

LATENCY = {"encoding": 6, "hidden": 9, "output": 10}
"""Cycles of a layer beyond those of its words: the restart, and the way of the last word from its
memory through encoder, weight memory, array, scatter and neuron (or output layer) until it is
known to be out. The encoding layer's also excludes the T steps of its last pixel's neurons."""


def word_cycles(words: npt.NDArray[np.uint64]) -> int:
    """Cycles that event words cost the synapse array.

    Parameters
    ----------
    words
        (..., ceil(C / 64)) uint64, as `sw_model.spec.pack_spikes` gives them.
    """
    events = np.bitwise_count(words).sum(axis=-1, dtype=np.int64)
    return int(np.maximum(events, SCATTER_CYCLES).sum())


def encoding_cycles(height: int, width: int, timesteps: int) -> int:
    """Cycles of the encoding layer: ten a pixel, or T where that is more."""
    pixels = (height + 1) * width + 1
    pace = max(PIXEL_BITS, timesteps)
    return (pixels - 1) * pace + PIXEL_BITS + timesteps + LATENCY["encoding"]


def event_layer_cycles(kind: str, words: npt.NDArray[np.uint64]) -> int:
    """Cycles of a hidden or the output layer.

    Parameters
    ----------
    kind
        ``"hidden"`` or ``"output"``.
    words
        (H, W, T, ceil(C / 64)): the layer's input.
    """
    _, width, timesteps, _ = words.shape
    flush = (width + 1) * timesteps * SCATTER_CYCLES
    return word_cycles(words) + flush + LATENCY[kind]


def frame_cycles(maps: Sequence[npt.NDArray[np.uint64]]) -> list[int]:
    """Cycles of every layer of a frame; the frame takes their sum.

    Parameters
    ----------
    maps
        Event words of every spiking layer, (H, W, T, ceil(C / 64)) each.
    """
    height, width, timesteps, _ = maps[0].shape
    hidden = [event_layer_cycles("hidden", words) for words in maps[:-1]]
    output = event_layer_cycles("output", maps[-1])
    return [encoding_cycles(height, width, timesteps), *hidden, output]
