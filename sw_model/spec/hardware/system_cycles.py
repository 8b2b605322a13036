"""Exact cycles of the accelerator with AXI ports, from the spikes alone.

This holds for a memory that, on each port of the accelerator, accepts every address and word at
once, delivers a word per cycle after a fixed read latency, and answers a write after a fixed write
latency. The words of a strip are prefetched, so the latencies count once per strip: when its first
word arrives and when its last one is written. If several engines share the rows, a strip ends when
all of them have written theirs.

Times are in cycles since the strip's restart is set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sw_model.spec.fixed_point import PIXEL_BITS
from sw_model.spec.network import NetworkSpec

from .buffers import DENOISED_PIXELS, NOISY_PIXELS, WORD_BYTES, FrameBuffers, map_words
from .cycles import PLANE_TABLES, constants_cycles, latency, spacing
from .strips import Band, Strip, bands, strips
from .write_cycles import QUEUE, Times, merged_times, packed_times, split_times, write_times

SETUP = 5
"""Cycles before a strip's restart in which its geometry is computed."""
_ASK = 3
"""From the restart to the first read address."""
_SLICE = 1
"""Through a register slice: both sides of the noisy pixels' unpacker, behind the output layer."""
_ENCODER = 4
"""From a word into the event encoder to its first event."""


def _pipeline_cycles(kind: str, channels: int) -> int:
    """Cycles from an event, or from the start of a pixel's window, to the word that it completes.

    `sw_model.spec.hardware.cycles.latency` counts more: the layer's first and last cycle, the frame
    memory and the event encoder.
    """
    excluded = {"encoding": 3 - PIXEL_BITS, "hidden": 3 + _ENCODER, "output": 3 + _ENCODER}
    return latency(kind, channels) - excluded[kind]


@dataclass(frozen=True)
class MemoryTiming:
    """A memory with fixed latencies.

    Attributes
    ----------
    read
        Cycles from an address to its first word.
    write
        Cycles from a burst's last word to the answer.
    """

    read: int
    write: int


def system_cycles(
    maps: Sequence[npt.NDArray[np.uint64]],
    channels: int,
    columns: int,
    memory: MemoryTiming,
    addresses: Mapping[str, int],
    engines: int = 1,
    *,
    binary: bool = False,
    levels: bool = False,
    picture: tuple[int, int] | None = None,
) -> list[int]:
    """Cycles of every layer of a frame; the register CYCLES holds their sum.

    Parameters
    ----------
    maps
        Event words of every spiking layer, (H, W, T, ceil(C / 64)) each.
    channels
        Channels C.
    columns
        Input columns of the widest strip.
    addresses
        Addresses of the buffers, in bytes, by the names of their registers.
    engines
        Engines that share the rows, 1 or 2.
    binary
        The network has the few-spike code.
    levels
        The network takes a noise level.
    picture
        (H, W) of the picture of a network of several planes, in pixels; None for one plane.
    """
    height, width, timesteps, _ = maps[0].shape
    buffers = FrameBuffers(height, width, timesteps, channels)
    if picture is not None:
        buffers = FrameBuffers(*picture, timesteps, channels, planes=2)
    layers = []
    for layer in range(len(maps) + 1):
        source = maps[layer - 1] if layer else None
        target = "DENOISED" if layer == len(maps) else "MAP_B" if layer % 2 else "MAP_A"
        layers.append(
            (0 if layer == len(maps) else constants_cycles(channels, levels=levels))
            + sum(
                max(
                    _strip_cycles(
                        strip, band, buffers, source, memory, target, addresses[target], binary
                    )
                    for band in bands(height, engines)
                )
                for strip in strips(width, columns)
            )
        )
    return layers


def network_system_cycles(
    spec: NetworkSpec,
    maps: Sequence[npt.NDArray[np.uint64]],
    picture: tuple[int, int],
    columns: int,
    memory: MemoryTiming,
    addresses: Mapping[str, int],
    engines: int = 1,
) -> list[int]:
    """`system_cycles` of a network of any code and planes; ``picture`` is its (H, W) in pixels."""
    return system_cycles(
        maps,
        spec.channels,
        columns,
        memory,
        addresses,
        engines,
        binary=spec.code == "binary",
        levels=spec.noise_levels is not None,
        picture=picture if spec.planes > 1 else None,
    )


