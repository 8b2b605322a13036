"""Pictures of 8 bits, read from files and written to them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sw_model.spec import UsageError

from .array_file import ARRAY
from .arrays import Picture, is_deep
from .files import opened
from .output import PICTURES, check_image, write_image
from .page import Page, is_opaque

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
        not an accepted picture.
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
    """Refuse a picture that `write_picture` cannot write, before any work is done.

    Parameters
    ----------
    shape
        Shape of the picture: (H, W) or (H, W, 3).

    Raises
    ------
    UsageError
        The suffix is unknown or cannot hold the picture.
    """
    check_image(path, shape, suffixes=PICTURES)


def write_picture(path: Path, picture: Picture) -> None:
    """Write a picture atomically, in the format of its suffix.

    All formats but JPEG (quality 95, full colour resolution) keep every pixel.

    Parameters
    ----------
    picture
        (H, W) or (H, W, 3).

    Raises
    ------
    UsageError
        As in `check_format`, or the folder cannot be written to.
    """
    check_format(path, picture.shape)
    write_image(path, Page(array=picture))
