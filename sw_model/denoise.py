"""Sub-command ``denoise``: a picture in, a picture out."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import golden
from .activity import Activity
from .images import (
    Picture,
    Pixels,
    add_noise,
    check_format,
    join_planes,
    planes,
    read_picture,
    write_picture,
)
from .metrics import SSIM_WINDOW, Quality, quality
from .options import (
    add_network_options,
    add_noise_options,
    check_output,
    describe,
    network,
    noise,
    progress_bar,
)
from .spec import Deployment, UsageError

LOSSY = (".jpg", ".jpeg")


@dataclass(frozen=True, kw_only=True)
class Denoised:
    """A denoised picture of any kind, and the spikes that it took."""

    picture: Picture
    activity: Activity


def denoise_picture(
    deployment: Deployment,
    pixels: Pixels | Picture,
    timesteps: int,
    progress: Callable[[int, int], None] = lambda done, whole: None,
) -> Denoised:
    """Denoise each channel of a picture on its own.

    Parameters
    ----------
    pixels
        (H, W) or (H, W, 3), -512..511.
    timesteps
        T, one that the deployment allows.
    progress
        Called with what is done and the whole.
    """
    channels = list(planes(pixels))
    results = []
    for index, channel in enumerate(channels):

        def report(done: int, whole: int, index: int = index) -> None:
            progress(index * whole + done, len(channels) * whole)

        results.append(golden.denoise(deployment, channel, timesteps, progress=report))
    activity = results[0].activity
    for result in results[1:]:
        activity += result.activity
    return Denoised(picture=join_planes([result.denoised for result in results]), activity=activity)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the sub-command."""
    parser.description = (
        "Denoise a grey or colour picture with a frozen network, in the integers of the hardware. "
        "With --noise the picture is taken as clean: noise is added first, and PSNR and SSIM "
        "before and after are printed. A colour picture is denoised channel by channel, its "
        "noise drawn with SEED, SEED + 1 and SEED + 2."
    )
    parser.epilog = "example: python -m sw_model denoise castle.png -o denoised.png --noise 25"
    parser.add_argument("picture", type=Path, metavar="IN", help="picture to denoise")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT", help="picture to write"
    )
    add_network_options(parser)
    add_noise_options(parser, sigma=None)


def main(args: argparse.Namespace) -> int:
    """Run the sub-command."""
    added = noise(args)
    if added is None and (args.seed is not None or args.protocol is not None):
        raise UsageError(
            "--seed and --protocol describe the noise that --noise SIGMA adds; give it too"
        )
    check_output(args.output)
    deployment, timesteps = network(args)
    clean = read_picture(args.picture)
    check_format(args.output, clean.shape)
    pixels: Pixels | Picture = clean
    if added is not None:
        pixels = add_noise(clean, added.sigma, added.seed, added.protocol)
    with progress_bar(f"denoising {args.picture.name}") as progress:
        denoised = denoise_picture(deployment, pixels, timesteps, progress)
    write_picture(args.output, denoised.picture)

    height, width = clean.shape[:2]
    print(f"picture     {args.picture}, {width}x{height} {'grey' if clean.ndim == 2 else 'colour'}")
    print(f"deployment  {describe(deployment, timesteps)}")
    if added is not None:
        before, after = quality(clean, pixels), quality(clean, denoised.picture)
        print(f"noise       {added}")
        print(f"PSNR        {before.psnr:.2f} dB noisy, {after.psnr:.2f} dB denoised")
        print(f"SSIM        {_ssim_line(before, after)}")
    print(f"theta       {denoised.activity.theta:.3f} spikes per neuron")
    lossy = args.output.suffix.lower() in LOSSY and added is not None
    print(f"written     {args.output}{' (JPEG is lossy: figures are without it)' if lossy else ''}")
    return 0


def _ssim_line(before: Quality, after: Quality) -> str:
    if before.ssim is None or after.ssim is None:
        return f"none: the picture is smaller than the {SSIM_WINDOW}x{SSIM_WINDOW} window"
    return f"{before.ssim:.4f} noisy, {after.ssim:.4f} denoised"