def _strip_cycles(
    strip: Strip,
    band: Band,
    buffers: FrameBuffers,
    source: npt.NDArray[np.uint64] | None,
    memory: MemoryTiming,
    target: str,
    address: int,
    binary: bool,
) -> int:
    first_word = _ASK + memory.read + QUEUE
    parts = map_words(buffers.channels)
    output = target == "DENOISED"
    if source is None:
        ends = _encoding_times(strip, band, buffers, first_word + QUEUE + 2 * _SLICE)
    else:
        rows = slice(band.start, band.start + band.rows)
        words = source[rows, strip.start : strip.start + strip.columns]
        pixels = buffers.planes * buffers.noisy_words(strip) if output else 0
        ends = _event_times(words, first_word, pixels)
        ends += (
            _pipeline_cycles("output", buffers.channels) + _SLICE
            if output
            else _pipeline_cycles("hidden", buffers.channels)
        )
        if binary and not output:
            # All words of a pixel are needed for the first spike.
            ends = ends[..., -1:] + np.arange(buffers.timesteps)
    # (rows, columns, T): when each word of the strip comes out; ``own`` leaves out the halo.
    own = (
        slice(int(not band.first), band.rows - (not band.last)),
        slice(int(not strip.first), strip.columns - (not strip.last)),
    )
    last_words = 1
    if parts > 1 and not output:
        ends = split_times(ends, own, parts)
        last_words = parts if strip.last and band.last else 1
    kept = ends[own]
    pushed: Sequence[Times] | Times
    first_row = band.output_start
    if output:
        planes = buffers.planes
        pushed = packed_times(kept[..., -1], strip, planes)
        start, stride = planes * strip.output_start // DENOISED_PIXELS, buffers.denoised_stride
        first_row *= planes
        if planes > 1:
            pushed = merged_times(pushed, min(planes * len(kept), buffers.height - first_row))
    else:
        pushed = (kept[..., np.newaxis] + np.arange(parts)).reshape(len(kept), -1)
        start, stride = strip.output_start * buffers.pixel_words, buffers.map_stride
    start += first_row * stride
    last = int(ends[-1, -1, -1]) + last_words - 1
    answer = write_times(pushed, address // WORD_BYTES + start, stride) + memory.write
    # A strip counts as complete one cycle after its last word, and drains from the next one on.
    return max(last + 2, answer + 1) + 1 + SETUP


def _encoding_times(strip: Strip, band: Band, buffers: FrameBuffers, first: int) -> Times:
    """When the encoding layer's words leave, (rows, columns, T)."""
    pace = max(PIXEL_BITS, buffers.timesteps)
    # A row and a pixel enter, one pixel per cycle; then each starts an earlier pixel's window.
    entered = first + strip.columns
    if buffers.planes > 1:
        entered = _position_entry(strip, band, buffers, first) + PLANE_TABLES
    begins = entered + 1 + np.arange(band.rows * strip.columns) * pace
    words = begins[:, np.newaxis] + _pipeline_cycles("encoding", buffers.channels)
    times = words + np.arange(buffers.timesteps)
    return times.reshape(band.rows, strip.columns, buffers.timesteps)


def _position_entry(strip: Strip, band: Band, buffers: FrameBuffers, first: int) -> int:
    """When the position one row and one pixel behind the first one enters.

    The two lines of a row of positions come one after the other, and a position has pixels of both.
    """
    words = buffers.noisy_words(strip)
    lane = buffers.planes * strip.start % NOISY_PIXELS
    entered = 0
    for position in range(min(strip.columns + 1, band.rows * strip.columns)):
        row, column = divmod(position, strip.columns)
        word = words * (2 * row + 1) + (lane + buffers.planes * column) // NOISY_PIXELS
        entered = max(entered + 1, first + word)
    # Below the picture there are zeros.
    return entered + (band.rows == 1)


def _event_times(words: npt.NDArray[np.uint64], first: int, pixels: int) -> Times:
    """When each word of the strip is completed: the last event that it needs leaves the encoder.

    (rows, columns, T). ``pixels`` words of the image come before each row of the map.
    """
    height, columns, timesteps, parts = words.shape
    events = np.bitwise_count(words).sum(axis=-1, dtype=np.int64).reshape(-1)
    flush = (columns + 1) * timesteps
    # A zero word, as in the flush, takes a cycle.
    costs = np.maximum(np.concatenate([events, np.zeros(flush, dtype=np.int64)]), 1)
    least = spacing(columns, timesteps)
    if parts == 1 and not pixels:
        # Words come one per cycle, before the encoder needs them.
        costs[1:] = np.maximum(costs[1:], least)
        ends = first + _ENCODER - 1 + np.cumsum(costs)
    else:
        late = np.full(len(costs), parts)
        late[: height * columns * timesteps : columns * timesteps] += pixels
        ends = _encoder_times(_groups(words, flush), late, parts, first, least)
    return ends[flush:].reshape(height, columns, timesteps)


def _groups(words: npt.NDArray[np.uint64], flush: int) -> list[list[int]]:
    """Events of each word's groups of eight channels, without empty groups.

    A zero word, as in the flush, is a group of one cycle.
    """
    octets = np.ascontiguousarray(words.astype("<u8")).view(np.uint8)
    counts = np.bitwise_count(octets).reshape(-1, octets.shape[-1]).tolist()
    groups = [[count for count in word if count] or [1] for word in counts]
    return groups + [[1]] * flush


def _encoder_times(
    words: list[list[int]], late: npt.NDArray[np.int64], parts: int, first: int, least: int
) -> Times:
    """When the last event of each word leaves the encoder, if words may come late.

    The encoder holds a word that has arrived, one whose groups are issued, two groups between its
    levels, and one whose events are issued; one more waits in the skid buffer in front of it.

    Parameters
    ----------
    words
        As `_groups` gives them.
    late, parts
        Fewest cycles between words, out of the read queue and into the encoder.
    """
    ends = np.empty(len(words), dtype=np.int64)
    # Times of the previous word or group: out of the queue, into the encoder, through its levels.
    out = taken = given = given_before = chosen = chosen_before = end = first - 1
    for index, (groups, wait) in enumerate(zip(words, late.tolist(), strict=True)):
        out = max(out + wait, taken + parts)
        taken = max(out, given_before)
        given_before, given = given, max(taken + 1, given)
        for events in groups:
            given = max(given + 1, chosen_before + 1)
            chosen_before, chosen = chosen, max(given + 1, end)
            end = chosen + events
        if index and least > 1:
            end = max(end, ends[index - 1] + least)
        ends[index] = end
    return ends
