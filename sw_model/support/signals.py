"""Signals that end a command: Ctrl-C, SIGTERM and the loss of the terminal.

Each raises an exception in the main thread, so that the command ends as after any other exception:
the programs that it started are ended and temporary files are removed.
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

from .processes import allow_children, end_children, kill_children, terminate_library_processes
from .temporary import remove_all

WORDS: dict[int, str] = {
    signal.SIGINT: "interrupted",
    signal.SIGTERM: "terminated",
    signal.SIGHUP: "hung up",
}
"""The signals that end a command, and the word that reports each."""
PATIENCE = 5.0
"""Seconds until a command that does not end by itself is ended."""
_POLL = 0.02
_NUDGE = signal.SIGURG
"""Makes the main thread look for other signals; without effect if it has no handler."""
_changed: list[Mapping[int, Any]] = []
"""Handlers that were replaced."""
_SHOW_CURSOR = b"\x1b[?25h"


class Stopped(KeyboardInterrupt):
    """A signal of `WORDS` arrived.

    Libraries that handle Ctrl-C handle the other signals in the same way.
    """

    def __init__(self, number: int) -> None:
        super().__init__(WORDS[number])
        self.number = number


def exit_code(number: int) -> int:
    """Exit code of a program that a signal ended, as shells define it."""
    return 128 + number


@contextmanager
def stoppable(program: str) -> Iterator[list[int]]:
    """Raise `Stopped` in the block when a signal arrives, and end the programs that it started.

    A signal that is ignored, as with nohup, stays ignored. The process ends at once, but still
    ends its programs and removes its temporary folders, after a second signal, if the exception is
    lost, or if the block does not end within `PATIENCE`.

    Parameters
    ----------
    program
        Start of the sentence that is printed if the process ends at once.

    Yields
    ------
    list of int
        Receives the signals that arrive: a library may turn their exception into another.
    """
    received: list[int] = []
    leaving = False
    main_thread, report_unraisable = threading.get_ident(), sys.unraisablehook
    block_ended = threading.Event()
    reading, writing = os.pipe()
    os.set_blocking(writing, False)

    def end_at_once(number: int) -> NoReturn:
        terminate_library_processes()
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
            while number is not None and not block_ended.wait(_POLL):
                if time.monotonic() > deadline:
                    end_at_once(number)
                if not received:
                    # It arrived just before the main thread began to wait for something.
                    signal.pthread_kill(main_thread, _NUDGE)

    def receive(number: int, _frame: object) -> None:
        received.append(number)
        if len(received) > 1:
            end_at_once(received[0])
        end_children()
        terminate_library_processes()
        if not leaving:
            raise Stopped(number)

    def notice(unraisable: sys.UnraisableHookArgs) -> None:
        # Python drops an exception that a signal raises within a destructor; hardware
        # descriptions have many of them.
        if isinstance(unraisable.exc_value, Stopped):
            end_at_once(received[0])
        report_unraisable(unraisable)

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
                # A thread that goes on would keep the process alive, and one that the exception
                # interrupted while it was being started cannot be joined.
                while received and sum(not other.daemon for other in threading.enumerate()) > 1:
                    time.sleep(_POLL)
    finally:
        sys.unraisablehook = report_unraisable
        block_ended.set()
        os.close(writing)
        watcher.join()


@contextmanager
def collected() -> Iterator[list[int]]:
    """Collect signals in a list instead of raising; a second one acts as before the block."""
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
        # For example, Ctrl-C also ended a compiler.
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
        Their present handlers, which are restored.
    descriptor
        Receives the number of each signal as a byte when it arrives; -1 for none.
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


def _reset_in_child() -> None:
    """Reset a forked process: it owns nothing of its parent, and signals just end it."""
    if _changed:
        signal.set_wakeup_fd(-1)
        for number in _changed[0]:
            signal.signal(number, signal.SIG_DFL)


os.register_at_fork(after_in_child=_reset_in_child)


def _first(arrivals: FileIO, wanted: Container[int]) -> int | None:
    """Return the first wanted signal that arrives, None if the pipe ends before."""
    while byte := arrivals.read(1):
        if byte[0] in wanted:
            return byte[0]
    return None


def _handlers(wanted: Callable[[Any], bool]) -> dict[int, Any]:
    """Return the wanted handlers by signal; none outside of the main thread, which sets them."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    found = {number: signal.getsignal(number) for number in WORDS}
    return {number: handler for number, handler in found.items() if wanted(handler)}
