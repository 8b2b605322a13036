"""How the rows of a frame are shared out where several engines work on it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from ..support.errors import UsageError

ENGINES_MAX = 2
"""Engines that share a weight memory: the ports of a block RAM."""


@dataclass(frozen=True)
class Band:
    """Rows of every layer that one engine takes.

    The layer's input is read from row ``start`` on, ``rows`` of them. Where there is a band above
    or below, the first or the last of them overlaps it: what the datapath, which pads the band with
    zeros, computes for that row is wrong, and it is dropped.

    Attributes
    ----------
    first, last
        There is no band above, below.
    """

    start: int
    rows: int
    first: bool
    last: bool

    @property
    def output_start(self) -> int:
        """First output row."""
        return self.start + (not self.first)

    @property
    def outputs(self) -> int:
        """Number of output rows."""
        return self.rows - (not self.first) - (not self.last)


def check_engines(engines: int) -> None:
    """Raise `UsageError` for a number of engines that there cannot be."""
    if not 1 <= engines <= ENGINES_MAX:
        raise UsageError(f"engines {engines} is not 1 to {ENGINES_MAX}")


def bands(height: int, engines: int) -> list[Band]:
    """The bands of a frame, from the top: one for each engine that has a row to write.

    All write the same number of rows, but for a row more of the upper ones.

    Parameters
    ----------
    height
        Of the frame, in pixels.
    engines
        1 to `ENGINES_MAX`.
    """
    check_engines(engines)
    bounds = [-(-height * engine // engines) for engine in range(engines + 1)]
    found = []
    for begin, end in pairwise(bounds):
        if begin < end:
            first, last = begin == 0, end == height
            start = begin - (not first)
            found.append(Band(start, end + (not last) - start, first=first, last=last))
    return found
