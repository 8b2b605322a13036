"""TIFF of one page or many, written page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from PIL import Image, TiffImagePlugin

from .arrays import DEEP_MAX, is_deep
from .metadata import EXIF_IFD, EXIF_TAGS, GPS_IFD, parsed_exif
from .page import Page, samples_of
from .tiff import LARGEST

IFDS = {EXIF_IFD: "ExifTag", GPS_IFD: "GPSTag"}
"""tifffile's names of the tags that point to EXIF's own structures."""
CLASSIC_MAX = 4_000_000_000
"""Bytes of pixels beyond which 32-bit offsets may not suffice."""
PLACEHOLDER = 8
"""Replaces an offset until it is known: the smallest that tifffile accepts."""


@contextmanager
def tiff_writer(file: BinaryIO, count: int) -> Iterator[Callable[[Page], None]]:
    """Yield a function that writes one page after the other.

    Parameters
    ----------
    file
        File, open for reading and writing.
    count
        Number of pages that will come.
    """
    from tifffile import TiffWriter

    writer: Any = None
    exif = Image.Exif()

    def put(page: Page) -> None:
        nonlocal writer, exif
        tags = page.metadata.tiff
        options = _options(page)
        if writer is None:
            big = count * samples_of(page).nbytes > CLASSIC_MAX
            writer = TiffWriter(file, bigtiff=big, byteorder=tags.byteorder if tags else "<")
            if not big:
                exif = parsed_exif(page.metadata.exif)
                options["extratags"] = [*options["extratags"], *_exif_tags(exif)]
        writer.write(samples_of(page), **options)

    try:
        yield put
    finally:
        if writer is not None:
            writer.close()
    _write_ifds(file, exif)


def _options(page: Page) -> dict[str, Any]:
    """Arguments of tifffile's writer for a page."""
    colour, tags = page.array.ndim == 3, page.metadata.tiff
    options: dict[str, Any] = {
        "photometric": "rgb" if colour else "minisblack",
        "planarconfig": "contig" if colour or page.alpha is not None else None,
        "extrasamples": None if page.alpha is None else ["unassalpha"],
        "metadata": None,
        "software": False,
        "iccprofile": page.metadata.profile,
        "extratags": [],
    }
    if tags is not None:
        options |= tags.options
    elif page.metadata.dpi is not None:
        options |= {"resolution": page.metadata.dpi, "resolutionunit": "inch"}
    if is_deep(page.array) and page.white not in (None, DEEP_MAX):
        channels = 1 if page.alpha is None and not colour else samples_of(page).shape[2]
        largest = (LARGEST, "H", channels, (page.white,) * channels, False)
        options["extratags"] = [*options["extratags"], largest]
    if tags is not None and tags.imagej:
        # ImageJ expects contiguous pages.
        return options | {"contiguous": True}
    return options | {"compression": "zlib", "predictor": True}


def _exif_tags(exif: Image.Exif) -> list[tuple[Any, ...]]:
    """EXIF entries of the first page, with placeholders for EXIF's own structures."""
    strings = [
        (tag, "s", 0, exif[tag].encode(), True)
        for tag in EXIF_TAGS
        if isinstance(exif.get(tag), str)
    ]
    return strings + [
        (name, "I", 1, PLACEHOLDER, True) for tag, name in IFDS.items() if exif.get_ifd(tag)
    ]


def _write_ifds(file: BinaryIO, exif: Image.Exif) -> None:
    """Append EXIF's own structures, and write their offsets into the first page."""
    from tifffile import TiffFile

    for tag in IFDS:
        if not (entries := exif.get_ifd(tag)):
            continue
        file.seek(0)
        prefix = file.read(2)
        structure = TiffImagePlugin.ImageFileDirectory_v2(prefix=prefix)
        for name, value in entries.items():
            structure[name] = value
        offset = file.seek(0, 2)
        offset += file.write(b"\0" * (offset % 2))
        file.write(structure.tobytes(offset))
        file.seek(0)
        with TiffFile(file) as tiff:
            tiff.pages.first.tags[tag].overwrite(offset)
