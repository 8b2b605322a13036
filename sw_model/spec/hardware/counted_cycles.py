"""Cycles of a frame from its spike counts instead of its event words.

A word costs a cycle per event, at least one; all other cycles follow from sizes. So the models
(`sw_model.spec.hardware.cycles`, `sw_model.spec.hardware.system_cycles`) get maps in which every
word has the layer's mean number of events, and the difference to the counted words is added. With
maps on chip this is exact. With maps in external memory a hidden layer can be some cycles off,
because the write queue may still hold words when a strip's last row begins. The output layer can be
some cycles per row off, because the stall for the image rows that are read in between depends on
the single words. `tests/sw_model/spec/test_counts.py` compares both with the exact models.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sw_model.spec.packing import WORD_BITS
from sw_model.spec.spike_counts import SpikeCounts, row_bounds
from sw_model.support.errors import UsageError

from .buffers import FrameBuffers
from .cycles import GROUP_CHANNELS, LINE_CYCLES, frame_cycles
from .strips import Strip, strips
from .system_cycles import MemoryTiming, system_cycles

ENGINES = (1, 2)
_ALL = slice(None)
_BANDS = {1: (_ALL,), 2: (slice(0, 3), slice(1, 4))}
"""Which parts of `sw_model.spec.spike_counts.row_bounds` each engine reads."""


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
        Rows have fewer than three words, where cycles depend on more than the counts.
    """
    _check(counts, timesteps)
    full_width = Strip(0, counts.width, first=True, last=True)
    average = frame_cycles(_average_maps(counts, timesteps, counts.height), counts.channels)
    *spiking, output = (
        cycles + _correction(counts, timesteps, index, full_width, _ALL)
        for index, cycles in enumerate(average)
    )
    # Once for the constants, once for the words.
    delay = 2 * _group_delay(counts.channels, group)
    return [*(cycles + delay for cycles in spiking), output]


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

    Two engines halve the rows of every strip, each with a memory port of its own; a strip takes as
    long as the slower engine.

    Parameters
    ----------
    timesteps, group
        As in `chip_cycles`.
    columns
        Input columns of the widest strip.
    memory
        Latencies of the memory.
    engines
        Engines that share the frame.
    """
    _check(counts, timesteps)
    parts = strips(counts.width, columns)
    read = sum(strip.columns for strip in parts)
    layers = [[0.0] * len(parts) for _ in range(len(counts.layers) + 1)]
    for band in _BANDS[engines if counts.height > 1 else 1]:
        height = _rows(counts, band)
        maps = _average_maps(counts, timesteps, height)
        buffers = FrameBuffers(height, counts.width, timesteps, counts.channels)
        band_layers = system_cycles(
            maps, counts.channels, columns, memory, buffer_addresses(buffers)
        )
        for index, cycles in enumerate(band_layers):
            for number, strip in enumerate(parts):
                found = cycles * strip.columns / read
                found += _correction(counts, timesteps, index, strip, band)
                layers[index][number] = max(layers[index][number], found)
    *spiking, output = (round(sum(strip_cycles)) for strip_cycles in layers)
    # Once for the constants, and once for the words of each strip.
    delay = (1 + len(parts)) * _group_delay(counts.channels, group)
    return [*(cycles + delay for cycles in spiking), output]


def buffer_addresses(buffers: FrameBuffers) -> dict[str, int]:
    """Assumed addresses of the buffers: one after the other."""
    addresses, address = {}, 0
    for name, size in buffers.sizes.items():
        addresses[name] = address
        address += size
    return addresses


def strip_events(counts: SpikeCounts, timesteps: int, strip: Strip) -> list[int]:
    """Events that a strip reads, for every spiking layer."""
    columns = slice(strip.start, strip.start + strip.columns)
    return [int(layer.events[:, :timesteps, columns].sum()) for layer in counts.layers]


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


def _rows(counts: SpikeCounts, band: slice) -> int:
    """Number of rows that an engine reads."""
    return int(np.diff(row_bounds(counts.height))[band].sum())


def _average_maps(counts: SpikeCounts, timesteps: int, height: int) -> list[npt.NDArray[np.uint64]]:
    """Maps whose words all have the layer's mean number of events; they take no memory."""
    shape = (height, counts.width, timesteps, -(-counts.channels // WORD_BITS))
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
    return max(1, round(int(counts.layers[layer].events[:, :timesteps].sum()) / words))


def _correction(counts: SpikeCounts, timesteps: int, index: int, strip: Strip, band: slice) -> int:
    """Difference between a strip's counted cycles and those of average words.

    Parameters
    ----------
    index
        Number of the layer.
    strip, band
        Columns and rows that are read.
    """
    cycles = 0
    if index:
        columns = slice(strip.start, strip.start + strip.columns)
        tables = counts.layers[index - 1]
        for table in (tables.events, tables.empty):
            cycles += int(table[band, :timesteps, columns].sum())
        words = _rows(counts, band) * strip.columns * timesteps
        cycles -= words * _average(counts, timesteps, index - 1)
    return cycles


def _group_delay(channels: int, group: int) -> int:
    """Cycles by which the last group of a spiking layer is later than in the models.

    They occur once per strip, and once when the layer's constants are loaded.
    """
    return -(-channels // group) - -(-channels // GROUP_CHANNELS)
