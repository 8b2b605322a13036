"""How far a command is, how fast, and how long it will take."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

Phase = Callable[[str], None]
"""Takes what begins now, in a few words."""


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


@contextmanager
def phases() -> Iterator[Phase]:
    """What is under way and for how long on the terminal; in a pipe a line as each phase begins.

    For what takes seconds of which nobody can say how many are left.
    """
    terminal = sys.stderr.isatty()
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not terminal,
    )

    def begin(label: str) -> None:
        for task in bar.task_ids:
            bar.remove_task(task)
        bar.add_task(label, total=None)
        if not terminal:
            print(f"{label} ...", file=sys.stderr, flush=True)

    with bar:
        yield begin


def unseen(label: str) -> None:
    """A phase that nobody is told of, for callers in a program."""
