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

_RESTART, _DONE = 1, 1
"""First cycle of a layer, and the one in which its last word or pixel is known to be out."""
_FRAME_MEMORY, _EVENT_ENCODER, _WEIGHT_MEMORY, _SYNAPSE_ARRAY = 1, 1, 1, 1
_SCATTER, _NEURON, _OUTPUT_LAYER, _ENCODING_LAYER = 2, 1, 2, 1
"""Cycles from a component's last input to its output."""
_EVENTS = (
    _RESTART + _FRAME_MEMORY + _EVENT_ENCODER + _WEIGHT_MEMORY + _SYNAPSE_ARRAY + _SCATTER + _DONE
)
LATENCY = {
    "encoding": _RESTART + _ENCODING_LAYER + _SYNAPSE_ARRAY + _SCATTER + _DONE,
    "hidden": _EVENTS + _NEURON,
    "output": _EVENTS + _OUTPUT_LAYER,
}
"""Cycles of a layer beyond those of its words, and of the T steps of the encoding layer's last
pixel: the restart, and the way through the pipeline that the last word still has to go."""


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
