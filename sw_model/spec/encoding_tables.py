"""Lookup tables that replace multipliers in the hardware's encoding layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .fixed_point import signed_width, weight_range
from .network import TAPS

TABLE_TAPS = 4
"""Taps of the first table; four inputs take one LUT4 per bit, five inputs take two."""


def table_bits(weight_bits: int, inputs: int = 1) -> int:
    """Width that holds the sum of any subset of nine weights of each of so many input planes."""
    low, high = weight_range(weight_bits)
    return signed_width(inputs * TAPS * low, inputs * TAPS * high)


def table(weights: Sequence[int]) -> list[int]:
    """For every combination of bits, the sum of the weights whose bit is set."""
    return [
        sum(weight for index, weight in enumerate(weights) if entry >> index & 1)
        for entry in range(1 << len(weights))
    ]


def encoding_rows(weights: Sequence[Sequence[int]]) -> Iterator[tuple[int, ...]]:
    """Yield the rows of loadable tables, with a number per channel.

    For each input plane, first the table of the first `TABLE_TAPS` taps, then that of the others.
    Last come the start values of the accumulators: the negative sum of all weights, which cancels
    what the inverted sign plane adds.

    Parameters
    ----------
    weights
        Nine weights of each input plane of each channel, tap (ky, kx) of plane p at
        p * 9 + ky * 3 + kx.
    """
    for first in range(0, len(weights[0]), TAPS):
        split, end = first + TABLE_TAPS, first + TAPS
        for taps in (slice(first, split), slice(split, end)):
            yield from zip(*(table(channel[taps]) for channel in weights), strict=True)
    yield tuple(-sum(channel) for channel in weights)
