"""How the golden model shares out its work: tiles of a picture, blocks of a tile, threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Tile:
    """A part of a picture that is worked on by itself.

    Attributes
    ----------
    inner
        Rows and columns whose results count; those of all tiles cover the picture once.
    outer
        The same with all pixels that these results depend on.
    """

    inner: tuple[slice, slice]
    outer: tuple[slice, slice]

    @property
    def kept(self) -> tuple[slice, slice]:
        """Where ``inner`` lies in an array of the size of ``outer``."""
        rows, columns = (
            slice(i.start - o.start, i.stop - o.start)
            for i, o in zip(self.inner, self.outer, strict=True)
        )
        return rows, columns

    @property
    def pixels(self) -> int:
        """How many pixels are worked on."""
        rows, columns = self.outer
        return (rows.stop - rows.start) * (columns.stop - columns.start)


def tiles(height: int, width: int, side: int, halo: int) -> list[Tile]:
    """Tiles of at most ``side`` times ``side`` results.

    Parameters
    ----------
    halo
        How far away a pixel can be that a result depends on. Beyond the picture's edge there is
        nothing, in a tile as in the whole picture, so that no tile goes further than the edge.
    """
    return [
        Tile(
            inner=(rows, columns), outer=(_wider(rows, halo, height), _wider(columns, halo, width))
        )
        for rows in pieces(height, side)
        for columns in pieces(width, side)
    ]


def pieces(length: int, most: int) -> Iterator[slice]:
    """The fewest pieces of at most ``most`` that cover ``length``, of about the same size."""
    count = -(-length // most)
    for index in range(count):
        yield slice(index * length // count, (index + 1) * length // count)


def _wider(part: slice, halo: int, length: int) -> slice:
    return slice(max(0, part.start - halo), min(length, part.stop + halo))


class Work:
    """Does blocks of work side by side, counts them, and tells whoever asked.

    Parameters
    ----------
    pool
        Its threads do the work.
    whole
        How much there is to do.
    progress
        Called after each block with what is done and the whole.
    """

    def __init__(self, pool: Executor, whole: int, progress: Progress | None) -> None:
        self._pool, self._progress = pool, progress
        self._finished, self._whole = 0, whole

    def over(self, blocks: Iterable[tuple[Any, int]], task: Callable[[Any], None]) -> None:
        """Call ``task`` with each block; it may run in any order and side by side.

        Parameters
        ----------
        blocks
            Each with how much work it is.
        """
        blocks = list(blocks)
        # numpy and compiled loops let other threads run while they compute.
        done = self._pool.map(task, [block for block, _ in blocks])
        for (_, amount), _ in zip(blocks, done, strict=True):
            self._finished += amount
            if self._progress is not None:
                self._progress(self._finished, self._whole)
