"""How far the command ``denoise`` is, how fast, and how long it will take."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class RateColumn(ProgressColumn):
    """Work in a second.

    Parameters
    ----------
    scale
        What one of the task's steps is in units.
    unit
        Its name.
    """

    def __init__(self, scale: float, unit: str) -> None:
        super().__init__()
        self._scale, self._unit = scale, unit

    def render(self, task: Task) -> Text:
        """The rate, or nothing while it is not known."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed * self._scale:.3g} {self._unit}/s")


@contextmanager
def working(label: str, scale: float, unit: str) -> Iterator[Callable[[float, float], None]]:
    """A bar with rate and time left on the terminal, nothing in a pipe.

    Parameters
    ----------
    label
        In front of the bar.
    scale, unit
        As of `RateColumn`.

    Yields
    ------
    callable
        Takes what is done and the whole.
    """
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        RateColumn(scale, unit),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task(label, total=None)
        yield lambda done, whole: bar.update(task, completed=done, total=whole)
