"""Command ``python -m rtl.host``: a picture to the board, and back without its noise."""

import sys
from collections.abc import Sequence

from sw_model.support.cli import run_program


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code, as `run_program` does."""
    return run_program("python -m rtl.host", "rtl.host_command", argv)


if __name__ == "__main__":
    sys.exit(main())
