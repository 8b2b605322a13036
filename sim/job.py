"""What to denoise with which network on which hardware, as the command line says it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from rtl.generate import DEFAULT_MAX_SIZE, parse_size
from sw_model import golden
from sw_model.images import Picture, Pixels, add_noise, read_picture
from sw_model.options import Noise, add_network_options, add_noise_options, network, noise
from sw_model.spec import Deployment, UsageError
from sw_model.spec.cycles import frame_cycles
from sw_model.spec.registers import FRAME_HEIGHT_MAX, FRAME_WIDTH_MAX

PHOTOGRAPH = ("skimage", "data/camera.png")
"""Default picture: a photograph in the public domain that comes inside scikit-image."""
DEFAULT_CROP = "130,232,32,32"
"""Of the default picture: an eye, and what it looks into."""


@dataclass(frozen=True, kw_only=True)
class Crop:
    """A part of a picture: its first row and column, and its size."""

    y: int
    x: int
    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.height}x{self.width} at y {self.y}, x {self.x}"


@dataclass(frozen=True, kw_only=True)
class Job:
    """A frame to denoise, and what the golden model makes of it.

    Attributes
    ----------
    picture
        Where the clean frame comes from.
    crop
        The part of it that is the frame.
    clean
        (H, W) uint8.
    pixels
        (H, W) int16, -512..511: the noisy frame.
    """

    deployment: Deployment
    timesteps: int
    noise: Noise
    picture: Path
    crop: Crop
    clean: Picture
    pixels: Pixels

    @cached_property
    def golden(self) -> golden.GoldenResult:
        """The golden model's result, with the spikes of all layers."""
        return golden.denoise(self.deployment, self.pixels, self.timesteps, trace="spikes")

    @cached_property
    def words(self) -> tuple[npt.NDArray[np.uint64], ...]:
        """The golden model's event words of each spiking layer, (H, W, T, ceil(C / 64))."""
        return tuple(layer.words for layer in self.golden.layers)

    @cached_property
    def cycles(self) -> list[int]:
        """The predicted cycles of each layer."""
        return frame_cycles(self.words, self.deployment.spec.channels)


def add_arguments(parser: argparse.ArgumentParser, sigma: float, *, sized: bool = True) -> None:
    """Options that choose frame, network and, where it is ``sized``, the hardware.

    Parameters
    ----------
    sigma
        Default noise.
    sized
        The hardware is made for a largest frame; otherwise it takes all that registers can hold.
    """
    parser.add_argument(
        "--image",
        type=Path,
        metavar="FILE",
        help="clean 8-bit picture, of which colour ones give their luminance "
        "(default: a photograph that comes with scikit-image)",
    )
    parser.add_argument(
        "--crop",
        metavar="Y,X,H,W",
        help="part of the picture to denoise, as if it were all (default: the whole of a given "
        "picture)",
    )
    add_network_options(parser)
    add_noise_options(parser, sigma=sigma)
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


def make_job(args: argparse.Namespace, default_crop: str = DEFAULT_CROP) -> Job:
    """The frame that was asked for.

    Parameters
    ----------
    default_crop
        Of the default picture.

    Raises
    ------
    UsageError
        Picture, crop, noise, deployment or T are none such, or the hardware is too small.
    """
    deployment, timesteps = network(args)
    path = args.image or default_picture()
    picture = _grey(read_picture(path))
    text = args.crop or (None if args.image else default_crop)
    crop = _parse_crop(text, picture.shape, path)
    height, width = max_size(args)
    if crop.height > height or crop.width > width:
        raise UsageError(
            f"a frame of {crop.height}x{crop.width} pixels is beyond the hardware's "
            f"{height}x{width}: give a smaller --crop Y,X,H,W or a larger --max-size H,W"
        )
    chosen = noise(args)
    assert chosen is not None, "--noise has a default"
    rows, columns = slice(crop.y, crop.y + crop.height), slice(crop.x, crop.x + crop.width)
    clean = np.ascontiguousarray(picture[rows, columns])
    return Job(
        deployment=deployment,
        timesteps=timesteps,
        noise=chosen,
        picture=path,
        crop=crop,
        clean=clean,
        pixels=add_noise(clean, chosen.sigma, chosen.seed, chosen.protocol),
    )


def default_picture() -> Path:
    """Path of the default picture; raises `UsageError` if its package is not there."""
    package, name = PHOTOGRAPH
    # Only located: importing the package would load its whole library for one file.
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise UsageError(f"the default picture is missing (package {package}): run `make setup`")
    return Path(spec.origin).with_name("data") / Path(name).name


def _grey(picture: Picture) -> Picture:
    """A colour picture's luminance, (H, W)."""
    return np.asarray(Image.fromarray(picture).convert("L")) if picture.ndim == 3 else picture


def _parse_crop(text: str | None, shape: tuple[int, ...], path: Path) -> Crop:
    """The part of a picture that ``Y,X,H,W`` names; all of it for None."""
    height, width = shape
    if text is None:
        return Crop(y=0, x=0, height=height, width=width)
    try:
        y, x, rows, columns = (int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--crop {text!r} is not four integers Y,X,H,W") from None
    if min(y, x) < 0 or min(rows, columns) < 1 or y + rows > height or x + columns > width:
        raise UsageError(
            f"--crop {text} does not lie in {path.name}, which is {height}x{width}; "
            f"H and W are 1 or more"
        )
    return Crop(y=y, x=x, height=rows, width=columns)
