"""Sub-command ``evaluate``: how well a frozen network denoises, and at what activity."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

from .activity import Activity
from .data import DATA_VARIABLE, dataset_files
from .denoise import denoise_picture
from .images import add_noise, read_picture
from .metrics import Quality, quality
from .options import (
    DEFAULT_SIGMA,
    Noise,
    add_network_options,
    add_noise_options,
    check_output,
    describe,
    network,
    noise,
    progress_bar,
)
from .spec import Deployment, UsageError
from .spec.files import write_atomically

SETS = ("set12", "bsd68")
DECIMALS = 6
"""Of the report's numbers: enough for any use, and the same on every machine."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Figures of one picture."""

    name: str
    shape: tuple[int, ...]
    noisy: Quality
    denoised: Quality
    activity: Activity


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Figures of all pictures, and what they were measured with."""

    deployment: Deployment
    timesteps: int
    noise: Noise
    pictures: tuple[Measured, ...]

    @property
    def activity(self) -> Activity:
        """Spikes and neurons of all pictures together."""
        return reduce(add, (picture.activity for picture in self.pictures))

    @property
    def noisy(self) -> Quality:
        """Mean of the noisy pictures' values."""
        return _mean([picture.noisy for picture in self.pictures])

    @property
    def denoised(self) -> Quality:
        """Mean of the denoised pictures' values."""
        return _mean([picture.denoised for picture in self.pictures])


def evaluate(
    deployment: Deployment, timesteps: int, noise: Noise, files: Iterable[Path]
) -> Evaluation:
    """Add noise to each picture, denoise it, and measure both.

    Raises
    ------
    UsageError
        A file is no picture that is accepted, or the noise cannot be drawn.
    """
    files = list(files)
    pictures = []
    for number, path in enumerate(files, 1):
        clean = read_picture(path)
        pixels = add_noise(clean, noise.sigma, noise.seed, noise.protocol)
        with progress_bar(f"{number}/{len(files)} {path.name}") as progress:
            result = denoise_picture(deployment, pixels, timesteps, progress)
        pictures.append(
            Measured(
                name=path.name,
                shape=clean.shape,
                noisy=quality(clean, pixels),
                denoised=quality(clean, result.picture),
                activity=result.activity,
            )
        )
    return Evaluation(
        deployment=deployment, timesteps=timesteps, noise=noise, pictures=tuple(pictures)
    )


def report(evaluation: Evaluation) -> dict[str, Any]:
    """The evaluation as JSON values.

    PSNR is in dB and null where it is infinite; SSIM is null where it or one of those that it is
    the mean of does not exist. Theta of a set is over the neurons of all its pictures.
    """
    deployment = evaluation.deployment
    return {
        "deployment": {"name": deployment.spec.name, "hash": deployment.hash},
        "timesteps": evaluation.timesteps,
        "noise": {
            "sigma": evaluation.noise.sigma,
            "seed": evaluation.noise.seed,
            "protocol": evaluation.noise.protocol,
        },
        "pictures": [
            {"name": picture.name, "shape": list(picture.shape)}
            | _figures(picture.noisy, picture.denoised)
            | {"theta": _rounded(picture.activity.theta)}
            for picture in evaluation.pictures
        ],
        "mean": _figures(evaluation.noisy, evaluation.denoised),
        "theta": _rounded(evaluation.activity.theta),
        "layer_thetas": [_rounded(theta) for theta in evaluation.activity.layer_thetas],
    }


def table(evaluation: Evaluation) -> str:
    """The evaluation for reading."""
    names = [picture.name for picture in evaluation.pictures]
    width = max(map(len, [*names, "picture"]))
    head = f"{'picture':{width}}        size   PSNR noisy denoised   SSIM noisy denoised    theta"
    lines = [
        f"deployment  {describe(evaluation.deployment, evaluation.timesteps)}",
        f"noise       {evaluation.noise} (the same seed for every picture)",
        "",
        head,
    ]
    for picture in evaluation.pictures:
        size = "x".join(map(str, (picture.shape[1], picture.shape[0], *picture.shape[2:])))
        lines.append(
            f"{picture.name:{width}} {size:>11}"
            + _row(picture.noisy, picture.denoised, picture.activity)
        )
    lines += [
        f"{'mean':{width}} {'':11}"
        + _row(evaluation.noisy, evaluation.denoised, evaluation.activity),
        "",
        "theta (spikes per neuron) by layer, the encoding layer first; "
        "over all neurons of all pictures:",
        " ".join(f"{theta:.3f}" for theta in evaluation.activity.layer_thetas),
    ]
    return "\n".join(lines)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the sub-command."""
    parser.description = (
        "Add noise to clean pictures, denoise them with a frozen network in the integers of the "
        "hardware, and report PSNR, SSIM and theta. Equal inputs give equal reports."
    )
    parser.epilog = "example: python -m sw_model evaluate --data DIR --set bsd68 --json bsd68.json"
    parser.add_argument(
        "pictures", type=Path, nargs="*", metavar="IN", help="clean pictures instead of a set"
    )
    parser.add_argument(
        "--data",
        metavar="DIR",
        help=f"folder that holds the sets' folders (default: the variable {DATA_VARIABLE})",
    )
    parser.add_argument("--set", choices=SETS, help=f"set of pictures (default: {SETS[0]})")
    parser.add_argument(
        "--json", metavar="FILE", help="write the figures as JSON; - prints nothing but them"
    )
    add_network_options(parser)
    add_noise_options(parser, sigma=DEFAULT_SIGMA)


def main(args: argparse.Namespace) -> int:
    """Run the sub-command."""
    chosen = noise(args)
    assert chosen is not None, "--noise has a default"
    if args.pictures and (args.data is not None or args.set is not None):
        raise UsageError("give either pictures or a set with --data and --set, not both")
    output = None if args.json in (None, "-") else Path(args.json)
    if output is not None:
        check_output(output)
    deployment, timesteps = network(args)
    files = args.pictures or dataset_files(args.set or SETS[0], args.data)

    evaluation = evaluate(deployment, timesteps, chosen, files)
    content = json.dumps(report(evaluation), indent=2, sort_keys=True, allow_nan=False) + "\n"
    if output is not None:
        write_atomically(output, content.encode())
    if args.json == "-":
        sys.stdout.write(content)
    else:
        print(table(evaluation))
    return 0


def _mean(values: list[Quality]) -> Quality:
    ssims = [value.ssim for value in values if value.ssim is not None]
    return Quality(
        psnr=sum(value.psnr for value in values) / len(values),
        ssim=sum(ssims) / len(ssims) if len(ssims) == len(values) else None,
    )


def _figures(noisy: Quality, denoised: Quality) -> dict[str, float | None]:
    return {
        "psnr_noisy": _rounded(noisy.psnr),
        "psnr": _rounded(denoised.psnr),
        "ssim_noisy": _rounded(noisy.ssim),
        "ssim": _rounded(denoised.ssim),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None or math.isinf(value) else round(value, DECIMALS)


def _row(noisy: Quality, denoised: Quality, activity: Activity) -> str:
    def ssim(value: float | None) -> str:
        return "none" if value is None else f"{value:.4f}"

    return (
        f"   {noisy.psnr:10.2f} {denoised.psnr:8.2f}   {ssim(noisy.ssim):>10} "
        f"{ssim(denoised.ssim):>8} {activity.theta:8.3f}"
    )
