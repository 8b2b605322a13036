"""Sub-command ``spikes``: spike counts of a picture, for `python -m rtl explore`."""

from __future__ import annotations

import argparse
from pathlib import Path

from sw_model import golden
from sw_model.pictures.crops import cut, default_picture, luminance, parse_crop
from sw_model.pictures.eight_bit import read_picture
from sw_model.pictures.metrics import psnr
from sw_model.pictures.noise import add_noise
from sw_model.pictures.options import (
    DEFAULT_SIGMA,
    add_network_options,
    add_noise_options,
    describe,
    network,
    noise,
)
from sw_model.spec.deployment import HARDWARE_DEPLOYMENT
from sw_model.spec.spike_counts import count_spikes
from sw_model.support.files import check_output
from sw_model.support.progress import progress
from sw_model.support.text import one_line

DEFAULT_CROP = "60,180,256,256"
"""Crop of the default picture: Y, X, H, W."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the sub-command."""
    parser.description = (
        "Denoise a picture with the golden model and write the spike counts of each layer: the "
        "events and the empty event words of every timestep and column. `python -m rtl explore` "
        "predicts cycles and energy from them."
    )
    parser.epilog = "example: python -m sw_model spikes --deployment best-s25 -o build/spikes.json"
    parser.add_argument(
        "picture",
        type=Path,
        nargs="?",
        metavar="IN",
        help="clean 8-bit picture; colours become luminance "
        "(default: a photograph that comes with scikit-image)",
    )
    parser.add_argument(
        "--crop",
        metavar="Y,X,H,W",
        help="denoise only this part of the picture (default: all of a given picture, "
        f"{DEFAULT_CROP} of the photograph)",
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="JSON file to write"
    )
    add_network_options(parser, HARDWARE_DEPLOYMENT)
    add_noise_options(parser, sigma=DEFAULT_SIGMA)


def main(args: argparse.Namespace) -> None:
    """Run the sub-command."""
    chosen = noise(args)
    assert chosen is not None, "--noise has a default"
    check_output(args.output)
    deployment, timesteps = network(args)
    deployment.spec.check_plain("the hardware")
    path = args.picture or default_picture()
    picture = luminance(read_picture(path))
    text = args.crop or (None if args.picture else DEFAULT_CROP)
    crop = parse_crop(text, picture.shape, path)
    clean = cut(picture, crop)
    pixels = add_noise(clean, chosen.sigma, chosen.seed, chosen.protocol)
    with progress("golden model") as bar:
        result = golden.denoise(deployment, pixels, timesteps, trace="spikes", progress=bar)
    counts = count_spikes(
        [layer.words for layer in result.layers],
        deployment,
        f"{one_line(path.name)}, {crop}; noise of {chosen}",
    )
    counts.save(args.output)
    print(f"picture     {counts.picture}")
    print(f"deployment  {describe(deployment, timesteps)}")
    print(
        f"PSNR        {psnr(clean, pixels):.2f} dB noisy -> {psnr(clean, result.denoised):.2f} dB"
    )
    print(f"theta       {counts.theta(timesteps):.3f} spikes per neuron")
    print(f"written     {args.output}")
