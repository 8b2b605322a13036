"""Denoise a picture with a shipped network, from Python.

    .venv/bin/python examples/denoise_a_picture.py photo.png -o clean.png
    .venv/bin/python examples/denoise_a_picture.py -o clean.png

Without a picture, noise is added to a photograph, and the result is compared with the clean
original. The command `spiking-dncnn denoise` also handles folders, 16 bits and colour profiles.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from sw_model import Deployment, denoise, load_deployment
from sw_model.denoising.noise_level import estimate
from sw_model.pictures.crops import default_picture, luminance
from sw_model.pictures.eight_bit import read_picture, write_picture
from sw_model.pictures.noise import add_noise
from sw_model.spec.deployment import DEFAULT_DEPLOYMENT
from sw_model.support.cli import run_program
from sw_model.support.files import check_output

SIGMA = 25.0
"""Noise of the photograph, in grey levels; the shipped networks were trained for it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the example."""
    parser.description = "Denoise a picture with a shipped network."
    parser.add_argument("picture", type=Path, nargs="?", help="noisy picture of 8 bits")
    parser.add_argument(
        "--deployment",
        default=DEFAULT_DEPLOYMENT,
        help="frozen file or shipped name (default: %(default)s)",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")


def main(args: argparse.Namespace) -> None:
    """Denoise a picture."""
    check_output(args.output)
    network = load_deployment(args.deployment)  # verifies the hash of the integers
    if args.picture is None:
        photograph(network, args.output)
        return
    # (H, W) or (H, W, 3), uint8; channels are denoised one by one, each at its own noise level.
    noisy = read_picture(args.picture)
    # The result has the type of the input, here uint8; uint16 works too.
    write_picture(args.output, np.asarray(denoise(noisy, network), np.uint8))
    print(f"noise       about {estimate(luminance(noisy)):.1f} grey levels")
    print(f"written     {args.output}")


def photograph(network: Deployment, output: Path) -> None:
    """Add noise to a photograph, denoise it, and print the quality of both."""
    from sw_model.pictures.metrics import quality  # needs scikit-image, which denoising does not

    clean = read_picture(default_picture())
    noisy = add_noise(clean, SIGMA, seed=0)  # signed integers, the network's input
    # The level is known here. It equals that of the training, so the hardware gives equal integers.
    denoised = np.asarray(denoise(noisy, network, level=SIGMA), np.uint8)
    write_picture(output, denoised)
    for name, picture in (("noisy", noisy), ("denoised", denoised)):
        figures = quality(clean, picture)
        print(f"{name:11} PSNR {figures.psnr:.2f} dB, SSIM {figures.ssim:.3f}")
    print(f"written     {output}")


if __name__ == "__main__":
    sys.exit(run_program("examples/denoise_a_picture.py", __name__))
