"""Cycles of a frame from its counts of spikes, by the models that want its event words.

What a word costs is its events, and at least a cycle, and all else follows from sizes: so the
models (`sw_model.spec.hardware.cycles`, `sw_model.spec.hardware.system_cycles`) are given maps in
which every word has as many events as the layer has on average, and what the real words cost more
or less is added. With maps on chip this is exact. With maps in external memory a hidden layer can
be some cycles off, by what the write queue still holds when a strip's last row begins, and the
output layer by some cycles a row, as how long the rows of the image that are read in between keep
the array waiting depends on the single words. `tests/sw_model/spec/test_counts.py` holds both
against the exact models.
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
        Rows have fewer than three words, so that words keep distances that counts do not tell.
    """
    _check(counts, timesteps)
    whole = Strip(0, counts.width, first=True, last=True)
    average = frame_cycles(_average_maps(counts, timesteps, counts.height), counts.channels)
    *spiking, output = (
        cycles + _correction(counts, timesteps, index, whole, _ALL)
        for index, cycles in enumerate(average)
    )
    # With the constants and with the words.
    behind = 2 * _behind(counts.channels, group)
    return [*(cycles + behind for cycles in spiking), output]


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

    Two engines halve the rows of every strip, each with a port to memory of its own, and a strip
    takes as long as the engine with more to do.

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
            for place, strip in enumerate(parts):
                mine = cycles * strip.columns / read
                mine += _correction(counts, timesteps, index, strip, band)
                layers[index][place] = max(layers[index][place], mine)
    *spiking, output = (round(sum(strip_cycles)) for strip_cycles in layers)
    # With the constants, and with the words of each strip.
    behind = (1 + len(parts)) * _behind(counts.channels, group)
    return [*(cycles + behind for cycles in spiking), output]


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
    """How many rows an engine reads."""
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
    """What brings a strip's cycles of average words to the counted ones.

    Parameters
    ----------
    index
        Of the layer.
    strip, band
        Columns and rows that it reads.
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


def _behind(channels: int, group: int) -> int:
    """Cycles by which the last group is later than the models have it, in a spiking layer.

    Once in each strip, and once when the layer's constants are made ready.
    """
    return -(-channels // group) - -(-channels // GROUP_CHANNELS)
