"""EXIF, and the check of a file's declared size before anything is decoded."""

from __future__ import annotations

import math

from PIL import Image

from .page import ON_THEIR_SIDE, RefusedError

ORIENTATION = 274
EXIF_IFD, GPS_IFD = 34665, 34853
EXIF_START = b"Exif\0\0"
EXIF_WIDTH, EXIF_HEIGHT = 40962, 40963
EXIF_TAGS = (271, 272, 305, 306, 315, 316, 33432, EXIF_IFD, GPS_IFD)
"""Tags of EXIF that a TIFF has too: camera, software, dates, author, copyright."""
DEFLATE_RATIO = 1032
"""Most bytes that a byte of deflate expands to: 258 in two bits."""


def upright_exif(exif: Image.Exif, width: int, height: int) -> tuple[bytes | None, int]:
    """EXIF for the upright picture, and the orientation that the stored one has.

    Parameters
    ----------
    width, height
        Stored size.
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
    """Parse EXIF bytes, with or without "Exif" in front; empty if they are damaged."""
    exif = Image.Exif()
    try:
        exif.load(content or b"")
    except Exception:  # a damaged structure may raise anything
        return Image.Exif()
    return exif


def upright_dpi(dpi: tuple[float, float] | None, orientation: int) -> tuple[float, float] | None:
    """Pixels per inch of a picture that was turned upright; None unless they are numbers."""
    try:
        across, down = map(float, dpi or ())
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    if not (0 < across < math.inf and 0 < down < math.inf):
        return None
    return (down, across) if orientation in ON_THEIR_SIDE else (across, down)


def check_size(width: int, height: int, least: float, size: int) -> None:
    """Refuse a picture that is too large, or that its file cannot hold.

    Parameters
    ----------
    width, height
        Size that the file declares.
    least
        Fewest bytes that such a picture takes in its format.
    size
        Bytes of the file, or of the part of it that holds the pixels.

    Raises
    ------
    RefusedError
        There are more pixels than Pillow's limit allows.
    ValueError
        The file has fewer bytes, or the picture has no pixels.
    """
    if min(width, height) < 1:
        raise ValueError(f"it declares {width}x{height} pixels")
    most = 2 * (Image.MAX_IMAGE_PIXELS or 0)
    if most and width * height > most:
        raise RefusedError(f"has more than {most} pixels", "give a smaller one")
    if least > size:
        raise ValueError(
            f"it declares {width}x{height} pixels, which need {math.ceil(least)} bytes or more, "
            f"but has {size}"
        )
