"""TIFF of one page or many, read page by page (TIFF 6.0; stacks of ImageJ)."""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from sw_model.spec import GREY_MAX

from .arrays import Array, to_grey_levels
from .metadata import DEFLATE_RATIO, EXIF_TAGS, ORIENTATION, check_size, upright_dpi, upright_exif
from .page import ON_THEIR_SIDE, Metadata, Page, RefusedError, TiffTags, page_of

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, YCBCR = 0, 1, 2, 3, 6
OTHERS = {4: "mask", 5: "CMYK", YCBCR: "YCbCr", 8: "LAB", 9: "LAB", 10: "LAB"}
"""Photometric interpretations that are refused, by their common names."""
DEEP = 16
WHITES = tuple((1 << bits) - 1 for bits in range(9, DEEP))
"""Full scales that are accepted from the tag of the largest value."""
SEPARATE = 2
"""Planar configuration of channels that are stored one after the other."""
UNCOMPRESSED, JPEG = 1, 7
RATIOS = {UNCOMPRESSED: 1, 5: 4096, JPEG: 2048, 8: DEFLATE_RATIO, 32946: DEFLATE_RATIO, 32773: 64}
"""Most bytes that a byte expands to: LZW has strings of 4096, a JPEG block takes 2 bits."""
RATIO_MAX = 1 << 15
"""The same for other compressions: the longest run of zstd."""
ASSOCIATED, UNASSOCIATED = 1, 2
"""Extra samples that are transparency, with colours multiplied by it, or not."""
UNITS = (1, 2, 3)
"""Units of a resolution that TIFF 6.0 defines: none, inch, centimetre."""
DESCRIPTION, LARGEST, RESOLUTION, UNIT, PROFILE = 270, 281, (282, 283), 296, 34675
IMAGEJ = ((50838, "I", 4), (50839, "B", 1))
"""Tags of ImageJ's labels, ranges and overlays, with type and bytes of a value."""
INCHES = {2: 1.0, 3: 1 / 2.54}
"""Units of the resolution in inches; others are not lengths."""


