"""Files that declare more pixels than they hold are refused before memory is taken for them."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from sw_model.pictures.files import open_image
from sw_model.spec import UsageError
from tests.sw_model.test_cli import ROOT

WIDTH, HEIGHT = 16_777_223, 9
"""Declared by a file of 205 bytes that once took 1.2 GB."""


def png(width, height, depth=8, colour=2, data=b""):
    def chunk(name, content):
        check = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(data))
        + chunk(b"IEND", b"")
    )


def bmp(width, height, bits=24, compression=0, data=b""):
    head = struct.pack("<2sIHHI", b"BM", 54 + len(data), 0, 0, 54)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, 0, 0)
    return head + info + data


def jpeg(folder, width, height):
    """A small JPEG with another size in its header."""
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(folder / "small.jpg")
    content = bytearray((folder / "small.jpg").read_bytes())
    frame = content.index(b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def tiff_of(compression, width=WIDTH, height=HEIGHT, counted=96):
    """A TIFF of 205 bytes or so."""
    entries = [
        (256, width),
        (257, height),
        (258, 8),
        (259, compression),
        (262, 1),
        (273, 8),
        (277, 1),
        (278, height),
        (279, counted),
    ]
    ifd = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    return b"II*\0" + struct.pack("<I", 104) + bytes(96) + struct.pack("<H", 9) + ifd + bytes(4)


def liars(folder):
    """Name and content."""
    for compression in (1, 5, 8, 32773, 7, 50000):
        yield f"{compression}.tif", tiff_of(compression)
    yield "beyond.tif", tiff_of(1, counted=WIDTH * HEIGHT)
    yield "strip.tif", tiff_of(1, 96, 1, counted=0)
    for depth, colour in ((8, 2), (16, 6), (1, 0), (8, 3)):
        yield f"{depth}-{colour}.png", png(16_000, 9_000, depth, colour)
    yield "flat.tif", tiff_of(1, 96, 0)
    yield "flat.png", png(5, 0)
    yield "a.bmp", bmp(16_000, 9_000)
    yield "rle.bmp", bmp(16_000, 9_000, 8, 1, bytes(1024))
    yield "a.pgm", b"P5\n16000 9000\n255\n" + bytes(99)
    yield "deep.ppm", b"P6\n16000 9000\n4095\n" + bytes(99)
    yield "plain.pgm", b"P2\n16000 9000\n255\n" + b"1 " * 99
    yield "deep-plain.pgm", b"P2\n16000 9000\n4095\n" + b"1 " * 99
    yield "a.jpg", jpeg(folder, 16_000, 9_000)
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (16000, 9000)}"
    yield "a.npy", b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + bytes(99)


def test_declared_pixels_that_are_not_there(tmp_path):
    for name, content in liars(tmp_path):
        (tmp_path / name).write_bytes(content)
        with (
            pytest.raises(UsageError, match=rf"{name} cannot be read as an? \w+ \(.*(bytes|x0)"),
            open_image(tmp_path / name),
        ):
            pass


def test_no_memory_is_taken_for_them(tmp_path):
    names = []
    for name, content in liars(tmp_path):
        (tmp_path / name).write_bytes(content)
        names.append(name)
    code = f"""
import resource
from pathlib import Path
import imagecodecs, tifffile
from sw_model.pictures.files import open_image
from sw_model.spec import UsageError
imagecodecs.png_decode
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for name in {names}:
    try:
        with open_image(Path(name)):
            pass
    except UsageError:
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(name, (after - before) // 1024)
        before = after
"""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    taken = dict(line.split() for line in done.stdout.splitlines())
    assert list(taken) == names
    assert max(map(int, taken.values())) < 40, taken  # MiB


def constant_files(folder):
    """The most that honest files hold in their bytes."""
    flat = Image.fromarray(np.full((3000, 3000), 7, np.uint8))
    for name, options in {
        "a.png": {"compress_level": 9},
        "a.jpg": {"quality": 1, "optimize": True},
        "b.jpg": {"quality": 1, "progressive": True, "optimize": True},
        "a.webp": {"lossless": True},
    }.items():
        flat.save(folder / name, **options)
        yield name
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd", "lzma", "jpeg"):
        flat.save(folder / f"{compression}.tif", compression=compression)
        yield f"{compression}.tif"
    bits = Image.fromarray(np.ones((3000, 3000), bool))
    bits.save(folder / "bits.png", compress_level=9)
    yield "bits.png"
    for compression in ("group3", "group4"):
        bits.save(folder / f"{compression}.tif", compression=compression)
        yield f"{compression}.tif"


def test_files_that_compress_well_are_read(tmp_path):
    for name in constant_files(tmp_path):
        with open_image(tmp_path / name) as source:
            array = source.page(0).array
        assert array.shape == (3000, 3000), name
        assert array.min() == array.max(), name


def test_a_strip_that_is_missing_is_not_black(tmp_path):
    array = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)
    options = {"compression": "zlib", "rowsperstrip": 16, "metadata": None}
    tifffile.imwrite(tmp_path / "a.tif", array, **options)
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as file:
        lengths = list(file.pages[0].databytecounts)
        lengths[2] = 0
        file.pages[0].tags["StripByteCounts"].overwrite(lengths)
    assert (tifffile.imread(tmp_path / "a.tif")[32:48] == 0).all()  # what tifffile makes of it
    with (
        pytest.raises(UsageError, match="0 bytes of pixels should be at"),
        open_image(tmp_path / "a.tif"),
    ):
        pass
