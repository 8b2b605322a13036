"""Exact cycles of the accelerator, from the spikes alone.

A word costs max(s, its events) cycles, where s is 1 except for the narrowest frames (`spacing`).
The encoding layer takes its pixels bit-serially. The other layers end with a flush of zeros, one
row and one pixel long. With the few-spike code, a neuron needs all T words of a pixel before its
first spike, so that a hidden layer ends T - 1 cycles later. A layer starts when the previous one
has drained and its neurons' constants are loaded. All this holds if pixels are offered and accepted
without delay.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sw_model.spec.fixed_point import PIXEL_BITS
from sw_model.spec.network import NetworkSpec

GROUP_CHANNELS = 16
"""Most output channels of a group; each group works one cycle after the previous one."""
LINE_CYCLES = 3
"""Cycles from reading a word of the line buffers until its new value can be read."""

_RESTART, _DONE = 1, 1
"""First cycle of a layer, and the one in which its last word or pixel is known to be out."""
_FRAME_MEMORY, _EVENT_ENCODER, _WEIGHT_MEMORY = 1, 4, 3
_SCATTER, _NEURON, _OUTPUT_LAYER = 3, 3, 4
_PIXEL_WINDOW, _ENCODING_LAYER, _QUEUE = 2, 2, 2
"""Cycles from a component's last input to its output."""
_PLANE_WORDS, _PLANE_PIXELS = 2, 2
"""Cycles between the last pixel of a picture of planes and its first word, and back."""
PLANE_TABLES = 1
"""Cycles of the encoding layer in which the tables of several planes are added."""
_EVENTS = _FRAME_MEMORY + _EVENT_ENCODER + _WEIGHT_MEMORY + _SCATTER


def latency(kind: str, channels: int) -> int:
    """Cycles of a layer beyond those of its words or pixels.

    The restart, and the last word's way through the pipeline; for the encoding layer, all except
    the T steps of its last pixel.

    Parameters
    ----------
    kind
        ``"encoding"``, ``"hidden"`` or ``"output"``.
    channels
        Channels C.
    """
    group_delay = -(-channels // GROUP_CHANNELS) - 1
    pipeline = {
        "encoding": _PIXEL_WINDOW + _ENCODING_LAYER + _NEURON + group_delay,
        "hidden": _EVENTS + _NEURON + group_delay,
        "output": _EVENTS + _OUTPUT_LAYER,
    }[kind]
    return _RESTART + pipeline + _QUEUE + _DONE


def constants_cycles(channels: int, *, levels: bool = False) -> int:
    """Cycles before a spiking layer in which its neurons' constants are loaded into registers.

    One for the request and two through the memory and the registers behind it; each group of
    channels is one cycle later than the previous one. With noise ``levels`` there are two more, in
    which the biases of the encoding layer are computed.
    """
    return channels + 3 + -(-channels // GROUP_CHANNELS) + (2 if levels else 0)


def datapath_latency(channels: int) -> int:
    """Most words that can be in flight from the event encoder to the end of the pipeline."""
    return _EVENT_ENCODER + _WEIGHT_MEMORY + _SCATTER + _NEURON + -(-channels // GROUP_CHANNELS)


def spacing(width: int, timesteps: int) -> int:
    """s: minimum cycles per word, 1 unless a row of the frame has fewer than three words."""
    return max(1, -(-LINE_CYCLES // (width * timesteps)))


def word_cycles(words: npt.NDArray[np.uint64], least: int = 1) -> int:
    """Cycles that event words cost the synapse array.

    Parameters
    ----------
    words
        (..., ceil(C / 64)) uint64, as `sw_model.spec.pack_spikes` gives them.
    least
        s, see `spacing`. It does not apply to the first word.
    """
    events = np.bitwise_count(words).sum(axis=-1, dtype=np.int64).reshape(-1)
    return int(np.maximum(events[:1], 1).sum() + np.maximum(events[1:], least).sum())


def encoding_cycles(
    height: int, width: int, timesteps: int, channels: int, *, levels: bool = False
) -> int:
    """Cycles of the encoding layer: ten per pixel, or T if that is more.

    Before the first pixel, the row that its window needs enters, one pixel per cycle.
    """
    pace = max(PIXEL_BITS, timesteps)
    pipeline = latency("encoding", channels)
    pixels = width + (height * width - 1) * pace + PIXEL_BITS + timesteps
    return constants_cycles(channels, levels=levels) + pixels + pipeline


def event_layer_cycles(
    kind: str,
    words: npt.NDArray[np.uint64],
    channels: int,
    *,
    binary: bool = False,
    levels: bool = False,
) -> int:
    """Cycles of a hidden or the output layer.

    Parameters
    ----------
    kind
        ``"hidden"`` or ``"output"``.
    words
        (H, W, T, ceil(C / 64)): the layer's input.
    channels
        Channels C.
    binary
        The network has the few-spike code.
    levels
        The network takes a noise level.
    """
    _, width, timesteps, _ = words.shape
    least = spacing(width, timesteps)
    flush = (width + 1) * timesteps * least
    constants = constants_cycles(channels, levels=levels) if kind == "hidden" else 0
    steps = timesteps - 1 if binary and kind == "hidden" else 0
    return constants + word_cycles(words, least) + flush + latency(kind, channels) + steps


def frame_cycles(
    maps: Sequence[npt.NDArray[np.uint64]],
    channels: int,
    *,
    binary: bool = False,
    levels: bool = False,
) -> list[int]:
    """Cycles of every layer of a frame; the frame takes their sum.

    Parameters
    ----------
    maps
        Event words of every spiking layer, (H, W, T, ceil(C / 64)) each.
    channels
        Channels C.
    binary
        The network has the few-spike code.
    levels
        The network takes a noise level.
    """
    height, width, timesteps, _ = maps[0].shape
    hidden = [
        event_layer_cycles("hidden", words, channels, binary=binary, levels=levels)
        for words in maps[:-1]
    ]
    output = event_layer_cycles("output", maps[-1], channels)
    encoding = encoding_cycles(height, width, timesteps, channels, levels=levels)
    return [encoding, *hidden, output]


def network_cycles(
    spec: NetworkSpec, maps: Sequence[npt.NDArray[np.uint64]], picture: tuple[int, int]
) -> list[int]:
    """`frame_cycles` of a network of any code and planes.

    With several planes, the picture enters before the encoding layer takes its first position, and
    leaves after the output layer's last one, a pixel per cycle.

    Parameters
    ----------
    picture
        (H, W) of the picture, in pixels.
    """
    cycles = frame_cycles(
        maps,
        spec.channels,
        binary=spec.code == "binary",
        levels=spec.noise_levels is not None,
    )
    if spec.planes > 1:
        pixels = picture[0] * picture[1]
        cycles[0] += pixels + _PLANE_WORDS + PLANE_TABLES
        cycles[-1] += pixels + _PLANE_PIXELS
    return cycles
