"""PNG of 8 and 16 bits, with alpha, through libpng (PNG specification, W3C 2003)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from .arrays import DEEP_MAX, Array, is_deep
from .metadata import DEFLATE_RATIO, check_size, parsed_exif, upright_dpi, upright_exif
from .page import Metadata, Page, RefusedError, page_of, samples_of

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER_END = 33
"""Bytes of the signature and of the first chunk, IHDR."""
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples per pixel of each colour type."""
DEEP = 16
PROFILE_MAX = 1 << 24
"""Most bytes of an ICC profile; those of printers have a few million."""
METRE = 0.0254
"""Metres in an inch."""


def read_png(file: BinaryIO, size: int) -> Page:
    """The picture of a PNG; errors as in `sw_model.pictures.files.open_image`."""
    from imagecodecs import png_decode

    content = file.read()
    chunks: dict[bytes, bytes] = {}
    for name, value in _chunks(content):
        chunks.setdefault(name, value)
    width, height, depth, colour = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    # Rows without their filter bytes, of which an interlaced picture has more.
    raw = height * -(-width * depth * SAMPLES[colour] // 8)
    check_size(width, height, raw / DEFLATE_RATIO, size)
    if (frames := int.from_bytes(chunks.get(b"acTL", b"")[:4], "big")) > 1:
        raise RefusedError(f"is animated or has pages ({frames})")
    exif, orientation = upright_exif(parsed_exif(chunks.get(b"eXIf")), width, height)
    metadata = Metadata(
        profile=_profile(chunks.get(b"iCCP", b"")),
        exif=exif,
        dpi=upright_dpi(_dpi(chunks.get(b"pHYs", b"")), orientation),
    )
    samples = png_decode(content)
    white = _white(samples, chunks.get(b"sBIT", b"")) if depth == DEEP else None
    return page_of(samples, orientation, white, metadata, collapse=True)


def write_png(file: BinaryIO, page: Page) -> None:
    """Write a page of 8 or 16 bits."""
    from imagecodecs import png_encode

    content = png_encode(samples_of(page))
    file.write(content[:HEADER_END])
    metadata = page.metadata
    if is_deep(page.array) and page.white not in (None, DEEP_MAX):
        # sBIT holds the number of bits, but no other full scale.
        bits = page.white.bit_length()
        if page.white == (1 << bits) - 1:
            colours = 1 if page.array.ndim == 2 else 3
            alpha = () if page.alpha is None else (DEEP,)
            _write_chunk(file, b"sBIT", bytes((*[bits] * colours, *alpha)))
    if metadata.profile is not None:
        _write_chunk(file, b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.profile))
    if metadata.dpi is not None:
        across, down = (round(dpi / METRE) for dpi in metadata.dpi)
        _write_chunk(file, b"pHYs", struct.pack(">IIB", across, down, 1))
    if metadata.exif is not None:
        _write_chunk(file, b"eXIf", metadata.exif)
    file.write(content[HEADER_END:])


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents of the chunks of a PNG, as far as they are complete."""
    offset = len(SIGNATURE)
    while offset + 12 <= len(content):
        length, name = struct.unpack(">I4s", content[offset : offset + 8])
        yield name, content[offset + 8 : offset + 8 + length]
        offset += 12 + length


def _write_chunk(file: BinaryIO, name: bytes, content: bytes) -> None:
    file.write(struct.pack(">I", len(content)) + name + content)
    file.write(struct.pack(">I", zlib.crc32(name + content)))


def _profile(content: bytes) -> bytes | None:
    """The ICC profile of a chunk: a name, a zero, a zero for deflate, the profile."""
    _, _, compressed = content.partition(b"\0")
    unpacker = zlib.decompressobj()
    try:
        profile = unpacker.decompress(compressed[1:], PROFILE_MAX)
    except zlib.error:
        return None
    return profile if unpacker.eof else None


def _dpi(content: bytes) -> tuple[float, float] | None:
    if len(content) != 9 or content[8] != 1:  # an aspect ratio without a unit
        return None
    across, down = struct.unpack(">II", content[:8])
    return across * METRE, down * METRE


def _white(samples: Array, bits: bytes) -> int | None:
    """Full scale that follows from an sBIT chunk.

    By the standard, values are scaled up to 16 bits and the chunk only says which bits matter. Some
    programs write it with unscaled values; then no value exceeds those bits, and not all values end
    in the zeros of scaled ones.
    """
    most = max(bits[: 3 if len(bits) > 2 else 1], default=0)
    if not 0 < most < DEEP:
        return None
    white = (1 << most) - 1
    colours = samples if samples.ndim == 2 else samples[..., : 1 if samples.shape[2] < 3 else 3]
    scaled = colours.max() > white or not (colours & ((1 << DEEP - most) - 1)).any()
    return DEEP_MAX if scaled else white
