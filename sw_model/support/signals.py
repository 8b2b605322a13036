"""Signals that end a command: Ctrl-C, SIGTERM and the loss of the terminal.

Each becomes an exception of the main thread, so that the command ends as after any other: without
the programs that it started and without temporary files.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from io import FileIO
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
_POLL = 0.02
_NUDGE = signal.SIGURG
"""Makes the main thread look for other signals; of no effect where nobody handles it."""
_changed: list[Mapping[int, Any]] = []
"""Handlers that were replaced."""
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
    main, tell = threading.get_ident(), sys.unraisablehook
    left = threading.Event()
    reading, writing = os.pipe()
    os.set_blocking(writing, False)

    def end_at_once(number: int) -> NoReturn:
        terminate_strangers()
        kill_children()
        remove_all()
        sentence = f"{program}: {WORDS[number]}\n"
        with suppress(OSError):
            # A progress bar hides the cursor.
            os.write(2, (_SHOW_CURSOR if os.isatty(2) else b"") + sentence.encode())
        os._exit(exit_code(number))

    def watch() -> None:
        with FileIO(reading) as arrivals:
            number = _first(arrivals, before)
            deadline = time.monotonic() + PATIENCE
            while number is not None and not left.wait(_POLL):
                if time.monotonic() > deadline:
                    end_at_once(number)
                if not received:
                    # It came when the main thread was about to wait for something, and does now.
                    signal.pthread_kill(main, _NUDGE)

    def receive(number: int, _frame: object) -> None:
        received.append(number)
        if len(received) > 1:
            end_at_once(received[0])
        end_children()
        terminate_strangers()
        if not leaving:
            raise Stopped(number)

    def notice(unraisable: sys.UnraisableHookArgs) -> None:
        # Python drops an exception that a signal raises within a destructor, of which hardware
        # descriptions have many.
        if isinstance(unraisable.exc_value, Stopped):
            end_at_once(received[0])
        tell(unraisable)

    before = _handlers(lambda now: now in (signal.SIG_DFL, signal.default_int_handler))
    allow_children()
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        sys.unraisablehook = notice
        with _handled(before, receive, writing):
            try:
                yield received
            finally:
                leaving = True
                # A thread that goes on would keep the process, and one that the exception met
                # while it was being started cannot be joined.
                while received and sum(not other.daemon for other in threading.enumerate()) > 1:
                    time.sleep(_POLL)
    finally:
        sys.unraisablehook = tell
        left.set()
        os.close(writing)
        watcher.join()


@contextmanager
def collected() -> Iterator[list[int]]:
    """Signals are put into a list instead of raising anything; a second one does what it did."""
    received: list[int] = []
    before = _handlers(lambda now: now not in (signal.SIG_IGN, None))

    def receive(number: int, _frame: object) -> None:
        received.append(number)
        handled.close()

    try:
        with ExitStack() as handled:
            handled.enter_context(_handled(before, receive, -1))
            yield received
    except Exception as error:
        # A compiler that Ctrl-C ended, say, of which the terminal tells all.
        if received:
            raise Stopped(received[0]) from error
        raise


@contextmanager
def _handled(
    before: Mapping[int, Any], receive: Callable[[int, Any], None], descriptor: int
) -> Iterator[None]:
    """Handle signals in the block.

    Parameters
    ----------
    before
        Their handlers until now, which are put back.
    descriptor
        Gets the number of each signal as a byte as soon as it arrives, -1 for none.
    """
    if not before:
        yield
        return
    _changed.append(before)
    wakeup = signal.set_wakeup_fd(descriptor, warn_on_full_buffer=False)
    nudged = signal.signal(_NUDGE, lambda number, frame: None) or signal.SIG_DFL
    try:
        for number in before:
            signal.signal(number, receive)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.signal(_NUDGE, nudged)
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
        _changed.pop()


def _let_go() -> None:
    """In a copy of the process: nothing of this one belongs to it, and signals just end it."""
    if _changed:
        signal.set_wakeup_fd(-1)
        for number in _changed[0]:
            signal.signal(number, signal.SIG_DFL)


os.register_at_fork(after_in_child=_let_go)


def _first(arrivals: FileIO, wanted: Container[int]) -> int | None:
    """The first of these signals that arrives, None if the pipe ends before."""
    while byte := arrivals.read(1):
        if byte[0] in wanted:
            return byte[0]
    return None


def _handlers(wanted: Callable[[Any], bool]) -> dict[int, Any]:
    """The wanted ones among the signals' handlers; none but in the main thread, which sets them."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    found = {number: signal.getsignal(number) for number in WORDS}
    return {number: handler for number, handler in found.items() if wanted(handler)}
