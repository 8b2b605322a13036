"""How far a command is, how fast, and how long it will take."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
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


class Bar:
    """Work under way: a bar on a terminal; see `progress`.

    Parameters
    ----------
    display
        What shows it.
    label
        In front of the bar.
    whole
        How much there is to do; None where that is not known yet.
    """

    def __init__(self, display: Progress, label: str, whole: float | None = None) -> None:
        self._display, self._task = display, display.add_task(label, total=whole)

    def __call__(self, done: float, whole: float | None = None) -> None:
        """Show what is done, and the whole where it was not known."""
        self._display.update(self._task, completed=done, total=whole)

    def describe(self, label: str) -> None:
        """Change what stands in front of the bar."""
        self._display.update(self._task, description=label)

    def item(self, number: int, count: int, label: str) -> Callable[[float, float], None]:
        """What takes the done and the whole of item ``number`` (from 0) of ``count``."""
        self.describe(f"{number + 1}/{count} {label}")
        return lambda done, whole: self(number + done / whole, count)

    def print(self, line: str) -> None:
        """Write a line, which stays, above the bar; in a pipe as well."""
        self._display.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def beside(self, label: str, whole: float | None = None) -> Bar:
        """One more bar of the same kind, of work that goes on at the same time."""
        return Bar(self._display, label, whole)

    def remove(self) -> None:
        """Show it no longer."""
        self._display.remove_task(self._task)


@contextmanager
def progress(
    label: str,
    *,
    unit: str | None = None,
    scale: float | None = None,
    whole: float | None = None,
    shown: bool = True,
) -> Iterator[Bar]:
    """A bar on the terminal, which is taken back at the end; nothing in a pipe.

    Parameters
    ----------
    label
        In front of the bar.
    unit
        Of what is counted: with ``scale`` its rate is shown, otherwise how many of how many.
    scale
        What one of the counted steps is in units.
    whole
        How much there is to do; None where that is not known yet.
    shown
        False shows nothing on a terminal either.
    """
    columns: list[ProgressColumn] = [_label(), BarColumn()]
    if unit is None:
        columns.append(TimeRemainingColumn())
    elif scale is None:
        columns += [MofNCompleteColumn(), TextColumn(unit), TimeElapsedColumn()]
    else:
        columns += [TaskProgressColumn(), RateColumn(scale, unit), TimeRemainingColumn()]
    with _display(columns, shown) as display:
        yield Bar(display, label, whole)


@contextmanager
def phases() -> Iterator[Phase]:
    """What is under way and for how long on the terminal; in a pipe a line as each phase begins.

    For what takes seconds of which nobody can say how many are left.
    """
    display = _display([SpinnerColumn(), _label(), TimeElapsedColumn()])

    def begin(label: str) -> None:
        for task in display.task_ids:
            display.remove_task(task)
        display.add_task(label, total=None)
        if not _on_terminal():
            print(f"{label} ...", file=sys.stderr, flush=True)

    with display:
        yield begin


def _label() -> ProgressColumn:
    """What stands in front of a bar; a file may be named [red]."""
    return TextColumn("{task.description}", markup=False)


def _display(columns: list[ProgressColumn], shown: bool = True) -> Progress:
    """What shows bars of these columns on the terminal and nothing in a pipe."""
    return Progress(
        *columns,
        console=Console(stderr=True),
        transient=True,
        disable=not (shown and _on_terminal()),
    )


def _on_terminal() -> bool:
    return sys.stderr.isatty()


def unseen(label: str) -> None:
    """A phase that nobody is told of, for callers in a program."""
