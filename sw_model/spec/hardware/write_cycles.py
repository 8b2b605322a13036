"""When the words of a strip go to memory, in cycles since its restart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .buffers import DENOISED_PIXELS, bursts
from .strips import Strip

QUEUE = 2
"""Through a queue."""
_BURST = 3
"""From a burst's last word into the write queue to its first word out."""

Times = npt.NDArray[np.int64]


def split_times(ends: Times, own: tuple[slice, slice], parts: int) -> Times:
    """When each event word begins to be written, if it takes several words of memory.

    It waits for the previous one, which takes ``parts`` cycles, or one if it is not in ``own``.
    """
    costs = np.ones(ends.shape, dtype=np.int64)
    costs[own] = parts
    before = np.concatenate([[0], np.cumsum(costs.reshape(-1))[:-1]])
    begins = before + np.maximum.accumulate(ends.reshape(-1) - before)
    return begins.reshape(ends.shape)


def packed_times(pixels: Times, strip: Strip, planes: int = 1) -> Times:
    """When the words of the denoised image are complete, (rows, words), from its positions.

    With several planes a position has two pixels of each of two lines, whose words are complete at
    the same time.
    """
    positions = DENOISED_PIXELS // planes
    lanes = strip.output_start % positions + np.arange(strip.outputs)
    last = np.flatnonzero((lanes % positions == positions - 1) | (lanes == lanes[-1]))
    return pixels[:, last]


def merged_times(words: Times, lines: int) -> list[Times]:
    """When the words of each line of a picture of planes leave the line merger.

    Parameters
    ----------
    words
        (rows of positions, words), as `packed_times` gives them.
    lines
        Lines that are written; of the last row, maybe the first one alone.
    """
    merged: list[Times] = []
    before = -1
    for row in np.repeat(words, 2, axis=0)[:lines] + QUEUE:
        # A word a cycle; the first word waits for the line before.
        steps = np.arange(len(row))
        row = np.maximum(np.maximum.accumulate(row - steps), before + 1) + steps
        before = int(row[-1])
        merged.append(row)
    return merged


def write_times(pushed: Sequence[Times] | Times, start: int, stride: int) -> int:
    """When the last word is written, given when the words of each row arrive.

    A burst starts two cycles after the previous one at the earliest.
    """
    end = start_time = -2
    for row, times in enumerate(pushed):
        position = 0
        for length in bursts(start + row * stride, len(times)):
            position += length
            start_time = max(start_time + 2, int(times[position - 1]))
            end = max(end + 1, start_time + _BURST) + length - 1
    return end
