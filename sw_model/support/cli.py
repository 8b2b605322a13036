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
from typing import Any, NoReturn

from .errors import UsageError
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


def run_command(
    package: str,
    description: str,
    commands: Mapping[str, tuple[str, str]],
    argv: Sequence[str] | None = None,
    failures: tuple[type[Exception], ...] = (),
) -> int:
    """Run one of a package's sub-commands.

    Parameters
    ----------
    package
        Name of the package; the program is ``python -m PACKAGE``.
    commands
        Module in the package, and summary, of each sub-command. A module has
        ``add_arguments(parser)`` and ``main(args)``, which returns the exit code or None. Only
        the chosen one is imported: denoising must not wait for PyTorch, nor need it.
    argv
        Arguments; those of the process by default.
    failures
        Exceptions that mean a failure of the thing examined, told in one sentence.

    Returns
    -------
    int
        Exit code: 0; 1 where a system call or one of ``failures`` failed; 2 for a user's mistake,
        with one sentence on stderr; 130, 143 or 129 after Ctrl-C, SIGTERM or SIGHUP.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    return _guarded(
        f"python -m {package}",
        lambda: _run(package, description, commands, arguments),
        failures,
    )


def run_program(
    program: str,
    add_arguments: Callable[[argparse.ArgumentParser], None],
    main: Callable[[argparse.Namespace], int | None],
    argv: Sequence[str] | None = None,
    failures: tuple[type[Exception], ...] = (),
) -> int:
    """Run a program without sub-commands.

    Parameters
    ----------
    program
        As the user calls it.
    add_arguments, main
        As those of a sub-command's module.
    argv, failures
        As of `run_command`, which says what the exit code is.
    """

    def run() -> int:
        parser = _Parser(prog=program)
        add_arguments(parser)
        code = main(parser.parse_args(sys.argv[1:] if argv is None else list(argv)))
        sys.stdout.flush()
        return int(code or 0)

    return _guarded(program, run, failures)


def _guarded(program: str, run: Callable[[], int], failures: tuple[type[Exception], ...]) -> int:
    """Exit code of what runs; its failures in one sentence."""
    for stream in (sys.stdout, sys.stderr):
        # A name that the stream cannot say must not end the program after its work.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    code, sentence = 0, ""
    with stoppable(program) as received:
        try:
            code, sentence = _outcome(run, failures)
        except BaseException:
            # Of a signal's exception a library may have made any other.
            if not received:
                raise
    if received:
        code, sentence = _stopped(Stopped(received[0]))
    if sentence:
        with suppress(OSError):  # a terminal that is gone
            print(f"{program}: {one_line(sentence)}", file=sys.stderr)
    return code


def _outcome(run: Callable[[], int], failures: tuple[type[Exception], ...]) -> tuple[int, str]:
    """Exit code of what runs, and a sentence for its failure."""
    try:
        return run(), ""
    except UsageError as error:
        return MISTAKE, str(error)
    except failures as error:
        return 1, str(error)
    except KeyboardInterrupt as error:
        return _stopped(error if isinstance(error, Stopped) else Stopped(signal.SIGINT))
    except BrokenPipeError:
        # Whoever read the output has seen enough; Python would complain again when it flushes.
        _discard_output()
        return 1, ""
    except MemoryError as error:
        return 1, f"{_NO_MEMORY}: {error}" if str(error) else _NO_MEMORY
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        # No folder could hold such a name; all else may be the system's affair.
        code = MISTAKE if error.errno == errno.ENAMETOOLONG else 1
        return code, f"{what}{error.strerror or error}"


def _stopped(stop: Stopped) -> tuple[int, str]:
    try:
        sys.stdout.flush()
    except OSError:
        _discard_output()
    return exit_code(stop.number), str(stop)


def _discard_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(
    package: str, description: str, commands: Mapping[str, tuple[str, str]], argv: list[str]
) -> int:
    parser = _Parser(prog=f"python -m {package}", description=description)
    choices = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (_, summary) in commands.items():
        choices.add_parser(name, help=summary)
    chosen = argv[0] if argv else ""
    if chosen not in commands:
        parser.parse_args(argv)
    module = importlib.import_module(f"{package}.{commands[chosen][0]}")
    module.add_arguments(choices.choices[chosen])
    code = module.main(parser.parse_args(argv))
    sys.stdout.flush()
    return int(code or 0)
