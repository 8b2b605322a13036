"""How a frame is cut into the vertical strips that the line buffers can hold."""

from __future__ import annotations

from dataclasses import dataclass

from ..support.errors import UsageError

LINE_WORDS = 512
"""Words of a line buffer: the depth of block RAM at 36 bits."""
COLUMNS_MIN = 3
"""Fewest columns of a strip that has neighbours on both sides: one of its own."""


@dataclass(frozen=True)
class Strip:
    """Columns of one layer that go through the datapath together.

    The layer's input is read from column ``start`` on, ``columns`` of them. Their first and last
    overlap the neighbouring strips: the datapath pads the strip with zeros, so that what it
    computes for them is wrong, and it is dropped.

    Attributes
    ----------
    first, last
        There is no strip to the left, to the right.
    """

    start: int
    columns: int
    first: bool
    last: bool

    @property
    def output_start(self) -> int:
        """First output column."""
        return self.start + (not self.first)

    @property
    def outputs(self) -> int:
        """Number of output columns."""
        return self.columns - (not self.first) - (not self.last)


def strip_columns(timesteps_max: int) -> int:
    """Input columns of the widest strip whose line fits `LINE_WORDS`."""
    return LINE_WORDS // timesteps_max


def strips(width: int, columns: int) -> list[Strip]:
    """The strips of a frame, left to right.

    Parameters
    ----------
    width
        Of the frame, in pixels.
    columns
        Of the widest strip, `COLUMNS_MIN` or more unless the whole frame fits.
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
