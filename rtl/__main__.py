"""Command line of the hardware generator."""

import argparse
import sys
from collections.abc import Sequence

from sw_model.spec import UsageError

from . import generate


def main(argv: Sequence[str] | None = None) -> int:
    """Run a sub-command; 2 is the exit code of a user's mistake."""
    parser = argparse.ArgumentParser(
        prog="python -m rtl",
        description="Generate the accelerator's Verilog from a frozen network.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    command = commands.add_parser(
        "generate",
        help="write Verilog, memory contents and a manifest",
        description=generate.__doc__,
        epilog="example: python -m rtl generate --deployment compact --max-size 64,64 -o build/rtl",
    )
    generate.add_arguments(command)
    command.set_defaults(run=generate.main)
    args = parser.parse_args(argv)
    try:
        args.run(args)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
