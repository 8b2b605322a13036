"""Command line of the hardware generator: ``python -m rtl COMMAND``."""

import sys
from collections.abc import Sequence

from sw_model.support.cli import run_command

COMMANDS = {
    "board": ("rtl.generate.board", "write the top level for the board ULX3S, or its bitstream"),
    "generate": ("rtl.generate.onchip", "write Verilog, memory contents and a manifest"),
    "registers": ("rtl.generate.header", "write the C header and documentation of the registers"),
    "system": ("rtl.generate.axi", "write Verilog of the accelerator with AXI ports"),
    "synth": ("rtl.flow.synth", "area and clock frequency on an ECP5, or area on AMD's 7 series"),
    "explore": (
        "rtl.explore.command",
        "compare cycles, area and energy of many configurations",
    ),
}
"""Module and summary of each sub-command."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a sub-command and return its exit code, as `run_command` does."""
    description = "Generate the accelerator's hardware from a frozen network."
    return run_command("python -m rtl", description, COMMANDS, argv)


if __name__ == "__main__":
    sys.exit(main())