class TiffReader:
    """An open TIFF.

    Attributes
    ----------
    count
        Number of pages.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        from tifffile import TiffFile  # slow to import, and rarely needed

        self._file, self._size = file, size
        self._tiff = TiffFile(file)
        self.count = len(self._tiff.pages)
        self._check_chain()
        stack = (self._tiff.imagej_metadata if self._tiff.is_imagej else None) or {}
        declared = stack.get("images", 1)
        # ImageJ describes only the first page of more than 4 GB.
        if declared > 1 and self.count == 1:
            raise RefusedError(
                f"is an ImageJ stack of {declared} pages that describes only one of them",
                "save it as BigTIFF or in parts",
            )

    def page(self, index: int) -> Page:
        """Read a page; errors as in `sw_model.pictures.files.open_image`."""
        page: Any = self._tiff.pages[index].aspage()
        _check_samples(page)
        self._check_data(page)
        bits = page.bitspersample
        if _in_whole_words(page):
            page.bitspersample = DEEP
        samples = np.asarray(page.asarray())
        if page.planarconfig == SEPARATE and page.samplesperpixel > 1:
            samples = np.moveaxis(samples, 0, -1)
        samples = samples.reshape(page.imagelength, page.imagewidth, page.samplesperpixel)
        if page.photometric == PALETTE:
            if page.colormap is None:
                raise ValueError("its palette is missing")
            samples = (page.colormap.T >> 8).astype(np.uint8)[samples[..., 0]]
        elif bits <= 8:
            samples = _eight_bits(samples, bits)
            if page.photometric == WHITE_IS_ZERO:
                samples = GREY_MAX - samples
        _check_alpha(page, samples)
        white = _white(page, bits, samples) if bits > 8 else None
        metadata, orientation = self._metadata(page)
        return page_of(samples, orientation, white, metadata, collapse=self.count == 1)

    def _check_chain(self) -> None:
        """Refuse a file with missing pages, which tifffile would not report."""
        form, offset = self._tiff.tiff, self._tiff.pages[-1].offset
        count = self._number(offset, form.tagnoformat)
        following = self._number(offset + form.tagnosize + count * form.tagsize, form.offsetformat)
        if following != 0:
            raise ValueError(f"page {self.count + 1} should be at {following}")

    def _number(self, offset: int, form: str) -> int:
        self._file.seek(offset)
        number: int = struct.unpack(form, self._file.read(struct.calcsize(form)))[0]
        return number

    def _check_data(self, page: Any) -> None:
        """Refuse a page whose pixels cannot all be in the file."""
        stored = 0
        for offset, length in zip(page.dataoffsets, page.databytecounts, strict=True):
            # tifffile would read missing bytes as black.
            if offset <= 0 or length <= 0 or offset + length > self._size:
                raise ValueError(
                    f"{length} bytes of pixels should be at {offset} of its {self._size} bytes"
                )
            stored += length
        raw = page.imagelength * _row_bytes(page)
        ratio = RATIOS.get(page.compression, RATIO_MAX)
        check_size(page.imagewidth, page.imagelength, raw / ratio, stored)

    def _metadata(self, page: Any) -> tuple[Metadata, int]:
        exif = Image.Exif()
        try:
            exif.endian = self._tiff.byteorder
            exif.load_from_fp(self._file, page.offset)
            for tag in set(exif) - {*EXIF_TAGS, ORIENTATION}:
                del exif[tag]
        except Exception:  # damaged metadata is no reason to refuse the picture
            exif = Image.Exif()
        content, orientation = upright_exif(exif, page.imagewidth, page.imagelength)
        if not set(exif) - {ORIENTATION}:
            content = None
        profile, description = self._raw(page, PROFILE), self._raw(page, DESCRIPTION)
        options: dict[str, Any] = {"subfiletype": int(page.subfiletype)}
        if description and not page.is_shaped:  # tifffile's own describes other pages
            options["description"] = description.rstrip(b"\0")
        dpi = None
        resolution = [page.tags.valueof(tag) for tag in RESOLUTION]
        unit = page.tags.valueof(UNIT, 2)
        if unit in UNITS and all(map(_is_ratio, resolution)):
            if orientation in ON_THEIR_SIDE:
                resolution.reverse()
            options |= {"resolution": tuple(resolution), "resolutionunit": int(unit)}
            if unit in INCHES:
                across, down = (top / bottom / INCHES[unit] for top, bottom in resolution)
                dpi = upright_dpi((across, down), 1)
        extra = [(tag, kind, self._raw(page, tag), size) for tag, kind, size in IMAGEJ]
        options["extratags"] = [
            (tag, kind, len(content) // size, content, True)
            for tag, kind, content, size in extra
            if content
        ]
        tags = TiffTags(
            byteorder=self._tiff.byteorder,
            imagej=self._tiff.is_imagej and self.count > 1,
            options=options,
        )
        return Metadata(profile=profile, exif=content, dpi=dpi, tiff=tags), orientation

    def _raw(self, page: Any, code: int) -> bytes | None:
        """The bytes of a tag; None if there is none."""
        tag = page.tags.get(code)
        if tag is None or tag.valueoffset + tag.valuebytecount > self._size:
            return None
        self._file.seek(tag.valueoffset)
        return self._file.read(tag.valuebytecount)


def _check_samples(page: Any) -> None:
    """Refuse pixels that cannot be kept without loss."""
    bits, kind = page.bitspersample, page.photometric
    if page.dtype is None or page.dtype.kind not in "bu" or page.imagedepth != 1:
        raise RefusedError(f"holds values of type {page.dtype}")
    if not isinstance(bits, int) or not 1 <= bits <= DEEP:
        raise RefusedError(f"holds {bits} bits a channel")
    colours = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1}.get(kind)
    if kind == YCBCR and page.compression == JPEG:
        colours = 3  # decoded to red, green, blue
    if colours is None:
        raise RefusedError(f"holds pixels of kind {OTHERS.get(kind, int(kind))}")
    if kind == WHITE_IS_ZERO and bits > 8:
        raise RefusedError("holds a 16-bit negative (white is zero)", "invert it first")
    alpha = kind != PALETTE and tuple(page.extrasamples) in ((ASSOCIATED,), (UNASSOCIATED,))
    if page.samplesperpixel != colours + alpha:
        raise RefusedError(
            f"holds {page.samplesperpixel} channels; {colours}, or one more that is marked as "
            f"transparency, are supported",
            "save each of them as a grey picture",
        )
    if alpha and 8 < bits < DEEP:
        raise RefusedError(f"holds transparency of {bits} bits", f"save it with {DEEP}")


def _check_alpha(page: Any, samples: Array) -> None:
    """Refuse colours that are multiplied with their transparency: division is not exact."""
    if tuple(page.extrasamples) == (ASSOCIATED,):
        alpha = samples[..., -1]
        if (alpha != np.iinfo(alpha.dtype).max).any():
            raise RefusedError(
                "holds colours multiplied with their transparency (associated alpha)",
                "save it with unassociated alpha",
            )


def _row_bytes(page: Any) -> int:
    """Bytes of a row of pixels with all channels, before compression."""
    if page.planarconfig == SEPARATE:
        return int(page.samplesperpixel * -(-page.imagewidth * page.bitspersample // 8))
    return int(-(-page.imagewidth * page.samplesperpixel * page.bitspersample // 8))


def _in_whole_words(page: Any) -> bool:
    """Whether values of fewer than 16 bits, which should be packed, have 16 bits each."""
    unpacked = 2 * page.samplesperpixel * page.imagewidth * page.imagelength
    return (
        8 < page.bitspersample < DEEP
        and page.compression == UNCOMPRESSED
        and not page.is_tiled
        and sum(page.databytecounts) == unpacked
    )


def _eight_bits(samples: Array, bits: int) -> Array:
    """Values of up to 8 bits on the scale 0..255."""
    values = samples.astype(np.uint8)
    return values if bits == 8 else to_grey_levels(values, (1 << bits) - 1)


def _white(page: Any, bits: int, samples: Array) -> int | None:
    """Full scale of values of more than 8 bits, if the file says it."""
    if bits < DEEP:
        return (1 << bits) - 1
    # Some programs write the largest value that occurs; only one that is all ones is accepted.
    largest = page.tags.valueof(LARGEST)
    for value in set(largest) if isinstance(largest, tuple) else {largest}:
        if value in WHITES and samples.max() <= value:
            return int(value)
    return None


def _is_ratio(value: Any) -> bool:
    """Whether a tag's value is a positive rational number."""
    return isinstance(value, tuple) and len(value) == 2 and all(0 < part < 2**32 for part in value)
