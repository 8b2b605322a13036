"""Options that several commands share."""

from __future__ import annotations

import argparse

from .errors import UsageError


def add_deployment_option(
    parser: argparse.ArgumentParser, default: str | None, what: str = ""
) -> None:
    """Add the option that chooses a frozen network.

    Parameters
    ----------
    default
        Name of the default deployment; None for any network.
    what
        Text added to the help.
    """
    parser.add_argument(
        "--deployment",
        default=default,
        metavar="NAME|FILE",
        help=f"shipped deployment or deployment file{what} (default: {default or 'any'})",
    )


def parse_size(text: str, option: str) -> tuple[int, int]:
    """Return height and width from ``H,W``; raise `UsageError` naming the option."""
    try:
        height, width = (int(part) for part in text.split(","))
    except ValueError:
        height = width = 0
    if height < 1 or width < 1:
        raise UsageError(f"{option} {text!r} is not a size H,W of two integers of 1 or more")
    return height, width


def parse_seeds(
    seed: int | None, seeds: str | None, *, default: int = 0, largest: int | None = None
) -> list[int]:
    """Return the seeds of ``--seed`` or ``--seeds``.

    Parameters
    ----------
    seed, seeds
        Values of the options, None if not given.
    default
        The seed if neither is given.
    largest
        Largest allowed seed; None for no limit.

    Raises
    ------
    UsageError
        Both are given, ``seeds`` lists no different integers, or a seed is out of range.
    """
    within = "0 or more" if largest is None else f"0 to {largest}"

    def allowed(value: int) -> bool:
        return value >= 0 and (largest is None or value <= largest)

    if seeds is None:
        chosen = default if seed is None else seed
        if not allowed(chosen):
            raise UsageError(f"--seed {chosen} is not {within}")
        return [chosen]
    if seed is not None:
        raise UsageError("--seed and --seeds exclude each other: give one of them")
    try:
        found = [int(part) for part in seeds.split(",")]
    except ValueError:
        found = []
    if not found or len(set(found)) < len(found) or not all(map(allowed, found)):
        raise UsageError(
            f"--seeds {seeds!r} is not a list of different integers, {within}, with commas "
            "between them, such as 0,1,2"
        )
    return found
