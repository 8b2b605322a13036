"""Sub-command ``evaluate``: quality and activity of a frozen network on clean pictures."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from sw_model.denoising.picture import denoise_picture
from sw_model.pictures.arrays import without_residual
from sw_model.pictures.eight_bit import read_picture
from sw_model.pictures.metrics import quality
from sw_model.pictures.noise import add_noise
from sw_model.pictures.options import (
    DEFAULT_SIGMA,
    Noise,
    add_network_options,
    add_noise_options,
    network,
    noises,
)
from sw_model.pictures.sets import add_picture_options, picture_set
from sw_model.spec import Deployment
from sw_model.support.files import check_output, write_atomically
from sw_model.support.progress import progress
from sw_model.support.text import one_line

from .figures import Evaluation, Measured
from .report import report, table


def evaluate(
    deployment: Deployment, timesteps: int, noise: Noise, files: Iterable[Path]
) -> Evaluation:
    """Add noise to each picture, denoise it, and measure the noisy and the denoised picture.

    Raises
    ------
    UsageError
        A file is not an accepted picture, or the noise cannot be drawn.
    """
    return evaluate_all(deployment, timesteps, [noise], files)[0]


def evaluate_all(
    deployment: Deployment, timesteps: int, noises: Sequence[Noise], files: Iterable[Path]
) -> list[Evaluation]:
    """As `evaluate`, for each of several noise settings."""
    files = list(files)
    pictures: list[list[Measured]] = [[] for _ in noises]
    with progress("evaluate") as bar:
        # Pictures in the outer loop, so that an unreadable one is found before further noises.
        for number, path in enumerate(files):
            for index, noise in enumerate(noises):
                item = bar.item(number * len(noises) + index, len(files) * len(noises), path.name)
                pictures[index].append(_measure(deployment, timesteps, noise, path, item))
    return [
        Evaluation(
            deployment=deployment, timesteps=timesteps, noise=noise, pictures=tuple(measured)
        )
        for noise, measured in zip(noises, pictures, strict=True)
    ]


def _measure(
    deployment: Deployment,
    timesteps: int,
    noise: Noise,
    path: Path,
    progress: Callable[[float, float], None],
) -> Measured:
    clean = read_picture(path)
    pixels = add_noise(clean, noise.sigma, noise.seed, noise.protocol)
    # As in the hardware: pixels are not rescaled; the true noise level is an input if there is one.
    takes_level = deployment.spec.noise_levels is not None
    level = noise.sigma if takes_level else deployment.sigma
    result = denoise_picture(deployment, pixels, timesteps, progress, level=level)
    return Measured(
        name=one_line(path.name),
        shape=clean.shape,
        noisy=quality(clean, pixels),
        denoised=quality(clean, without_residual(pixels, result.residual)),
        activity=result.activity,
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the sub-command."""
    parser.description = (
        "Add noise to clean pictures, denoise them with a frozen network in the integers of the "
        "hardware, and report PSNR, SSIM and theta; for Set12 and BSD68 also published figures. "
        "Equal inputs give equal reports."
    )
    parser.epilog = (
        "examples: python -m sw_model evaluate --data DIR --set bsd68 --json bsd68.json; "
        "python -m sw_model evaluate --data DIR/set12 --seeds 0,1,2 --protocol both"
    )
    add_picture_options(parser)
    parser.add_argument(
        "--json", metavar="FILE", help="write the figures as JSON; - prints only the JSON"
    )
    add_network_options(parser)
    add_noise_options(parser, sigma=DEFAULT_SIGMA, several=True)


def main(args: argparse.Namespace) -> int:
    """Run the sub-command."""
    chosen = noises(args)
    output = None if args.json in (None, "-") else Path(args.json)
    if output is not None:
        check_output(output)
    deployment, timesteps = network(args)
    pictures = picture_set(args)

    evaluations = evaluate_all(deployment, timesteps, chosen, pictures.files)
    values = report(evaluations, pictures.name)
    content = json.dumps(values, indent=2, sort_keys=True, allow_nan=False) + "\n"
    if output is not None:
        write_atomically(output, content.encode())
    if args.json == "-":
        sys.stdout.write(content)
    else:
        print(table(evaluations, pictures.name))
    return 0
