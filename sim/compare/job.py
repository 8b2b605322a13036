"""Jobs: frame, network and size of the hardware, from command line options."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rtl.generate.onchip import DEFAULT_MAX_SIZE
from sw_model import golden
from sw_model.pictures.arrays import Picture, Pixels
from sw_model.pictures.crops import Crop, cut, default_picture, luminance, parse_crop
from sw_model.pictures.eight_bit import read_picture
from sw_model.pictures.noise import add_noise
from sw_model.pictures.options import Noise, add_network_options, add_noise_options, network, noise
from sw_model.spec import Deployment, UsageError
from sw_model.spec.hardware.cycles import network_cycles
from sw_model.spec.hardware.registers import FRAME_HEIGHT_MAX, FRAME_WIDTH_MAX
from sw_model.support.options import parse_size

DEMONSTRATION = "compact"
"""The smallest shipped network: simulators take minutes for a crop."""
DEFAULT_CROP = "130,232,32,32"
"""Default crop of the default picture: an eye and its surroundings."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A frame to denoise, and the golden model's result.

    Attributes
    ----------
    picture
        File of the clean picture.
    crop
        Part of the picture that is denoised.
    clean
        (H, W) uint8.
    pixels
        (H, W) int16, -512..511: the noisy frame.
    level
        The noise level that the network is told, in grey levels; None for a network of one level.
    """

    deployment: Deployment
    timesteps: int
    noise: Noise
    picture: Path
    crop: Crop
    clean: Picture
    pixels: Pixels
    level: float | None = None

    @cached_property
    def golden(self) -> golden.GoldenResult:
        """The golden model's result, with the spikes of all layers."""
        return golden.denoise(
            self.deployment, self.pixels, self.timesteps, level=self.level, trace="spikes"
        )

    @property
    def level_units(self) -> int | None:
        """The noise level in sixteenths of a grey level, as the hardware takes it."""
        return self.deployment.spec.level_units(self.level)

    @cached_property
    def words(self) -> tuple[npt.NDArray[np.uint64], ...]:
        """The golden model's event words of each spiking layer, (H, W, T, ceil(C / 64))."""
        return tuple(layer.words for layer in self.golden.layers)

    @cached_property
    def cycles(self) -> list[int]:
        """The predicted cycles of each layer."""
        return network_cycles(self.deployment.spec, self.words, self.clean.shape)


def add_arguments(
    parser: argparse.ArgumentParser, sigma: float, *, sized: bool = True, told: bool = False
) -> None:
    """Add the options for frame, network and, if ``sized``, the hardware.

    Parameters
    ----------
    sigma
        Default noise.
    sized
        The hardware has a largest frame; otherwise only the registers limit the frame's size.
    told
        There are targets for networks that are told a noise level.
    """
    parser.add_argument(
        "--image",
        type=Path,
        metavar="FILE",
        help="clean 8-bit picture; colour is converted to luminance "
        "(default: a photograph from scikit-image)",
    )
    parser.add_argument(
        "--crop",
        metavar="Y,X,H,W",
        help="part of the picture to denoise (default: all of the picture of --image)",
    )
    add_network_options(parser, DEMONSTRATION)
    add_noise_options(parser, sigma=sigma)
    if told:
        parser.add_argument(
            "--level",
            type=float,
            metavar="SIGMA",
            help="noise level in grey levels, for a network that is told it (default: that of "
            "--noise)",
        )
    else:
        parser.set_defaults(level=None)
    if not sized:
        parser.set_defaults(max_size=f"{FRAME_HEIGHT_MAX},{FRAME_WIDTH_MAX}")
        return
    parser.add_argument(
        "--max-size",
        metavar="H,W",
        default="{},{}".format(*DEFAULT_MAX_SIZE),
        help="largest frame of the hardware (default: %(default)s)",
    )


def max_size(args: argparse.Namespace) -> tuple[int, int]:
    """Height and width of the hardware's largest frame; raises `UsageError`."""
    return parse_size(args.max_size, "--max-size")


def make_plain_job(args: argparse.Namespace, default_crop: str = DEFAULT_CROP) -> Job:
    """As `make_job`, for what only plain networks have (`sw_model.spec.NetworkSpec.plain`)."""
    found = make_job(args, default_crop)
    found.deployment.spec.check_plain("this simulation")
    return found


def make_job(args: argparse.Namespace, default_crop: str = DEFAULT_CROP) -> Job:
    """Make the job that the options describe.

    Parameters
    ----------
    default_crop
        Crop of the default picture.

    Raises
    ------
    UsageError
        Picture, crop, noise, level, deployment or T is invalid, or the hardware is too small.
    """
    deployment, timesteps = network(args)
    if deployment.spec.colours > 1:
        raise UsageError(
            f"network {deployment.spec.name!r} is for pictures of {deployment.spec.colours} "
            "colours; simulations denoise grey ones"
        )
    path = args.image or default_picture()
    picture = luminance(read_picture(path))
    text = args.crop or (None if args.image else default_crop)
    crop = parse_crop(text, picture.shape, path)
    height, width = max_size(args)
    if crop.height > height or crop.width > width:
        raise UsageError(
            f"a frame of {crop.height}x{crop.width} pixels is beyond the hardware's "
            f"{height}x{width}: give a smaller --crop Y,X,H,W or a larger --max-size H,W"
        )
    chosen = noise(args)
    assert chosen is not None, "--noise has a default"
    level = args.level
    if level is None and deployment.spec.noise_levels is not None:
        level = chosen.sigma
    deployment.spec.level_units(level)
    clean = cut(picture, crop)
    return Job(
        deployment=deployment,
        timesteps=timesteps,
        noise=chosen,
        picture=path,
        crop=crop,
        clean=clean,
        pixels=add_noise(clean, chosen.sigma, chosen.seed, chosen.protocol),
        level=level,
    )
