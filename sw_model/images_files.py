"""Picture files of all kinds that the command ``denoise`` takes: 8 and 16 bits, and arrays.

`sw_model.images` has the 8-bit pictures that everything else works on.
"""

from __future__ import annotations

import math
import os
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy
from PIL import Image, ImageOps

from .images import (
    WRITABLE,
    check_format,
    check_single,
    decode,
    more_than_8_bits,
    opened,
    write_picture,
)
from .images_arrays import DEEP_MAX, is_deep, to_grey_levels, to_pixels
from .spec import UsageError
from .support.files import replacing
from .support.reading import reading

Array = npt.NDArray[Any]

ARRAY = ".npy"
NPY_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
"""What reads the header of each version that arrays of numbers are written in."""
ZIP = b"PK\3\4"
"""How NPZ files begin."""
DEEP = (".png", ".tif", ".tiff", ARRAY)
"""Suffixes that hold 16 bits."""
SUFFIXES = (*WRITABLE, ARRAY)
"""Every suffix that is read and written."""
ACCEPTED = (
    "8-bit grey or colour pictures as PNG, JPEG, BMP, TIFF, PGM, PPM or WebP, 16-bit ones as PNG "
    "or TIFF, and integer arrays as NPY are accepted"
)
LOW_BYTES = {
    # Pillow narrows deep colour to each value's high byte. Reading the file once more as if it had
    # the other byte order gives the low bytes.
    "RGB;16B": "RGB;16L",
    "RGB;16L": "RGB;16B",
    "RGBA;16B": "RGBA;16L",
    "RGBA;16L": "RGBA;16B",
}
TIFF_PHOTOMETRIC, TIFF_WHITE_IS_ZERO = 262, 0
TIFF_PLANES, TIFF_SEPARATE = 284, 2
GREY_PROFILE = b"GRAY"
"""Bytes 16 to 19 of an ICC profile of grey pictures (ICC.1, data colour space)."""
PNG_ROWS = 256
"""Rows of a PNG that are compressed at a time."""


def read_image(path: Path) -> Array:
    """Read a picture of 8 or 16 bits, or an array.

    Pictures are treated as by `sw_model.images.read_picture`.

    Returns
    -------
    numpy.ndarray
        (H, W), or (H, W, 3) for colour: uint8, uint16, or the integers of an array -512..511.

    Raises
    ------
    UsageError
        The file is missing, damaged, animated, deeper or transparent, or nothing that is accepted.
    """
    return _read_array(path) if path.suffix.lower() == ARRAY else opened(path, _decode, ACCEPTED)


def read_profile(path: Path, array: Array) -> bytes | None:
    """The ICC profile of a file that was read, if it has one that fits what was read.

    Parameters
    ----------
    array
        What `read_image` gave: the profile of colours does not fit a picture that turned out grey.
    """
    if path.suffix.lower() == ARRAY:
        return None
    with (
        warnings.catch_warnings(action="ignore"),
        path.open("rb") as file,
        Image.open(file) as image,
    ):
        profile = image.info.get("icc_profile")
        if not isinstance(profile, bytes):  # a TIFF can hold anything there
            return None
        fits = (array.ndim == 2) == (profile[16:20] == GREY_PROFILE)
    return profile if profile and fits else None


def check_image(path: Path, shape: tuple[int, ...]) -> None:
    """Refuse, before any work is done, what `write_image` could not write.

    Raises
    ------
    UsageError
        The suffix is unknown or cannot hold a picture of this shape.
    """
    if path.suffix.lower() != ARRAY:
        check_format(path, shape, more=(ARRAY,))


def written_as(path: Path, array: Array) -> Array:
    """The values that a file of this suffix can hold: 16 bits are rounded to 8 where they must."""
    narrow = is_deep(array) and path.suffix.lower() not in DEEP
    return to_grey_levels(array) if narrow else array


def write_image(path: Path, array: Array, profile: bytes | None = None) -> None:
    """Write a picture, whole or not at all, in the format that its suffix says.

    Parameters
    ----------
    array
        (H, W) or (H, W, 3), uint8 or uint16; uint16 only where `written_as` leaves it.
    profile
        ICC profile of its colours, kept by the formats that can.

    Raises
    ------
    UsageError
        As `check_image`, or the folder cannot be written to.
    """
    suffix = path.suffix.lower()
    if suffix != ARRAY and not is_deep(array):
        write_picture(path, array, profile)
        return
    check_image(path, array.shape)
    with replacing(path) as temporary:
        if suffix == ARRAY:
            np.save(temporary, array)
        elif array.ndim == 2:
            options: dict[str, Any] = {} if profile is None else {"icc_profile": profile}
            Image.fromarray(array.astype(np.uint16)).save(temporary, **options)
        elif suffix == ".png":
            with temporary.open("wb") as file:
                _write_deep_png(file, array, profile)
        else:
            import tifffile  # takes its time, and few need it

            tifffile.imwrite(
                temporary,
                array,
                photometric="rgb",
                compression="zlib",
                predictor=True,
                metadata=None,
                iccprofile=profile,
            )


