"""Command line of the hardware generator: ``python -m rtl COMMAND``."""

import sys
from collections.abc import Sequence

from sw_model.spec.command_line import run_command

COMMANDS = {
    "generate": ("generate", "write Verilog, memory contents and a manifest"),
    "registers": ("register_files", "write the registers' C header and documentation"),
}
"""Module and summary of each sub-command."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a sub-command and return its exit code, as `run_command` does."""
    return run_command("rtl", "The accelerator's hardware from a frozen network.", COMMANDS, argv)


if __name__ == "__main__":
    sys.exit(main())
