"""What the command lines of all packages have in common."""

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
from .environment import settle_caches
from .errors import Failure, UsageError
from .packages import absence
from .signals import Stopped, exit_code, stoppable
from .text import one_line

MISTAKE = 2
"""Exit code of a user's mistake."""
_NO_MEMORY = "not enough memory"
_ARGUMENT_MAX = 300
"""Characters of a complaint of the parser."""
_DASHES = re.compile(r"(--[\w-]+=|-\w)--")
"""An option whose value is two dashes, which argparse drops and then hands on a list."""


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are one sentence like all others."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{one_line(message, _ARGUMENT_MAX)}; see {self.prog} --help")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        for argument in takewhile(lambda argument: argument != "--", args or ()):
            if _DASHES.fullmatch(argument):
                self.error(f"argument {argument[:-2].rstrip('=')}: two dashes are no value")
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
        As `sw_model.support.called` has it: ``python -m PACKAGE``.
    commands
        Module and summary of each sub-command. A module has ``add_arguments(parser)`` and
        ``main(args)``, which returns the exit code or None. Only the chosen one is imported:
        denoising must not wait for PyTorch, nor need it.
    argv
        Arguments; those of the process by default.

    Returns
    -------
    int
        Exit code: 0; 1 where a system call failed, and after a `Failure`; 2 for a user's mistake,
        with one sentence on stderr; 130, 143 or 129 after Ctrl-C, SIGTERM or SIGHUP.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    return _guarded(program, lambda: _run(program, description, commands, arguments))


def run_program(program: str, module: str, argv: Sequence[str] | None = None) -> int:
    """Run a program without sub-commands.

    Parameters
    ----------
    program, argv
        As of `run_command`, which says what the exit code is.
    module
        Is like that of a sub-command.
    """

    def run() -> int:
        parser = _Parser(prog=as_called(program))
        return _main(module, parser, parser, sys.argv[1:] if argv is None else list(argv))

    return _guarded(program, run)


def complain(program: str, sentence: str) -> None:
    """Tell what is wrong on stderr, in the name of the program as it was called."""
    # A stream that knows only ASCII makes longer escapes of other characters.
    encoding = sys.stderr.encoding or "ascii"
    text = one_line(sentence).encode(encoding, "backslashreplace").decode(encoding)
    print(as_called(f"{program}: {one_line(text)}"), file=sys.stderr)


def _guarded(program: str, run: Callable[[], int]) -> int:
    """Exit code of what runs; its failures in one sentence."""
    for stream in (sys.stdout, sys.stderr):
        # A name that the stream cannot say must not end the program after its work.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    code, sentence = 0, ""
    with stoppable(as_called(program)) as received:
        try:
            code, sentence = _outcome(program, run)
        except BaseException:
            # Of a signal's exception a library may have made any other.
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
    """Exit code of what runs, and a sentence for its failure."""
    try:
        return run(), ""
    except UsageError as error:
        return MISTAKE, str(error)
    except Failure as error:
        return 1, str(error)
    except KeyboardInterrupt as error:
        return _stopped(error if isinstance(error, Stopped) else Stopped(signal.SIGINT))
    except BrokenPipeError:
        # Whoever read the output has seen enough; Python would complain again when it flushes.
        _discard(sys.stdout)
        return 1, ""
    except ImportError as error:
        if (sentence := absence(error, program)) is None:
            raise
        return MISTAKE, sentence
    except MemoryError as error:
        return 1, f"{_NO_MEMORY}: {error}" if str(error) else _NO_MEMORY
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        # No folder could hold such a name; all else may be the system's affair.
        code = MISTAKE if error.errno == errno.ENAMETOOLONG else 1
        return code, f"{what}{error.strerror or error}"


def _stopped(stop: Stopped) -> tuple[int, str]:
    _flush_or_discard()
    return exit_code(stop.number), str(stop)


def _flush_or_discard() -> None:
    """Leave nothing that Python would have to write when it ends, with an exit code of its own."""
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


def _main(module: str, parser: _Parser, described: argparse.ArgumentParser, argv: list[str]) -> int:
    """Run the command in a module, of which one parser describes the arguments."""
    settle_caches()
    command = importlib.import_module(module)
    command.add_arguments(described)
    code = command.main(parser.parse_args(argv))
    sys.stdout.flush()
    return int(code or 0)


def _version() -> str:
    from importlib import metadata  # takes as long as all else here

    try:
        return metadata.version(CONSOLE)
    except metadata.PackageNotFoundError:
        return "(not installed)"
