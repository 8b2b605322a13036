"""Writing picture files: what each format can hold, and pages one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from sw_model.spec import UsageError
from sw_model.support.files import replacing

from .array_file import ARRAY
from .arrays import DEEP_MAX, is_deep, to_grey_levels
from .netpbm import write_netpbm
from .page import Page, is_opaque
from .pillow import OPTIONS, write_pillow
from .png import write_png
from .tiff_write import tiff_writer

TIFFS = (".tif", ".tiff")
PICTURES = (".png", *TIFFS, ".pgm", ".ppm", *OPTIONS)
SUFFIXES = (*PICTURES, ARRAY)
"""Every suffix that is read and written."""
DEEP = (".png", *TIFFS, ".pgm", ".ppm", ARRAY)
"""Suffixes that hold 16 bits."""
TRANSPARENT = (".png", *TIFFS, ".webp")
"""Suffixes that hold transparency."""
CHANNELS = {".pgm": 1, ".ppm": 3}
"""Suffixes that hold only grey or only colour."""
SIDE_MAX = {".jpg": 65_500, ".jpeg": 65_500, ".webp": 16_383}
"""Largest width and height of formats that a picture could exceed."""


def check_image(
    path: Path,
    shape: tuple[int, ...],
    *,
    suffix: str | None = None,
    suffixes: tuple[str, ...] = SUFFIXES,
    transparent: bool = False,
    pages: int = 1,
) -> None:
    """Refuse a picture that cannot be written, before any work is done.

    Parameters
    ----------
    shape
        Shape of the picture: (H, W) or (H, W, 3).
    suffix
        Suffix that chooses the format; the path's by default.
    suffixes
        Suffixes that the caller can write.
    transparent
        Whether there are pixels that are not opaque.

    Raises
    ------
    UsageError
        The suffix is unknown or cannot hold the picture.
    """
    suffix = path.suffix.lower() if suffix is None else suffix
    if suffix not in suffixes:
        raise UsageError(
            f"cannot write {path}: suffix {suffix!r} is not one of {', '.join(suffixes)}"
        )
    if CHANNELS.get(suffix, (channels := 1 if len(shape) == 2 else shape[2])) != channels:
        raise UsageError(
            f"cannot write {path}: {suffix} does not hold {'colour' if channels == 3 else 'grey'} "
            f"pictures; .png does"
        )
    if (side := max(shape[:2])) > (most := SIDE_MAX.get(suffix, side)):
        raise UsageError(
            f"cannot write {path}: {suffix} holds at most {most} pixels a side, not {side}; "
            f".png holds more"
        )
    if transparent and suffix not in TRANSPARENT:
        raise UsageError(
            f"cannot write {path}: {suffix} does not hold transparent pixels; .png does"
        )
    if pages > 1 and suffix not in TIFFS:
        raise UsageError(f"cannot write {path}: {suffix} holds one page, not {pages}; .tif does")


def written_as(suffix: str, page: Page) -> Page:
    """Reduce a page to what a file of this suffix can hold.

    16 bits are rounded to 8 and an opaque alpha channel is dropped, if the format lacks them.
    """
    alpha = page.alpha if suffix in TRANSPARENT else None
    page = replace(page, alpha=alpha)
    return in_eight_bits(page) if is_deep(page.array) and suffix not in DEEP else page


def in_eight_bits(page: Page) -> Page:
    """A page of 16 bits, rounded to 8."""
    return replace(
        page,
        array=to_grey_levels(page.array, DEEP_MAX if page.white is None else page.white),
        alpha=None if page.alpha is None else to_grey_levels(page.alpha, DEEP_MAX),
        white=None,
    )


@contextmanager
def image_writer(file: BinaryIO, suffix: str, pages: int = 1) -> Iterator[Callable[[Page], None]]:
    """Yield a function that writes one page after the other, as `written_as` returns them.

    Parameters
    ----------
    file
        Empty file, open for reading and writing.
    suffix
        Suffix that `check_image` accepts.
    pages
        Number of pages that will come.
    """
    if suffix in TIFFS:
        with tiff_writer(file, pages) as put:
            yield put
    else:
        yield lambda page: _write(file, suffix, page)


def write_image(path: Path, page: Page) -> None:
    """Write a picture atomically, in the format of its suffix.

    Raises
    ------
    UsageError
        As in `check_image`, or the folder cannot be written to.
    """
    suffix = path.suffix.lower()
    check_image(path, page.array.shape, transparent=not is_opaque(page))
    with (
        replacing(path) as temporary,
        temporary.open("w+b") as file,
        image_writer(file, suffix) as put,
    ):
        put(written_as(suffix, page))


def _write(file: BinaryIO, suffix: str, page: Page) -> None:
    if suffix == ARRAY:
        np.save(file, page.array)
    elif suffix == ".png":
        write_png(file, page)
    elif suffix in CHANNELS:
        write_netpbm(file, page)
    else:
        write_pillow(file, page, suffix)
