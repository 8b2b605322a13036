"""Cycles of a frame from its counts of spikes, by the models that want its event words.

What a word costs is its events, and at least a cycle, and all else follows from sizes: so the
models (`sw_model.spec.cycles`, `sw_model.spec.system_cycles`) are given maps in which every word
has as many events as the layer has on average, and what the real words cost more or less is
added. With maps on chip this is exact. With maps in external memory a hidden layer can be some
cycles off, by what the write queue still holds when a strip's last row begins, and the output
layer by some cycles a row, as how long the rows of the image that are read in between keep the
array waiting depends on the single words. `tests/sw_model/test_spec_counts.py` holds both against
the exact models.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .cycles import GROUP_CHANNELS, LINE_CYCLES, frame_cycles
from .errors import UsageError
from .frame_buffers import FrameBuffers
from .packing import WORD_BITS
from .spike_counts import SpikeCounts
from .strips import Strip, strips
from .system_cycles import MemoryTiming, system_cycles

ENGINES = (1, 2)


def chip_cycles(counts: SpikeCounts, timesteps: int, group: int = GROUP_CHANNELS) -> list[int]:
    """Cycles of every layer with maps on chip, exactly.

    Parameters
    ----------
    timesteps
        T, at most that of the counts.
    group
        Most channels of a channel group.

    Raises
    ------
    UsageError
        Rows have fewer than three words, so that words keep distances that counts do not tell.
    """
    _check(counts, timesteps)
    whole = Strip(0, counts.width, first=True, last=True)
    layers = frame_cycles(_average_maps(counts, timesteps), counts.channels)
    return _corrected(layers, counts, timesteps, [whole], group)


def memory_cycles(
    counts: SpikeCounts,
    timesteps: int,
    *,
    columns: int,
    memory: MemoryTiming,
    group: int = GROUP_CHANNELS,
    engines: int = 1,
) -> list[int]:
    """Cycles of every layer with maps in external memory.

    Several engines take a layer's strips by turns, and the layer takes as long as the engine with
    the most work; what they ask of the memory at the same time is not counted.

    Parameters
    ----------
    timesteps, group
        As of `chip_cycles`.
    columns
        Input columns of the widest strip.
    memory
        Its latencies.
    engines
        How many work on the frame.
    """
    _check(counts, timesteps)
    parts = strips(counts.width, columns)
    buffers = FrameBuffers(counts.height, counts.width, timesteps, counts.channels)
    maps = _average_maps(counts, timesteps)
    layers = system_cycles(maps, counts.channels, columns, memory, buffer_addresses(buffers))
    layers = _corrected(layers, counts, timesteps, parts, group)
    return [
        round(cycles * _busiest(counts, timesteps, parts, index - 1, engines))
        for index, cycles in enumerate(layers)
    ]


def buffer_addresses(buffers: FrameBuffers) -> dict[str, int]:
    """Where the buffers are taken to lie: one behind the other."""
    addresses, place = {}, 0
    for name, size in buffers.sizes.items():
        addresses[name] = place
        place += size
    return addresses


def strip_events(counts: SpikeCounts, timesteps: int, strip: Strip) -> list[int]:
    """Events of every spiking layer that a strip reads."""
    columns = slice(strip.start, strip.start + strip.columns)
    return [int(layer.events[:timesteps, columns].sum()) for layer in counts.layers]


def _check(counts: SpikeCounts, timesteps: int) -> None:
    if not 1 <= timesteps <= counts.timesteps:
        raise UsageError(
            f"T = {timesteps} is not 1 to {counts.timesteps}, which the spikes were counted for"
        )
    if counts.width * timesteps < LINE_CYCLES:
        raise UsageError(
            f"a frame {counts.width} wide at T = {timesteps} has fewer than {LINE_CYCLES} words a "
            f"row: count the spikes of a wider picture"
        )


def _average_maps(counts: SpikeCounts, timesteps: int) -> list[npt.NDArray[np.uint64]]:
    """Maps whose words all have the layer's mean number of events; they take no memory."""
    shape = (counts.height, counts.width, timesteps, -(-counts.channels // WORD_BITS))
    maps = []
    for index in range(len(counts.layers)):
        events = _average(counts, timesteps, index)
        parts = [
            (1 << min(WORD_BITS, max(0, events - part * WORD_BITS))) - 1 for part in range(shape[3])
        ]
        maps.append(np.broadcast_to(np.array(parts, dtype=np.uint64), shape))
    return maps


def _average(counts: SpikeCounts, timesteps: int, layer: int) -> int:
    """Mean events of a layer's words, rounded, and at least one."""
    words = counts.height * counts.width * timesteps
    return max(1, round(int(counts.layers[layer].events[:timesteps].sum()) / words))


def _word_cycles(counts: SpikeCounts, timesteps: int, layer: int, strip: Strip) -> int:
    """Cycles that a strip's words of a layer's map cost the array."""
    columns = slice(strip.start, strip.start + strip.columns)
    tables = counts.layers[layer]
    cost = tables.events[:timesteps, columns].sum() + tables.empty[:timesteps, columns].sum()
    return int(cost)


def _corrected(
    layers: Sequence[int],
    counts: SpikeCounts,
    timesteps: int,
    parts: Sequence[Strip],
    group: int,
) -> list[int]:
    """Cycles of the average maps' layers, brought to the counted words and to the groups."""
    # Each group is a cycle behind the one before it.
    behind = -(-counts.channels // group) - -(-counts.channels // GROUP_CHANNELS)
    found = []
    for index, cycles in enumerate(layers):
        for strip in parts:
            if index:
                words = counts.height * strip.columns * timesteps
                cycles += _word_cycles(counts, timesteps, index - 1, strip)
                cycles -= words * _average(counts, timesteps, index - 1)
            if index < len(layers) - 1:
                cycles += behind
        found.append(cycles)
    return found


def _busiest(
    counts: SpikeCounts, timesteps: int, parts: Sequence[Strip], layer: int, engines: int
) -> float:
    """Share of a layer's work that the engine with the most of it does.

    Parameters
    ----------
    layer
        Whose map it reads; -1 for the encoding layer, whose work goes by columns.
    """
    work = [
        strip.columns if layer < 0 else _word_cycles(counts, timesteps, layer, strip)
        for strip in parts
    ]
    return max(sum(work[engine::engines]) for engine in range(engines)) / sum(work)
