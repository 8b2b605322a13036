"""Division of the golden model's work: tiles of a picture, blocks of a tile, threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Tile:
    """A part of a picture that is computed by itself.

    Attributes
    ----------
    inner
        Rows and columns whose results count; those of all tiles cover the picture once.
    outer
        The same with its halo, all pixels that these results depend on.
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
        """Number of pixels that are computed."""
        rows, columns = self.outer
        return (rows.stop - rows.start) * (columns.stop - columns.start)


def tiles(height: int, width: int, side: int, halo: int) -> list[Tile]:
    """Tiles of at most ``side`` times ``side`` results.

    Parameters
    ----------
    halo
        Largest distance of a pixel that a result depends on. The picture's edge is padded in the
        same way with and without tiles, so no tile goes beyond it.
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
    """Runs blocks of work in parallel and reports progress.

    Parameters
    ----------
    pool
        Its threads do the work.
    total
        Amount of work.
    progress
        Called after each block with the work done and the total.
    """

    def __init__(self, pool: Executor, total: int, progress: Progress | None) -> None:
        self._pool, self._progress = pool, progress
        self._finished, self._total = 0, total

    def over(self, blocks: Iterable[tuple[Any, int]], task: Callable[[Any], None]) -> None:
        """Call ``task`` with each block, in any order and in parallel.

        Parameters
        ----------
        blocks
            Each with its amount of work.
        """
        blocks = list(blocks)
        # numpy and compiled loops let other threads run while they compute.
        done = self._pool.map(task, [block for block, _ in blocks])
        for (_, amount), _ in zip(blocks, done, strict=True):
            self._finished += amount
            if self._progress is not None:
                self._progress(self._finished, self._total)
