"""The console command ``spiking-dncnn``: the commands of all packages, from any folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from .__main__ import COMMANDS
from .support.called import through_console
from .support.cli import run_command

GROUPS = ("rtl", "hls", "sim")
"""Packages whose commands follow their name: ``spiking-dncnn rtl generate``."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code, as `run_command` does."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    with through_console():
        if arguments and arguments[0] in GROUPS:
            return import_module(f"{arguments[0]}.__main__").main(arguments[1:])
        return run_command(
            f"python -m {__package__}",
            "A spiking DnCNN image denoiser, in software and hardware.",
            _commands(),
            arguments,
        )


def script() -> int:
    """Run `main` as a program, after settings that concern the whole process."""
    # The working folder may have a sim/ or a numpy.py, and no module must come from it: neither
    # here (the project's folder comes before those of PYTHONPATH) nor in processes started here.
    sys.path.insert(0, str(Path(__file__).parents[1]))
    os.environ["PYTHONSAFEPATH"] = "1"
    return main()


def _commands() -> dict[str, tuple[str, str]]:
    """All commands."""
    groups = {
        f"{group} {name}": command
        for group in GROUPS
        for name, command in import_module(f"{group}.__main__").COMMANDS.items()
    }
    return COMMANDS | groups
