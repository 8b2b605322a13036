"""Sub-command ``coding``: the paper's section 2 as figures, tables and a report."""

from __future__ import annotations

import argparse
from pathlib import Path

from sw_model.pictures.options import DEFAULT_SEED
from sw_model.pictures.sets import DATA_VARIABLE
from sw_model.spec import UsageError
from sw_model.support.files import replacing_folder
from sw_model.support.progress import progress

from .figures import figures
from .findings import findings
from .integer import study as integer_study
from .quality import load_pictures, measure
from .report import REPORT, report
from .tables import Study, csv_files

OUTPUT = Path("build/coding")
"""Default folder."""
FIGURES = "coding"
"""Folder of the figures, inside the report's folder."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the sub-command."""
    parser.description = (
        "Repeat and extend the paper's analysis of neural coding: Table 1, figures 1 and 2, "
        "distortion against timesteps and spikes, also of the few-spike code, the integer neuron "
        "against exact arithmetic. Equal inputs give equal files."
    )
    parser.epilog = "example: python -m sw_model coding -o build/coding --data DIR"
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=OUTPUT,
        metavar="DIR",
        help="folder for text, figures and CSV files (default: %(default)s)",
    )
    parser.add_argument(
        "--data",
        metavar="DIR",
        help=f"folder that holds set12 (default: the variable {DATA_VARIABLE}; without either "
        "photographs of scikit-image)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=DEFAULT_SEED,
        help="seed of the rate coding's spikes (default: %(default)s)",
    )


def main(args: argparse.Namespace) -> int:
    """Run the sub-command."""
    if args.seed < 0:
        raise UsageError(f"seed {args.seed} is not 0 or more")
    pictures = load_pictures(args.data)
    # The folder is opened first, so that an unusable one is refused before the work.
    with replacing_folder(args.output, REPORT) as folder:
        with progress("rate coding") as bar:
            points = tuple(measure(pictures, args.seed, bar))
        with progress("integer neurons") as bar:
            mismatches = tuple(integer_study(bar))
        study = Study(args.seed, pictures, points, mismatches)
        (folder / FIGURES).mkdir()
        for name, content in figures(study).items():
            (folder / FIGURES / name).write_bytes(content)
        for name, content in csv_files(study).items():
            (folder / name).write_bytes(content)
        (folder / REPORT).write_text(report(study), encoding="utf-8")
    print(f"pictures    {pictures.source}, {len(pictures.pictures)} of them")
    print("\n".join(findings(study)))
    print(f"written     {args.output}")
    return 0
