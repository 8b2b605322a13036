"""Lookup tables that replace multipliers in the hardware's encoding layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .fixed_point import signed_width, weight_range
from .network import TAPS

TABLE_TAPS = 4
"""Taps of the first table; four inputs take one LUT4 per bit, five inputs take two."""


def table_bits(weight_bits: int) -> int:
    """Width that holds the sum of any subset of nine weights."""
    low, high = weight_range(weight_bits)
    return signed_width(TAPS * low, TAPS * high)


def table(weights: Sequence[int]) -> list[int]:
    """For every combination of bits, the sum of the weights whose bit is set."""
    return [
        sum(weight for index, weight in enumerate(weights) if entry >> index & 1)
        for entry in range(1 << len(weights))
    ]


def encoding_rows(weights: Sequence[Sequence[int]]) -> Iterator[tuple[int, ...]]:
    """Yield the rows of loadable tables, with a number per channel.

    First the table of the first `TABLE_TAPS` taps, then that of the others, then the start values
    of the accumulators: the negative sum of all weights, which cancels what the inverted sign plane
    adds.

    Parameters
    ----------
    weights
        Nine weights of each channel, tap (ky, kx) at ky * 3 + kx.
    """
    for taps in (slice(TABLE_TAPS), slice(TABLE_TAPS, None)):
        yield from zip(*(table(channel[taps]) for channel in weights), strict=True)
    yield tuple(-sum(channel) for channel in weights)
