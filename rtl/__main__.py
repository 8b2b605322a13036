"""Command line of the hardware generator: ``python -m rtl COMMAND``."""

import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from sw_model.spec.command_line import run_command

from .errors import SynthesisFailure

COMMANDS = {
    "board": ("generate_board", "write the top for the board ULX3S, or its bitstream"),
    "generate": ("generate", "write Verilog, memory contents and a manifest"),
    "registers": ("register_files", "write the registers' C header and documentation"),
    "system": ("generate_system", "write Verilog of the accelerator with AXI ports"),
    "synth": ("synth", "area and clock frequency on an ECP5, or area on AMD's 7 series"),
    "explore": ("explore", "cycles, area, energy of many configurations, and the best of them"),
}
"""Module and summary of each sub-command."""


TERMINATED = 128 + signal.SIGTERM
"""Exit code of a program that SIGTERM ended, as shells have it."""


class _Termination(BaseException):
    """SIGTERM arrived."""


@contextmanager
def _heeding_termination() -> Iterator[None]:
    """SIGTERM raises an exception, as Ctrl-C does, so that nothing is left behind.

    A second one kills as usual.
    """

    def receive(number: int, _frame: object) -> NoReturn:
        signal.signal(number, signal.SIG_DFL)
        raise _Termination

    # Only the main thread may; whoever ignores it goes on to do so.
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
    ):
        yield
        return
    signal.signal(signal.SIGTERM, receive)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a sub-command and return its exit code, as `run_command` does; 143 after SIGTERM."""
    description = "The accelerator's hardware from a frozen network."
    try:
        with _heeding_termination():
            return run_command("rtl", description, COMMANDS, argv, failures=(SynthesisFailure,))
    except _Termination:
        print("python -m rtl: terminated", file=sys.stderr)
        return TERMINATED


if __name__ == "__main__":
    sys.exit(main())
