"""Reading picture files of every kind: up to 16 bits, pages, and arrays.

`sw_model.pictures.eight_bit` has the 8-bit pictures that everything else works on.
"""

from __future__ import annotations

import logging
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from sw_model.spec import UsageError
from sw_model.support.reading import NAME_MAX, open_ordinary, parse_errors
from sw_model.support.temporary import temporary_file
from sw_model.support.text import one_line

from .array_file import ARRAY, read_array
from .arrays import DEEP_MAX, check_white, full_scale, is_deep, to_pixels
from .netpbm import HEADER_MAX, deep_header, read_netpbm
from .output import SUFFIXES
from .page import Page, RefusedError
from .pillow import read_pillow
from .png import SIGNATURE as PNG
from .png import read_png
from .tiff import SIGNATURES as TIFF
from .tiff import TiffReader

for _library in ("tifffile", "imagecodecs"):
    # They print oddities of a file on stderr; this module reports what matters.
    logging.getLogger(_library).addHandler(logging.NullHandler())

STANDARD = Path("-")
"""Path that means standard input or output."""
ACCEPTED = (
    "grey or colour pictures of up to 8 bits as PNG, JPEG, BMP, TIFF, PGM, PPM or WebP, of up to "
    "16 bits as PNG, TIFF, PGM or PPM, and integer arrays as NPY are accepted"
)


@dataclass(frozen=True, kw_only=True)
class Source:
    """An open picture file.

    Attributes
    ----------
    name
        Name of the file, for messages.
    suffix
        Suffix of the file if it is known, else the usual one of its format.
    count
        Number of pages.
    page
        Reads the page with an index; raises `UsageError`.
    """

    name: str
    suffix: str
    count: int
    page: Callable[[int], Page]


@contextmanager
def opened(path: Path, accepted: str) -> Iterator[Source]:
    """Open a picture file for reading.

    Palettes are resolved, an orientation in the metadata is applied. A picture whose three
    channels are equal is grey, unless it is a page of several.

    Parameters
    ----------
    path
        `STANDARD` for standard input.
    accepted
        Which files are accepted, as the end of a sentence.

    Raises
    ------
    UsageError
        The file is missing, damaged, animated, too big, or of a kind that is not accepted.
    """
    name = "standard input" if path == STANDARD else one_line(str(path), NAME_MAX)
    array = path.suffix.lower() == ARRAY
    what = "an array" if array else "a picture"

    @contextmanager
    def usage_errors() -> Iterator[None]:
        # Parsers print warnings of oddities on stderr; only their exceptions matter.
        with parse_errors(name, what, accepted), warnings.catch_warnings(action="ignore"):
            try:
                yield
            except RefusedError as refusal:
                raise UsageError(f"{name} {refusal.what}; {refusal.advice or accepted}") from None

    with usage_errors():
        file = _standard_input() if path == STANDARD else open_ordinary(path, what, accepted)
    with file:
        with usage_errors():
            read, suffix, count = _reader(file, array)

        def page(index: int) -> Page:
            with usage_errors():
                return read(index)

        own = path.suffix.lower()
        yield Source(name=name, suffix=own if own in SUFFIXES else suffix, count=count, page=page)


@contextmanager
def open_image(path: Path, white: int | None = None) -> Iterator[Source]:
    """Open a picture file whose 16-bit pages all have a full scale.

    All pages are read once before the first is yielded, so that errors in any of them are known
    before any work is done. No more than one is kept.

    Parameters
    ----------
    path
        `STANDARD` for standard input.
    white
        Full scale of 16-bit values; None for that of the file.

    Raises
    ------
    UsageError
        As in `opened`; or the full scale must be given, or does not fit.
    """
    with opened(path, ACCEPTED) as source:
        only = source.page(0) if source.count == 1 else None
        read = source.page if only is None else lambda _: only
        brightest: int | None = None
        try:
            check_white(white)
            for page in map(read, range(source.count)):
                if not is_deep(page.array):
                    to_pixels(page.array, white)
                elif (scale := page.white if white is None else white) is not None:
                    full_scale(int(page.array.max()), scale)
                else:
                    brightest = max(brightest or 0, int(page.array.max()))
            rest = DEEP_MAX if brightest is None else full_scale(brightest, None)
        except ValueError as error:
            raise UsageError(f"{source.name}: {error}") from None

        def scaled(index: int) -> Page:
            page = read(index)
            if not is_deep(page.array):
                return page
            return replace(page, white=page.white or rest if white is None else white)

        yield replace(source, page=scaled)


def _standard_input() -> BinaryIO:
    """Copy standard input to a temporary file, since readers seek."""
    file = temporary_file()
    shutil.copyfileobj(sys.stdin.buffer, file)
    return file


def _reader(file: BinaryIO, array: bool) -> tuple[Callable[[int], Page], str, int]:
    """Return a reader of pages, the usual suffix, and the number of pages."""
    size = file.seek(0, 2)
    file.seek(0)
    start = file.read(HEADER_MAX)
    file.seek(0)
    if array or start.startswith(np.lib.format.MAGIC_PREFIX):
        page, suffix = Page(array=read_array(file, size)), ARRAY
    elif start.startswith(TIFF):
        tiff = TiffReader(file, size)
        return tiff.page, ".tif", tiff.count
    elif start.startswith(PNG):
        page, suffix = read_png(file, size), ".png"
    elif header := deep_header(start):
        page = read_netpbm(file, size, header)
        suffix = ".pgm" if page.array.ndim == 2 else ".ppm"
    else:
        page, suffix = read_pillow(file, size)
    return lambda _: page, suffix, 1
