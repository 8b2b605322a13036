"""Tables by which the hardware's encoding layer does without multipliers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .fixed_point import signed_width, weight_range
from .network import TAPS

TABLE_TAPS = 4
"""Taps of the first table; a table of four inputs is one LUT4 a bit, one of five two."""


def table_bits(weight_bits: int) -> int:
    """Bits of the sum of some of nine weights, whatever they are."""
    low, high = weight_range(weight_bits)
    return signed_width(TAPS * low, TAPS * high)


def table(weights: Sequence[int]) -> list[int]:
    """The sum of the weights whose bit is set, for every combination of bits."""
    return [
        sum(weight for index, weight in enumerate(weights) if entry >> index & 1)
        for entry in range(1 << len(weights))
    ]


def encoding_rows(weights: Sequence[Sequence[int]]) -> Iterator[tuple[int, ...]]:
    """Rows of tables that can be loaded, a number a channel each.

    First the table of the first `TABLE_TAPS` taps, then that of the others, then where
    accumulators start: at the negative of the sum of all weights, which the inverted plane of the
    signs gives too much.

    Parameters
    ----------
    weights
        Nine of each channel, tap (ky, kx) at ky * 3 + kx.
    """
    for taps in (slice(TABLE_TAPS), slice(TABLE_TAPS, None)):
        yield from zip(*(table(channel[taps]) for channel in weights), strict=True)
    yield tuple(-sum(channel) for channel in weights)
