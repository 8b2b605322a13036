"""Command line: ``python -m tests.fuzz``, which is ``make fuzz``."""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
import time
from pathlib import Path

from sw_model.support.progress import progress

from .oracle import write
from .run import Finding, replay, run

KEPT = Path("build/fuzz")
"""Folder for failed inputs."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--number", type=int, default=100_000, help="inputs (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="seed of the inputs (default: a random one)")
    parser.add_argument("--index", type=int, help="only this one of the seed's inputs")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: %(default)s)")
    args = parser.parse_args()
    seed = secrets.randbelow(1 << 32) if args.seed is None else args.seed
    if args.index is not None:
        complaint = replay(seed, args.index)
        print(f"{keep(seed, args.index)}: {complaint or 'passed'}")
        return complaint is not None
    print(f"seed {seed}, {args.number} inputs", flush=True)
    started = time.monotonic()
    with progress("inputs", total=args.number) as bar:
        found = run(
            seed,
            args.number,
            args.jobs,
            bar,
            lambda finding: report(finding, seed),
        )
    print(f"{found} of {args.number} failed, {time.monotonic() - started:.0f} s")
    return bool(found)


def report(finding: Finding, seed: int) -> None:
    """Print a failed input and save it."""
    folder = keep(seed, finding.index)
    print(f"{finding.index} ({finding.kind}): {finding.complaint}")
    print(f"    saved in {folder}; repeat: make fuzz SEED={seed} INDEX={finding.index}", flush=True)


def keep(seed: int, index: int) -> Path:
    """Save an input's files and its command line; return the folder."""
    from .inputs import case  # takes seconds, because it imports all programs

    folder = KEPT / f"{seed}-{index}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    input_case = case(seed, index)
    write(input_case, folder)
    line = f"{input_case.kind}, {input_case.encoding}: {input_case.arguments!r}\n"
    (folder / "command.txt").write_bytes(line.encode("utf-8", "backslashreplace"))
    return folder


if __name__ == "__main__":
    sys.exit(main())
