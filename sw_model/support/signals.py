"""Signals that end a command: Ctrl-C, SIGTERM and the loss of the terminal.

Each becomes an exception of the main thread, so that the command ends as after any other: without
the programs that it started and without temporary files.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from .processes import allow_children, end_children, kill_children, terminate_strangers
from .temporary import remove_all

WORDS: dict[int, str] = {
    signal.SIGINT: "interrupted",
    signal.SIGTERM: "terminated",
    signal.SIGHUP: "hung up",
}
"""The signals that end a command, and how each is told."""
PATIENCE = 5.0
"""Seconds until a command that does not end by itself is ended."""
_SHOW_CURSOR = b"\x1b[?25h"


class Stopped(KeyboardInterrupt):
    """A signal of `WORDS` arrived.

    Libraries that know how to end after Ctrl-C end in the same way after the others.
    """

    def __init__(self, number: int) -> None:
        super().__init__(WORDS[number])
        self.number = number


def exit_code(number: int) -> int:
    """Exit code of a program that a signal ended, as shells have it."""
    return 128 + number


@contextmanager
def stoppable(program: str) -> Iterator[list[int]]:
    """Signals raise `Stopped` in the block; programs and temporary folders end with it.

    What ignores a signal, as with nohup, goes on to do so. After a second signal, where the
    exception gets lost, or where the block does not end within `PATIENCE`, the process ends at
    once, though without leaving anything behind.

    Parameters
    ----------
    program
        What the sentence begins with that is printed if the process ends at once.

    Yields
    ------
    list of int
        Gets the signals that arrive: a library may turn their exception into any other.
    """
    received: list[int] = []
    leaving = False
    process = os.getpid()
    tell = sys.unraisablehook
    # Unlike locks, it can be used by a signal's handler.
    events: queue.SimpleQueue[str] = queue.SimpleQueue()

    def end_at_once() -> NoReturn:
        kill_children()
        remove_all()
        sentence = f"{program}: {WORDS[received[0]]}\n"
        with suppress(OSError):
            # A progress bar hides the cursor.
            os.write(2, (_SHOW_CURSOR if os.isatty(2) else b"") + sentence.encode())
        os._exit(exit_code(received[0]))

    def watch() -> None:
        if events.get() == "left":
            return
        try:
            events.get(timeout=PATIENCE)
        except queue.Empty:
            end_at_once()

    def receive(number: int, _frame: object) -> None:
        if os.getpid() != process:  # a copy of this one, to which nothing of it belongs
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        received.append(number)
        if len(received) > 1:
            end_at_once()
        events.put("stopped")
        end_children()
        terminate_strangers()
        if not leaving:
            raise Stopped(number)

    def notice(unraisable: sys.UnraisableHookArgs) -> None:
        # Python drops an exception that a signal raises within a destructor, of which hardware
        # descriptions have many.
        if isinstance(unraisable.exc_value, Stopped):
            end_at_once()
        tell(unraisable)

    before = _handlers(lambda now: now in (signal.SIG_DFL, signal.default_int_handler))
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        sys.unraisablehook = notice
        for number in before:
            signal.signal(number, receive)
        yield received
    finally:
        leaving = True
        allow_children()
        for number, handler in before.items():
            signal.signal(number, handler)
        sys.unraisablehook = tell
        events.put("left")
        watcher.join()


@contextmanager
def collected() -> Iterator[list[int]]:
    """Signals are put into a list instead of raising anything; a second one does what it did."""
    received: list[int] = []
    before = _handlers(lambda now: now not in (signal.SIG_IGN, None))

    def receive(number: int, _frame: object) -> None:
        received.append(number)
        signal.signal(number, before[number])

    try:
        for number in before:
            signal.signal(number, receive)
        yield received
    except Exception as error:
        # A compiler that Ctrl-C ended, say, of which the terminal tells all.
        if received:
            raise Stopped(received[0]) from error
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _handlers(wanted: Callable[[Any], bool]) -> dict[int, Any]:
    """The wanted ones among the signals' handlers; none but in the main thread, which sets them."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    found = {number: signal.getsignal(number) for number in WORDS}
    return {number: handler for number, handler in found.items() if wanted(handler)}
