"""PGM and PPM with their own full scale; Pillow would round values above 8 bits."""

from __future__ import annotations

import re
from typing import BinaryIO

import numpy as np

from sw_model.spec import GREY_MAX

from .arrays import DEEP_MAX, is_deep
from .metadata import check_size
from .page import Metadata, Page, page_of

_SPACE = rb"(?:\s|#[^\r\n]*[\r\n])+"
_HEADER = re.compile(rb"P([2356])" + _SPACE.join([b"", *[rb"(\d{1,9})"] * 3]) + rb"\s")
HEADER_MAX = 4096
"""Bytes that may hold a header with its comments."""


def deep_header(start: bytes) -> re.Match[bytes] | None:
    """The header of a PGM or PPM of more than 8 bits, in the first `HEADER_MAX` bytes of a file."""
    header = _HEADER.match(start)
    return header if header and int(header[4]) > GREY_MAX else None


def read_netpbm(file: BinaryIO, size: int, header: re.Match[bytes]) -> Page:
    """The picture of a file with a `deep_header`."""
    width, height, white = (int(header[index]) for index in (2, 3, 4))
    if white > DEEP_MAX:
        raise ValueError(f"its largest value {white} is more than 16 bits")
    plain, channels = header[1] in b"23", 3 if header[1] in b"36" else 1
    count = width * height * channels
    # A value in plain text takes a digit and a space, except for the last.
    check_size(width, height, 2 * count - 1 if plain else 2 * count, size - header.end())
    file.seek(header.end())
    content = file.read()
    if plain:
        values = np.array(content.split()[:count], np.int64)
    else:
        values = np.frombuffer(content, ">u2", count)
    samples = values.reshape(height, width, channels)
    if not 0 <= samples.min() <= samples.max() <= white:
        raise ValueError(
            f"its values reach from {samples.min()} to {samples.max()}, not 0 to {white}"
        )
    return page_of(samples.astype(np.uint16), 1, white, Metadata(), collapse=True)


def write_netpbm(file: BinaryIO, page: Page) -> None:
    """Write a page of 8 or 16 bits without alpha."""
    height, width = page.array.shape[:2]
    white = GREY_MAX if not is_deep(page.array) else DEEP_MAX if page.white is None else page.white
    file.write(b"P%d\n%d %d\n%d\n" % (5 if page.array.ndim == 2 else 6, width, height, white))
    file.write(page.array.astype(">u2" if white > GREY_MAX else np.uint8).tobytes())
