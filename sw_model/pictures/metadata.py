"""EXIF, and the limits that a file's declared size is held against before anything is decoded."""

from __future__ import annotations

import math

from PIL import Image

from .page import ON_THEIR_SIDE, RefusedError

ORIENTATION = 274
EXIF_IFD, GPS_IFD = 34665, 34853
EXIF_START = b"Exif\0\0"
EXIF_WIDTH, EXIF_HEIGHT = 40962, 40963
EXIF_TAGS = (271, 272, 305, 306, 315, 316, 33432, EXIF_IFD, GPS_IFD)
"""Camera, software, dates, author, copyright: what EXIF has of a TIFF's own tags."""
DEFLATE_RATIO = 1032
"""Bytes that a byte of deflate becomes at most: 258 in two bits."""


def upright_exif(exif: Image.Exif, width: int, height: int) -> tuple[bytes | None, int]:
    """EXIF for the upright picture, and the orientation that the stored one has.

    Parameters
    ----------
    width, height
        As they are stored.
    """
    found = exif.get(ORIENTATION)
    orientation = found if isinstance(found, int) else 1
    if orientation in ON_THEIR_SIDE:
        width, height = height, width
    try:
        if ORIENTATION in exif:
            exif[ORIENTATION] = 1
        inner = exif.get_ifd(EXIF_IFD)
        for tag, side in ((EXIF_WIDTH, width), (EXIF_HEIGHT, height)):
            if tag in inner:
                inner[tag] = side
        content = exif.tobytes()[len(EXIF_START) :] if len(exif) else None
    except Exception:  # damaged metadata is no reason to refuse the picture
        return None, orientation
    return content, orientation


def parsed_exif(content: bytes | None) -> Image.Exif:
    """EXIF of its bytes, with or without "Exif" in front; empty where it is damaged."""
    exif = Image.Exif()
    try:
        exif.load(content or b"")
    except Exception:  # whatever a damaged structure makes the parser do
        return Image.Exif()
    return exif


def upright_dpi(dpi: tuple[float, float] | None, orientation: int) -> tuple[float, float] | None:
    """Pixels an inch of a picture that has been turned upright; None for what is no number."""
    try:
        across, down = map(float, dpi or ())
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    if not (0 < across < math.inf and 0 < down < math.inf):
        return None
    return (down, across) if orientation in ON_THEIR_SIDE else (across, down)


def check_size(width: int, height: int, least: float, size: int) -> None:
    """Refuse a picture that is enormous, or that its file cannot hold.

    Parameters
    ----------
    width, height
        As the file declares them.
    least
        Bytes that such a picture takes at least in its format.
    size
        Bytes of the file, or of the part of it that holds the pixels.

    Raises
    ------
    RefusedError
        There are more pixels than Pillow's limit allows.
    ValueError
        There are fewer bytes, or no pixels at all.
    """
    if min(width, height) < 1:
        raise ValueError(f"it declares {width}x{height} pixels")
    most = 2 * (Image.MAX_IMAGE_PIXELS or 0)
    if most and width * height > most:
        raise RefusedError(f"has more than {most} pixels", "give a smaller one")
    if least > size:
        raise ValueError(
            f"it declares {width}x{height} pixels, which need {math.ceil(least)} bytes or more, "
            f"and has {size}"
        )
