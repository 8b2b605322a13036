"""Sub-command ``figures``: the paper's figures 3 and 4, from networks trained for them."""

from __future__ import annotations

import argparse
from pathlib import Path

from sw_model.pictures.sets import DATA_VARIABLE
from sw_model.spec import UsageError
from sw_model.spec.network import TIMESTEPS_MAX
from sw_model.support.files import replacing_folder
from sw_model.support.progress import progress

from .plots import FIG4_TIMESTEPS, Study, files, summary
from .points import DATA_SET, SCRIPT, load_networks, load_pictures, measure

POINTS = Path("build/points")
OUTPUT = Path("build/figures")
"""Default folders."""
TIMESTEPS = (1, 2, 3, 4, 5, 7, 10, 12)
"""T of the points of Fig. 3, up to the end of the paper's axis."""
KIND = "figures of denoising"
EXAMPLE = f"""\
examples:
  bash {SCRIPT} {POINTS}                           # trains the networks (hours; resumes)
  python -m sw_model figures --points {POINTS} -o {OUTPUT} --data DIR
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the sub-command."""
    parser.description = (
        "Repeat the paper's figures 3 and 4: PSNR and theta on Set12 against T for a constant "
        "current and for rate coding, with DnCNN for comparison, and C.man denoised by both at "
        f"T = {FIG4_TIMESTEPS}. Writes PNG and CSV files."
    )
    parser.epilog = EXAMPLE
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--points",
        type=Path,
        default=POINTS,
        metavar="DIR",
        help=f"folder of the checkpoints that {SCRIPT} makes (default: %(default)s)",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=OUTPUT,
        metavar="DIR",
        help="folder for figures and CSV files (default: %(default)s)",
    )
    parser.add_argument(
        "--data",
        metavar="DIR",
        help=f"folder that holds {DATA_SET} (default: the variable {DATA_VARIABLE})",
    )
    parser.add_argument(
        "--timesteps",
        type=int,
        nargs="+",
        default=TIMESTEPS,
        metavar="T",
        help=f"points of Fig. 3 (default: {' '.join(map(str, TIMESTEPS))})",
    )


def main(args: argparse.Namespace) -> int:
    """Run the sub-command."""
    timesteps = sorted(set(args.timesteps))
    for t in timesteps:
        if not 1 <= t <= TIMESTEPS_MAX:
            raise UsageError(f"--timesteps {t} is not in 1..{TIMESTEPS_MAX}")
    if FIG4_TIMESTEPS not in timesteps:
        raise UsageError(f"--timesteps lacks {FIG4_TIMESTEPS}, which Fig. 4 shows")
    pictures = load_pictures(args.data)
    networks = load_networks(args.points, timesteps)
    # The folder is opened first, so that an unusable one is refused before the work.
    with replacing_folder(args.output, KIND) as folder:
        with progress("denoising") as bar:
            points = tuple(measure(networks, pictures, bar))
        study = Study(networks[0].spec, pictures, points)
        for name, content in files(study).items():
            (folder / name).write_bytes(content)
    print(summary(study))
    print(f"written     {args.output}")
    return 0
