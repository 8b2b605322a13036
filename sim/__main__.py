"""Command line of the simulations: ``python -m sim COMMAND``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from sw_model.spec import UsageError

from . import run, vectors
from .simulators import BenchFailure

PROGRAM = "python -m sim"
INTERRUPTED = 130
"""Exit code of a program that Ctrl-C ended, as shells have it."""
COMMANDS = {
    "run": (run, "denoise a picture in golden model and RTL and compare them bit for bit"),
    "vectors": (vectors, "write test vectors with a plain Verilog bench"),
}
"""Module and summary of each sub-command."""


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are one sentence like all others."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a sub-command.

    Returns
    -------
    int
        Exit code: 0; 1 for mismatches or a bench that fails; 2 for a user's mistake, with one
        sentence on stderr; 130 after Ctrl-C.
    """
    parser = _Parser(prog=PROGRAM, description="The accelerator in simulators, and test vectors.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (module, summary) in COMMANDS.items():
        command = commands.add_parser(name, help=summary)
        module.add_arguments(command)
        command.set_defaults(main=module.main)
    try:
        args = parser.parse_args(argv)
        code = int(args.main(args))
        sys.stdout.flush()
        return code
    except UsageError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 2
    except BenchFailure as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{PROGRAM}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has seen enough; Python would complain again when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        print(f"{PROGRAM}: {what}{error.strerror or error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
