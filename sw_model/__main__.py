"""Command line of the software: ``python -m sw_model COMMAND``."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

# The golden model works in threads of its own. Those of numpy's matrix products, which it would
# start for each, spin while they wait for each other: on a busy machine with two cores, 512x512
# pixels of the compact network took 76 s instead of 15 s. It is read when numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from .spec import UsageError

PROGRAM = "python -m sw_model"
INTERRUPTED = 130
"""Exit code of a program that Ctrl-C ended, as shells have it."""
COMMANDS = {
    "train": ("train", "train a float network and its spiking twin"),
    "freeze": ("quantize", "turn a trained network into a deployment file of integers"),
    "denoise": ("denoise", "denoise a picture with a frozen network"),
    "evaluate": ("evaluate", "PSNR, SSIM and activity of a frozen network over pictures"),
}
"""Module and summary of each sub-command.

A module has ``add_arguments(parser)`` and ``main(args)``, which returns the exit code. Only the
chosen one is imported: denoising must not wait for PyTorch, nor need it.
"""


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are one sentence like all others."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a sub-command.

    Returns
    -------
    int
        Exit code: 0; 1 where the system failed; 2 for a user's mistake, with one sentence on
        stderr; 130 after Ctrl-C.
    """
    try:
        return _run(sys.argv[1:] if argv is None else list(argv))
    except UsageError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 2
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


def _run(argv: list[str]) -> int:
    parser = _Parser(prog=PROGRAM, description="A spiking DnCNN image denoiser in software.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (_, summary) in COMMANDS.items():
        commands.add_parser(name, help=summary)
    chosen = argv[0] if argv else ""
    if chosen not in COMMANDS:
        parser.parse_args(argv)
    module = importlib.import_module(f"{__package__}.{COMMANDS[chosen][0]}")
    command = commands.choices[chosen]
    module.add_arguments(command)
    code = module.main(parser.parse_args(argv))
    sys.stdout.flush()
    return int(code or 0)


if __name__ == "__main__":
    sys.exit(main())
