"""Command-line handling shared by all packages."""

from __future__ import annotations

import argparse
import errno
import importlib
import io
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import takewhile
from typing import Any, NoReturn, TextIO

from .called import CONSOLE, as_called
from .environment import set_cache_folders
from .errors import Failure, UsageError
from .packages import missing_package
from .signals import Stopped, exit_code, stoppable
from .text import one_line

MISTAKE = 2
"""Exit code of a usage error."""
UNFINISHED = 3
"""Exit code of work that ends at a time limit and can be resumed."""
_NO_MEMORY = "not enough memory"
_ARGUMENT_MAX = 300
"""Most characters of an error message of the parser."""
_DASHES = re.compile(r"(--[\w-]+=|-\w)--")
"""An option with the value ``--``: argparse drops the value and then returns a list."""


class _Parser(argparse.ArgumentParser):
    """A parser that reports errors in one sentence, like all other code."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{one_line(message, _ARGUMENT_MAX)}; see {self.prog} --help")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        for argument in takewhile(lambda argument: argument != "--", args or ()):
            if _DASHES.fullmatch(argument):
                self.error(f"argument {argument[:-2].rstrip('=')}: -- is not a value")
        return super().parse_known_args(args, namespace)

    def format_help(self) -> str:
        self.description, self.epilog = map(_called, (self.description, self.epilog))
        for action in self._actions:
            action.help = _called(action.help)
        return super().format_help()


def _called(text: str | None) -> str | None:
    return text and as_called(text)


def run_command(
    program: str,
    description: str,
    commands: Mapping[str, tuple[str, str]],
    argv: Sequence[str] | None = None,
) -> int:
    """Run one of a program's sub-commands.

    Parameters
    ----------
    program
        Its name, ``python -m PACKAGE`` (see `sw_model.support.called`).
    commands
        Module and summary of each sub-command. A module has ``add_arguments(parser)`` and
        ``main(args)``, which returns the exit code or None. Only the chosen one is imported, so
        that denoising neither waits for PyTorch nor needs it.
    argv
        Arguments; those of the process by default.

    Returns
    -------
    int
        Exit code: 0; 1 after a failed system call or a `Failure`; 2 after a usage error, with
        one sentence on stderr; 130, 143 or 129 after Ctrl-C, SIGTERM or SIGHUP.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    return _run_guarded(program, lambda: _run(program, description, commands, arguments))


def run_program(program: str, module: str, argv: Sequence[str] | None = None) -> int:
    """Run a program without sub-commands.

    Parameters
    ----------
    program, argv
        As in `run_command`, which also describes the exit code.
    module
        A module like that of a sub-command.
    """

    def run() -> int:
        parser = _Parser(prog=as_called(program))
        return _main(module, parser, parser, sys.argv[1:] if argv is None else list(argv))

    return _run_guarded(program, run)


def complain(program: str, sentence: str) -> None:
    """Print an error on stderr, after the program's name as the user called it."""
    # On an ASCII stream, other characters become longer escapes.
    encoding = sys.stderr.encoding or "ascii"
    text = one_line(sentence).encode(encoding, "backslashreplace").decode(encoding)
    print(as_called(f"{program}: {one_line(text)}"), file=sys.stderr)


def _run_guarded(program: str, run: Callable[[], int]) -> int:
    """Run a program; print its failure in one sentence and return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A name that the stream cannot encode must not end the program after its work.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    code, sentence = 0, ""
    with stoppable(as_called(program)) as received:
        try:
            code, sentence = _outcome(program, run)
        except BaseException:
            # A library may have turned the signal's exception into another one.
            if not received:
                raise
    if received:
        code, sentence = _stopped(Stopped(received[0]))
    if sentence:
        with suppress(OSError):  # a terminal that is gone
            complain(program, sentence)
    if received:
        _flush_or_discard()
    return code


def _outcome(program: str, run: Callable[[], int]) -> tuple[int, str]:
    """Run a program; return the exit code, and the sentence for a failure."""
    try:
        return run(), ""
    except UsageError as error:
        return MISTAKE, str(error)
    except Failure as error:
        return 1, str(error)
    except KeyboardInterrupt as error:
        return _stopped(error if isinstance(error, Stopped) else Stopped(signal.SIGINT))
    except BrokenPipeError:
        # The reader has closed the pipe; Python would report it again when it flushes.
        _discard(sys.stdout)
        return 1, ""
    except ImportError as error:
        if (sentence := missing_package(error, program)) is None:
            raise
        return MISTAKE, sentence
    except MemoryError as error:
        return 1, f"{_NO_MEMORY}: {error}" if str(error) else _NO_MEMORY
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        # A name too long for any folder is a usage error; other errors may be the system's.
        code = MISTAKE if error.errno == errno.ENAMETOOLONG else 1
        return code, f"{what}{error.strerror or error}"


def _stopped(stop: Stopped) -> tuple[int, str]:
    _flush_or_discard()
    return exit_code(stop.number), str(stop)


def _flush_or_discard() -> None:
    """Leave nothing for Python to flush at exit, where a failure would change the exit code."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # a terminal or a pipe that is gone
            _discard(stream)


def _discard(stream: TextIO) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _run(
    program: str, description: str, commands: Mapping[str, tuple[str, str]], argv: list[str]
) -> int:
    parser = _Parser(prog=as_called(program), description=description)
    choices = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (_, summary) in commands.items():
        choices.add_parser(name, help=as_called(summary))
    chosen = argv[0] if argv else ""
    if chosen not in commands:
        parser.add_argument("--version", action="version", version=f"{CONSOLE} {_version()}")
        parser.parse_args(argv)
    return _main(commands[chosen][0], parser, choices.choices[chosen], argv)


def _main(
    module: str, parser: _Parser, command_parser: argparse.ArgumentParser, argv: list[str]
) -> int:
    """Run the command of a module; ``command_parser`` gets its arguments."""
    set_cache_folders()
    command = importlib.import_module(module)
    command.add_arguments(command_parser)
    code = command.main(parser.parse_args(argv))
    sys.stdout.flush()
    return int(code or 0)


def _version() -> str:
    from importlib import metadata  # as slow to import as everything else here

    try:
        return metadata.version(CONSOLE)
    except metadata.PackageNotFoundError:
        return "(not installed)"
