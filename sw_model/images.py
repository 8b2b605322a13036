"""Pictures of 8 bits in and out, and the noise that is put on them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from .images_array_file import ARRAY
from .images_arrays import Picture, Pixels, is_deep
from .images_files import opened
from .images_output import PICTURES, check_image, write_image
from .images_page import Page, is_opaque
from .spec import PIXEL_MAX, PIXEL_MIN, UsageError
from .spec.fixed_point import GREY_MAX

Protocol = Literal["paper", "camera"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)

ACCEPTED = "8-bit grey or colour pictures as PNG, JPEG, BMP, TIFF, PGM, PPM or WebP are accepted"


def read_picture(path: Path) -> Picture:
    """Read a picture of 8 bits.

    Palettes are resolved, an orientation in the metadata is applied, an opaque alpha channel is
    dropped. A colour file whose three channels are equal is grey.

    Returns
    -------
    numpy.ndarray
        (H, W) uint8, or (H, W, 3) for colour.

    Raises
    ------
    UsageError
        The file is missing, damaged, animated, has more than 8 bits or transparent pixels, or is
        no picture that is accepted.
    """
    with opened(path, ACCEPTED) as source:
        if source.suffix == ARRAY:
            raise UsageError(f"{path} cannot be read as a picture (it is an array); {ACCEPTED}")
        if source.count > 1:
            raise UsageError(f"{path} is animated or has pages ({source.count}); {ACCEPTED}")
        page = source.page(0)
    if is_deep(page.array):
        raise UsageError(f"{path} holds more than 8 bits a channel; {ACCEPTED}")
    if page.array.dtype != np.uint8:  # an array by its content, whatever its name
        raise UsageError(f"{path} cannot be read as a picture (it is an array); {ACCEPTED}")
    if not is_opaque(page):
        raise UsageError(f"{path} has transparent pixels; flatten it onto a background first")
    return page.array


def check_format(path: Path, shape: tuple[int, ...]) -> None:
    """Refuse, before any work is done, what `write_picture` could not write.

    Parameters
    ----------
    shape
        Of the picture: (H, W) or (H, W, 3).

    Raises
    ------
    UsageError
        The suffix is unknown or cannot hold the picture.
    """
    check_image(path, shape, suffixes=PICTURES)


def write_picture(path: Path, picture: Picture) -> None:
    """Write a picture, whole or not at all, in the format that its suffix says.

    All formats but JPEG (quality 95, full colour resolution) keep every pixel.

    Parameters
    ----------
    picture
        (H, W) or (H, W, 3).

    Raises
    ------
    UsageError
        As `check_format`, or the folder cannot be written to.
    """
    check_format(path, picture.shape)
    write_image(path, Page(array=picture))


def planes(picture: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    """The channels of a picture, (H, W) each: the network denoises one at a time."""
    if picture.ndim == 2:
        yield picture
    else:
        yield from np.moveaxis(picture, 2, 0)


def join_planes(channels: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Inverse of `planes`."""
    return channels[0] if len(channels) == 1 else np.stack(channels, axis=2)


def add_noise(clean: Picture, sigma: float, seed: int, protocol: Protocol = PROTOCOLS[0]) -> Pixels:
    """White Gaussian noise on a clean picture, rounded to the network's signed pixels.

    Parameters
    ----------
    clean
        (H, W) or (H, W, 3). Red, green and blue are drawn with ``seed``, ``seed + 1`` and
        ``seed + 2``, each as a grey picture's noise.
    sigma
        Standard deviation in grey levels, 0 or more.
    seed
        Seed of a fresh ``numpy.random.default_rng``, 0 or more.
    protocol
        ``"paper"``: unclipped; ``"camera"``: clipped to 0..255, as a sensor would.

    Returns
    -------
    numpy.ndarray
        int16 of the picture's shape, -512..511.

    Raises
    ------
    UsageError
        Sigma, seed or protocol is not such a value.
    """
    if not (math.isfinite(sigma) and sigma >= 0):
        raise UsageError(f"noise sigma {sigma} is not a number of grey levels, 0 or more")
    if seed < 0:
        raise UsageError(f"seed {seed} is not 0 or more")
    if protocol not in PROTOCOLS:
        raise UsageError(f"noise protocol {protocol!r} is not one of {', '.join(PROTOCOLS)}")
    return join_planes(
        [_noisy(plane, sigma, seed + i, protocol) for i, plane in enumerate(planes(clean))]
    )


def _noisy(plane: Picture, sigma: float, seed: int, protocol: Protocol) -> Pixels:
    noisy = plane + np.random.default_rng(seed).normal(0, abs(sigma), plane.shape)  # -0.0, too
    if protocol == "camera":
        noisy = noisy.clip(0, GREY_MAX)
    return np.rint(noisy).clip(PIXEL_MIN, PIXEL_MAX).astype(np.int16)