def _read_array(path: Path) -> Array:
    with reading(path, "an array", ACCEPTED) as file:
        array = _array(file)
    try:
        to_pixels(array)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None
    return array


def _array(file: BinaryIO) -> Array:
    """The array in an NPY file; raises whatever numpy's parser does."""
    if file.read(len(ZIP)) == ZIP:
        raise ValueError("several arrays in one file are not accepted; give one")
    file.seek(0)
    version = npy.read_magic(file)
    if version not in NPY_HEADERS:
        raise ValueError(f"NPY version {version} is none of {', '.join(map(str, NPY_HEADERS))}")
    try:
        shape, by_columns, dtype = NPY_HEADERS[version](file)
    except MemoryError:  # what Python's parser raises where brackets are nested too deeply
        raise ValueError("cannot parse its header") from None
    if dtype.hasobject or any(type(side) is not int or side < 0 for side in shape):
        raise ValueError(f"shape {shape} of {dtype} is none of numbers")
    # Nothing is reserved for what a damaged header promises.
    size, rest = math.prod(shape) * dtype.itemsize, os.fstat(file.fileno()).st_size - file.tell()
    if size > rest:
        raise ValueError(f"its values should take {size} bytes, and {rest} are there")
    values = np.fromfile(file, dtype, math.prod(shape))
    return values.reshape(shape, order="F" if by_columns else "C")


def _decode(path: Path, image: Image.Image) -> Array:
    deep_grey = image.mode.startswith("I;16")
    deep_colour = image.mode in ("RGB", "RGBA") and more_than_8_bits(image)
    if not (deep_grey or deep_colour) or image.format not in ("PNG", "TIFF"):
        return decode(path, image, ACCEPTED)
    check_single(path, image, ACCEPTED)
    tags = getattr(image, "tag_v2", {})
    if tags.get(TIFF_PHOTOMETRIC) == TIFF_WHITE_IS_ZERO:
        raise UsageError(f"{path} holds a 16-bit negative (white is zero); invert it first")
    if deep_grey:
        if image.has_transparency_data:
            raise _transparent(path)
        return np.asarray(ImageOps.exif_transpose(image)).astype(np.uint16)
    if tags.get(TIFF_PLANES) == TIFF_SEPARATE:
        raise UsageError(
            f"{path} holds more than 8 bits a channel, plane by plane; "
            f"store its channels side by side (interleaved)"
        )
    if image.mode == "RGB" and image.has_transparency_data:
        raise _transparent(path)
    picture = _both_bytes(path, image)
    if picture.shape[2] > 3 and (picture[..., 3] != DEEP_MAX).any():
        raise _transparent(path)
    return np.ascontiguousarray(picture[..., :3])


def _both_bytes(path: Path, image: Image.Image) -> npt.NDArray[np.uint16]:
    """All 16 bits of a colour picture that Pillow narrows, (H, W, 3 or 4)."""
    with path.open("rb") as file, Image.open(file) as again:
        again.tile = [tile._replace(args=_other_bytes(path, tile.args)) for tile in again.tile]
        low = np.asarray(ImageOps.exif_transpose(again))
    high = np.asarray(ImageOps.exif_transpose(image)).astype(np.uint16)
    return high << 8 | low


def _other_bytes(path: Path, arguments: Any) -> Any:
    """The arguments of Pillow's decoder with the other byte order."""
    mode, *rest = (arguments,) if isinstance(arguments, str) else arguments
    # Compressed TIFF comes in the machine's own order.
    own = "L" if struct.pack("=H", 1) == b"\1\0" else "B"
    other = LOW_BYTES.get(f"{mode[:-1]}{own}" if mode.endswith("N") else mode)
    if other is None:
        raise UsageError(f"{path} holds 16-bit pixels of kind {mode}; {ACCEPTED}")
    return other if isinstance(arguments, str) else (other, *rest)


def _transparent(path: Path) -> UsageError:
    return UsageError(f"{path} has transparent pixels; flatten it onto a background first")


def _write_deep_png(file: BinaryIO, array: Array, profile: bytes | None) -> None:
    """A PNG of 16-bit colour, which Pillow does not write (PNG specification, W3C 2003)."""

    def chunk(name: bytes, content: bytes) -> None:
        file.write(struct.pack(">I", len(content)) + name + content)
        file.write(struct.pack(">I", zlib.crc32(name + content)))

    height, width, channels = array.shape
    true_colour, pixel = 2, 2 * channels
    file.write(b"\x89PNG\r\n\x1a\n")
    chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, true_colour, 0, 0, 0))
    if profile is not None:
        chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(profile))
    compressor = zlib.compressobj()
    for first in range(0, height, PNG_ROWS):
        rows = array[first : first + PNG_ROWS].astype(">u2").reshape(-1, width * channels)
        octets = rows.view(np.uint8)
        # Filter 1: the difference to the pixel on the left.
        filtered = np.ones((len(octets), 1 + octets.shape[1]), np.uint8)
        filtered[:, 1:] = octets
        filtered[:, 1 + pixel :] -= octets[:, :-pixel]
        chunk(b"IDAT", compressor.compress(filtered.tobytes()))
    chunk(b"IDAT", compressor.flush())
    chunk(b"IEND", b"")
