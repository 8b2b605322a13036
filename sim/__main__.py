"""Command line of the simulations: ``python -m sim COMMAND``."""

import sys
from collections.abc import Sequence

from sw_model.support.cli import run_command

COMMANDS = {
    "run": (
        "sim.commands.run",
        "denoise a picture with golden model and targets and compare them bit for bit",
    ),
    "frame": (
        "sim.commands.frame",
        "denoise a whole frame with maps in external memory, bit for bit",
    ),
    "twin": (
        "sim.commands.twin",
        "compare the spiking network with the plain DnCNN, both through hls4ml",
    ),
    "vectors": ("sim.commands.vectors", "write test vectors with a plain Verilog bench"),
}
"""Module and summary of each sub-command."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a sub-command and return its exit code, as `run_command` does."""
    description = "Simulate the accelerator, and write test vectors."
    return run_command("python -m sim", description, COMMANDS, argv)


if __name__ == "__main__":
    sys.exit(main())
