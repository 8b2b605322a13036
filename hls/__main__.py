"""Command line of the HLS flow: ``python -m hls COMMAND``."""

import sys
from collections.abc import Sequence

from sw_model.support.cli import run_command

COMMANDS = {
    "build": ("hls.build", "write an hls4ml project for the Vitis backend"),
    "synth": ("hls.synth", "run Vitis HLS on the project and report latency and resources"),
}
"""Module and summary of each sub-command."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a sub-command and return its exit code, as `run_command` does."""
    description = "Build the frozen network as an hls4ml project."
    return run_command("python -m hls", description, COMMANDS, argv)


if __name__ == "__main__":
    sys.exit(main())
