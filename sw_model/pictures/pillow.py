"""JPEG, BMP, WebP and netpbm's formats of 8 bits, through Pillow."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from .arrays import Array
from .metadata import EXIF_START, check_size, upright_dpi, upright_exif
from .page import Metadata, Page, RefusedError, page_of, samples_of

READABLE = ("JPEG", "BMP", "PPM", "WEBP")
OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    ".bmp": ("BMP", {}),
    ".webp": ("WEBP", {"lossless": True, "exact": True}),  # exact keeps invisible colours
    # The only lossy formats: a file differs from the picture that was measured.
    ".jpg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".jpeg": ("JPEG", {"quality": 95, "subsampling": 0}),
}
"""Format and Pillow's options of each suffix that is written."""
SUFFIX = {"JPEG": ".jpg", "MPO": ".jpg", "BMP": ".bmp", "WEBP": ".webp"}
SEGMENT_MAX = 65_533
"""Bytes of EXIF that a JPEG can hold."""
BLOCK = 64
"""Pixels of a JPEG block; each block takes a bit or more of the first scan."""
RUN = 255 / 2
"""Most pixels that a byte of a compressed BMP expands to."""


def read_pillow(file: BinaryIO, size: int) -> tuple[Page, str]:
    """The picture of a file and its suffix; errors as in `sw_model.pictures.files.open_image`."""
    try:
        with Image.open(file, formats=READABLE) as image:
            return _page(image, size), _suffix(image)
    except UnidentifiedImageError:  # its message shows a Python object
        raise ValueError("cannot identify its format") from None
    except Image.DecompressionBombError:
        raise RefusedError(
            f"has more than {2 * (Image.MAX_IMAGE_PIXELS or 0)} pixels", "give a smaller one"
        ) from None


def write_pillow(file: BinaryIO, page: Page, suffix: str) -> None:
    """Write a page of 8 bits in the format of one of `OPTIONS`."""
    kind, options = OPTIONS[suffix]
    metadata = page.metadata
    kept: dict[str, Any] = {
        "icc_profile": metadata.profile,
        "exif": metadata.exif and EXIF_START + metadata.exif,
        "dpi": metadata.dpi,
    }
    if kind == "JPEG" and len(kept["exif"] or b"") > SEGMENT_MAX:
        kept["exif"] = None
    options = options | {name: value for name, value in kept.items() if value is not None}
    Image.fromarray(samples_of(page)).save(file, kind, **options)


def _page(image: ImageFile.ImageFile, size: int) -> Page:
    check_size(*image.size, _least(image), size)
    # A multi-picture JPEG is a photograph with extras, and its first frame is the photograph.
    if image.format != "MPO" and (frames := getattr(image, "n_frames", 1)) > 1:
        raise RefusedError(f"is animated or has pages ({frames})")
    if image.mode not in ("1", "L", "P", "RGB", "RGBA"):
        raise RefusedError(f"holds pixels of kind {image.mode}")
    profile = image.info.get("icc_profile")
    exif, orientation = upright_exif(image.getexif(), *image.size)
    metadata = Metadata(
        profile=profile if isinstance(profile, bytes) else None,
        exif=exif,
        dpi=upright_dpi(image.info.get("dpi"), orientation),
    )
    return page_of(_samples(image), orientation, None, metadata, collapse=True)


def _samples(image: Image.Image) -> Array:
    if image.has_transparency_data:
        return np.asarray(image.convert("RGBA"))
    return np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB"))


def _suffix(image: Image.Image) -> str:
    if image.format == "PPM":
        return ".ppm" if image.mode == "RGB" else ".pgm"
    return SUFFIX[str(image.format)]


def _least(image: ImageFile.ImageFile) -> float:
    """Fewest bytes that the pixels of an open file take; WebP has no useful bound."""
    width, height = image.size
    if image.format == "WEBP":
        return 0
    if image.format in ("JPEG", "MPO"):
        return width * height / BLOCK / 8
    tile = image.tile[0]
    arguments = tile.args if isinstance(tile.args, tuple) else (tile.args,)
    if tile.codec_name == "bmp_rle":
        return width * height / RUN
    bands = len(image.getbands())
    row = -(-width // 8) if image.mode == "1" and tile.codec_name == "raw" else width * bands
    # A BMP has its own row stride.
    return height * (arguments[1] if len(arguments) > 2 else row)
