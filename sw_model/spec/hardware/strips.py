"""Division of a frame into strips that fit the line buffers, and bands for the engines."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from sw_model.spec.network import NetworkSpec
from sw_model.support.errors import UsageError

LINE_WORDS = 512
"""Words of a line buffer: the depth of block RAM at 36 bits."""
COLUMNS_MIN = 3
"""Fewest columns of a strip with neighbours on both sides: one, and a halo of one on each."""
ENGINES_MAX = 2
"""Engines that share a weight memory: the ports of a block RAM."""


@dataclass(frozen=True)
class Part:
    """A part of every layer's columns, or rows, that goes through the datapath by itself.

    The part reads ``size`` columns or rows of the layer's input, from ``start`` on. If it has a
    neighbour before or after it, the first or the last of them is a halo that belongs to the
    neighbour: the datapath pads the part with zeros, so its result there is wrong and is dropped.

    Attributes
    ----------
    first, last
        There is no neighbour before or after.
    """

    start: int
    size: int
    first: bool
    last: bool

    @property
    def output_start(self) -> int:
        """First output column or row."""
        return self.start + (not self.first)

    @property
    def outputs(self) -> int:
        """Number of output columns or rows."""
        return self.size - (not self.first) - (not self.last)


class Strip(Part):
    """Columns of every layer that go through the datapath together."""

    @property
    def columns(self) -> int:
        """Input columns."""
        return self.size


class Band(Part):
    """Rows of every layer that one engine takes."""

    @property
    def rows(self) -> int:
        """Input rows."""
        return self.size


def strip_columns(timesteps_max: int) -> int:
    """Input columns of the widest strip whose line fits `LINE_WORDS`."""
    return LINE_WORDS // timesteps_max


def network_columns(spec: NetworkSpec) -> int:
    """`strip_columns` of a network; with the few-spike code a pixel has one sum for all T."""
    return strip_columns(1 if spec.code == "binary" else spec.timesteps_max)


def strips(width: int, columns: int) -> list[Strip]:
    """The strips of a frame, left to right.

    Parameters
    ----------
    width
        Width of the frame, in pixels.
    columns
        Columns of the widest strip, `COLUMNS_MIN` or more unless the whole frame fits.
    """
    if width < 1 or (width > columns and columns < COLUMNS_MIN):
        raise UsageError(
            f"a frame {width} wide cannot be cut into strips of {columns} columns; "
            f"a strip has {COLUMNS_MIN} or more"
        )
    found: list[Strip] = []
    while not found or not found[-1].last:
        start = found[-1].output_start + found[-1].outputs - 1 if found else 0
        taken = min(columns, width - start)
        found.append(Strip(start, taken, first=not found, last=start + taken == width))
    return found


def check_engines(engines: int) -> None:
    """Raise `UsageError` for a number of engines that is not supported."""
    if not 1 <= engines <= ENGINES_MAX:
        raise UsageError(f"engines {engines} is not 1 to {ENGINES_MAX}")


def bands(height: int, engines: int) -> list[Band]:
    """The bands of a frame, from the top: one for each engine that has a row to write.

    All write the same number of rows, except that the upper ones may write one more.

    Parameters
    ----------
    height
        Height of the frame, in pixels.
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
