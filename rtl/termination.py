"""SIGTERM as an exception, so that a command that it ends leaves nothing behind."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

TERMINATED = 128 + signal.SIGTERM
"""Exit code of a program that SIGTERM ended, as shells have it."""
_AGAIN = 0.01
"""Seconds until an exception that got lost is raised once more."""


class Termination(BaseException):
    """SIGTERM arrived."""


@contextmanager
def heeding_termination() -> Iterator[None]:
    """SIGTERM raises `Termination` in the main thread, as Ctrl-C raises KeyboardInterrupt.

    A second SIGTERM kills as usual. Python drops an exception that a signal raises within a
    destructor, of which elaboration has many: both are then raised again a moment later.
    """
    # Only the main thread may; whoever ignores the signal goes on to do so.
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
    ):
        yield
        return
    lost: list[type[BaseException]] = []
    tell = sys.unraisablehook

    def receive(number: int, _frame: object) -> NoReturn:
        signal.signal(number, signal.SIG_DFL)
        raise Termination

    def notice(unraisable: sys.UnraisableHookArgs) -> None:
        if unraisable.exc_type in (Termination, KeyboardInterrupt):
            lost.append(unraisable.exc_type)
            signal.setitimer(signal.ITIMER_REAL, _AGAIN)
        else:
            tell(unraisable)

    def raise_again(_number: int, _frame: object) -> None:
        if lost:
            raise lost.pop()

    signal.signal(signal.SIGTERM, receive)
    alarm = signal.signal(signal.SIGALRM, raise_again) or signal.SIG_DFL
    sys.unraisablehook = notice
    try:
        yield
    finally:
        lost.clear()
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.unraisablehook = tell
        signal.signal(signal.SIGALRM, alarm)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
