"""Progress display: how far a command is, how fast, and how long it will take."""

from __future__ import annotations

import sys
import time
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
"""Takes the name of the phase that begins, in a few words."""


class RateColumn(ProgressColumn):
    """Work per second.

    Parameters
    ----------
    scale
        Units in one step of the task.
    unit
        Name of the unit.
    """

    def __init__(self, scale: float, unit: str) -> None:
        super().__init__()
        self._scale, self._unit = scale, unit

    def render(self, task: Task) -> Text:
        """The rate, or nothing while it is not known."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed * self._scale:.3g} {self._unit}/s")


FIRST_LINE, NEXT_LINES = 10.0, 60.0
"""Seconds before a bar's first line in a pipe, and between further ones."""


class Bar:
    """A progress bar on a terminal, and in a pipe a line now and then; see `progress`.

    Parameters
    ----------
    display
        The rich display that shows it.
    label
        Text in front of the bar.
    total
        Amount of work; None if it is not known yet.
    lines
        Print lines.
    """

    def __init__(
        self, display: Progress, label: str, total: float | None = None, lines: bool = False
    ) -> None:
        self._total, self._lines = total, lines
        self._display, self._task = display, display.add_task(label, total=total)
        self._label, self._next_line = label, time.monotonic() + FIRST_LINE

    def __call__(self, done: float, total: float | None = None) -> None:
        """Show the work done, and the total if it was not known."""
        self._total = self._total if total is None else total
        self._display.update(self._task, completed=done, total=total)
        if not self._lines or time.monotonic() < self._next_line:
            return
        self._next_line = time.monotonic() + NEXT_LINES
        share = f" {done / self._total:.0%}" if self._total else ""
        print(f"{self._label}{share} ...", file=sys.stderr, flush=True)

    def describe(self, label: str) -> None:
        """Change the text in front of the bar."""
        self._display.update(self._task, description=label)
        self._label = label

    def item(self, number: int, count: int, label: str) -> Callable[[float, float], None]:
        """Return a callback ``(done, total)`` for item ``number`` (from 0) of ``count``."""
        self.describe(f"{number + 1}/{count} {label}")
        return lambda done, total: self(number + done / total, count)

    def print(self, line: str) -> None:
        """Print a line that stays, above the bar; in a pipe as well."""
        self._display.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def add_bar(self, label: str, total: float | None = None) -> Bar:
        """Add a bar of the same kind, for work that runs at the same time."""
        return Bar(self._display, label, total, self._lines)

    def remove(self) -> None:
        """Remove the bar."""
        self._display.remove_task(self._task)


@contextmanager
def progress(
    label: str,
    *,
    unit: str | None = None,
    scale: float | None = None,
    total: float | None = None,
    shown: bool = True,
) -> Iterator[Bar]:
    """Show a bar on the terminal, removed at the end.

    In a pipe, work of more than `FIRST_LINE` seconds prints a line with its label and share, and
    one more every `NEXT_LINES` seconds.

    Parameters
    ----------
    label
        Text in front of the bar.
    unit
        Unit of the work. With ``scale`` the rate is shown, otherwise the count and the total.
    scale
        Units in one step of the work.
    total
        Amount of work; None if it is not known yet.
    shown
        False shows nothing anywhere.
    """
    columns: list[ProgressColumn] = [_label(), BarColumn()]
    if unit is None:
        columns.append(TimeRemainingColumn())
    elif scale is None:
        columns += [MofNCompleteColumn(), TextColumn(unit), TimeElapsedColumn()]
    else:
        columns += [TaskProgressColumn(), RateColumn(scale, unit), TimeRemainingColumn()]
    with _display(columns, shown) as display:
        yield Bar(display, label, total, lines=shown and not _on_terminal())


@contextmanager
def phases() -> Iterator[Phase]:
    """Show the current phase and its time on the terminal; in a pipe, print a line per phase.

    For work of some seconds whose remaining time is unknown.
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
    """Text in front of a bar, without markup: a file may be named [red]."""
    return TextColumn("{task.description}", markup=False)


def _display(columns: list[ProgressColumn], shown: bool = True) -> Progress:
    """Return a display of these columns on the terminal, and of nothing in a pipe."""
    return Progress(
        *columns,
        console=Console(stderr=True),
        transient=True,
        disable=not (shown and _on_terminal()),
    )


def _on_terminal() -> bool:
    return sys.stderr.isatty()


def unseen(label: str) -> None:
    """Show nothing of a phase, for callers in a program."""
