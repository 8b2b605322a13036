"""How many cycles the accelerator takes, exactly, from the spikes alone.

A word costs max(s, its events) cycles, s being 1 but for the narrowest frames; the encoding layer
takes its pixels bit by bit; the other layers end with a flush of zeros, one row and one pixel long;
and a layer starts when the one before has drained and its neurons' constants
are there. This holds while pixels are offered and taken
without delay.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sw_model.spec.fixed_point import PIXEL_BITS

GROUP_CHANNELS = 16
"""Most output channels of a group; each group works a cycle behind the one before it."""
LINE_CYCLES = 3
"""Cycles from reading a word of the line buffers to the first one that reads what was written."""

_RESTART, _DONE = 1, 1
"""First cycle of a layer, and the one in which its last word or pixel is known to be out."""
_FRAME_MEMORY, _EVENT_ENCODER, _WEIGHT_MEMORY = 1, 4, 3
_SCATTER, _NEURON, _OUTPUT_LAYER = 3, 3, 4
_PIXEL_WINDOW, _ENCODING_LAYER, _QUEUE = 2, 2, 2
"""Cycles from a component's last input to its output."""
_EVENTS = _FRAME_MEMORY + _EVENT_ENCODER + _WEIGHT_MEMORY + _SCATTER


def latency(kind: str, channels: int) -> int:
    """Cycles of a layer beyond those of its words or pixels.

    The restart, and the way through the pipeline that the last word still has to go; for the
    encoding layer, all but the T steps of its last pixel.

    Parameters
    ----------
    kind
        ``"encoding"``, ``"hidden"`` or ``"output"``.
    channels
        Channels C.
    """
    behind = -(-channels // GROUP_CHANNELS) - 1
    way = {
        "encoding": _PIXEL_WINDOW + _ENCODING_LAYER + _NEURON + behind,
        "hidden": _EVENTS + _NEURON + behind,
        "output": _EVENTS + _OUTPUT_LAYER,
    }[kind]
    return _RESTART + way + _QUEUE + _DONE


def constants_cycles(channels: int) -> int:
    """Cycles before a spiking layer in which its neurons' constants go into their registers.

    One to ask for them, two through the memory and the registers behind it, and each group of
    channels a cycle behind the one before it.
    """
    return channels + 3 + -(-channels // GROUP_CHANNELS)


def datapath_latency(channels: int) -> int:
    """Most words that can be on their way from the event encoder to the end of the pipeline."""
    return _EVENT_ENCODER + _WEIGHT_MEMORY + _SCATTER + _NEURON + -(-channels // GROUP_CHANNELS)


def spacing(width: int, timesteps: int) -> int:
    """s: fewest cycles of a word, 1 unless a row of the frame has fewer than three words."""
    return max(1, -(-LINE_CYCLES // (width * timesteps)))


def word_cycles(words: npt.NDArray[np.uint64], least: int = 1) -> int:
    """Cycles that event words cost the synapse array.

    Parameters
    ----------
    words
        (..., ceil(C / 64)) uint64, as `sw_model.spec.pack_spikes` gives them.
    least
        s, see `spacing`. The first word has none before it to keep a distance from.
    """
    events = np.bitwise_count(words).sum(axis=-1, dtype=np.int64).reshape(-1)
    return int(np.maximum(events[:1], 1).sum() + np.maximum(events[1:], least).sum())


def encoding_cycles(height: int, width: int, timesteps: int, channels: int) -> int:
    """Cycles of the encoding layer: ten a pixel, or T where that is more.

    Before the first pixel, the row that its window needs goes in, a pixel a cycle.
    """
    pace = max(PIXEL_BITS, timesteps)
    way = latency("encoding", channels)
    pixels = width + (height * width - 1) * pace + PIXEL_BITS + timesteps
    return constants_cycles(channels) + pixels + way


def event_layer_cycles(kind: str, words: npt.NDArray[np.uint64], channels: int) -> int:
    """Cycles of a hidden or the output layer.

    Parameters
    ----------
    kind
        ``"hidden"`` or ``"output"``.
    words
        (H, W, T, ceil(C / 64)): the layer's input.
    channels
        Channels C.
    """
    _, width, timesteps, _ = words.shape
    least = spacing(width, timesteps)
    flush = (width + 1) * timesteps * least
    constants = constants_cycles(channels) if kind == "hidden" else 0
    return constants + word_cycles(words, least) + flush + latency(kind, channels)


def frame_cycles(maps: Sequence[npt.NDArray[np.uint64]], channels: int) -> list[int]:
    """Cycles of every layer of a frame; the frame takes their sum.

    Parameters
    ----------
    maps
        Event words of every spiking layer, (H, W, T, ceil(C / 64)) each.
    channels
        Channels C.
    """
    height, width, timesteps, _ = maps[0].shape
    hidden = [event_layer_cycles("hidden", words, channels) for words in maps[:-1]]
    output = event_layer_cycles("output", maps[-1], channels)
    return [encoding_cycles(height, width, timesteps, channels), *hidden, output]
