"""Full scale of 16-bit values: from the file, from the user, or refused; no black pictures."""

from __future__ import annotations

import io
import struct
import zlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from sw_model import denoise, trace
from sw_model.pictures.arrays import DEEP_MAX, kind, to_grey_levels, to_pixels, without_residual
from sw_model.pictures.crops import default_picture
from sw_model.pictures.eight_bit import read_picture
from sw_model.pictures.files import open_image
from sw_model.pictures.metrics import quality
from sw_model.pictures.noise import add_noise
from sw_model.spec import UsageError
from tests.sw_model.test_cli import refused, run

from .picture_files import read_image

COMPACT = ["--deployment", "compact"]
SCALES = (255, 1023, 4095, 4096, 16383, 510, 100, 65535)


def values(white, *shape, seed=0):
    return np.random.default_rng(seed).integers(0, white + 1, shape).astype(np.uint16)


@pytest.fixture(scope="module")
def photograph():
    """A clean crop, and the noisy one of a camera."""
    clean = np.ascontiguousarray(read_picture(default_picture())[100:228, 150:278])
    return clean, add_noise(clean, 25, 0, "camera").astype(np.uint8)


def in_bits(noisy, bits):
    return np.rint(noisy * float((1 << bits) - 1) / 255).astype(np.uint16)


def psnr(clean, denoised, white):
    return quality(clean, to_grey_levels(denoised, white)).psnr


# ---------------------------------------------------------------------------- arithmetic


@pytest.mark.parametrize("white", SCALES)
def test_pixels_are_rounded_exactly(white):
    every = np.arange(white + 1).astype(np.uint16).reshape(1, -1)
    # Python's fractions round a tie to the even neighbour, as rint does.
    expected = [round(Fraction(value * 255, white)) for value in range(white + 1)]
    assert to_pixels(every, white).tolist() == [expected]
    assert to_pixels(every, white).dtype == np.int16


@pytest.mark.parametrize("white", SCALES)
def test_residuals_are_scaled_back_exactly(white):
    array = values(white, 8, 64)
    residual = np.random.default_rng(1).integers(-300, 300, array.shape)
    expected = [
        min(max(int(value) - round(Fraction(int(grey) * white, 255)), 0), white)
        for value, grey in zip(array.flat, residual.flat, strict=True)
    ]
    less = without_residual(array, residual, white)
    assert less.dtype == np.uint16
    assert less.ravel().tolist() == expected


def test_full_16_bits_are_as_without_a_scale():
    array = values(DEEP_MAX, 20, 20)
    residual = np.random.default_rng(1).integers(-300, 300, array.shape)
    assert (to_pixels(array, DEEP_MAX) == to_pixels(array)).all()
    assert (to_pixels(array) == (array + 128) // 257).all()
    same = (array - 257 * residual).clip(0, 65535)
    assert (without_residual(array, residual, DEEP_MAX) == same).all()
    assert (without_residual(array, residual) == same).all()


# ---------------------------------------------------------------------------- the library


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_fewer_bits_give_the_picture_of_8(photograph, bits):
    clean, noisy = photograph
    white = (1 << bits) - 1
    eight = quality(clean, denoise(noisy, "compact")).psnr
    result = denoise(in_bits(noisy, bits), "compact", white=white)
    assert result.dtype == np.uint16
    assert result.max() <= white
    assert psnr(clean, result, white) == pytest.approx(eight, abs=0.1)
    assert eight > quality(clean, noisy).psnr + 5


def test_what_looks_like_fewer_bits_is_refused(photograph):
    _, noisy = photograph
    for bits, named in ((8, "255 if these are 8 bits"), (12, "4095 if these are 12 bits")):
        for function in (denoise, trace):
            with pytest.raises(ValueError, match=named) as caught:
                function(in_bits(noisy, bits), "compact")
            assert "white (--white on the command line)" in str(caught.value)
            assert "65535 if the picture is dark" in str(caught.value)
    edge = np.full((4, 4), 16383, np.uint16)
    with pytest.raises(ValueError, match="16383 if these are 14 bits"):
        to_pixels(edge)
    assert (to_pixels(edge + 1) == 64).all()


def test_dark_pictures_have_a_way_through():
    dark = values(1000, 6, 7)
    assert (to_pixels(dark, 65535) == np.rint(dark / 257)).all()
    assert denoise(dark, "compact", white=65535).shape == (6, 7)
    assert (trace(dark, "compact", white=65535).denoised <= 255).all()


@pytest.mark.parametrize(
    ("array", "white", "complaint"),
    [
        (values(4095, 4, 4) | 4000, 3000, "above white 3000"),
        (values(4095, 4, 4), 0, r"white 0 is not the full scale of 16-bit values, 1\.\.65535"),
        (values(4095, 4, 4), 65536, "white 65536 is not"),
        (np.zeros((4, 4), np.uint8), 255, "white 255 is for 16-bit pictures .*, not for uint8"),
        (np.zeros((4, 4), np.int32), 4095, "not for int32"),
    ],
)
def test_scales_that_do_not_fit(array, white, complaint):
    for function in (denoise, trace):
        with pytest.raises(ValueError, match=complaint):
            function(array, "compact", white=white)


def test_kinds_name_the_bits():
    assert kind(values(9, 2, 2), 4095) == "grey, 12 bits"
    assert kind(values(9, 2, 2), 4000) == "grey, 0 to 4000"
    assert kind(values(9, 2, 2), 65535) == "grey, 16 bits"


# ---------------------------------------------------------------------------- what files say


def png16(array, chunks=()):
    """A PNG of 16 bits, byte by byte."""

    def chunk(name, content):
        check = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)

    height, width = array.shape[:2]
    colour = {2: 0, 3: 2}[array.ndim]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0))
        + b"".join(chunk(name, content) for name, content in chunks)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def packed(array):
    """Rows of 12-bit values, two in three bytes, most significant bits first."""
    text = "".join(f"{value:012b}" for value in array.ravel())
    return int(text, 2).to_bytes(len(text) // 8, "big")


def tiff(array, bits, data, extra=()):
    """An uncompressed grey TIFF, tag by tag."""
    height, width = array.shape
    entries = [
        (256, 3, width),
        (257, 3, height),
        (258, 3, bits),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 8),
        (277, 3, 1),
        (278, 3, height),
        (279, 4, len(data)),
        *extra,
    ]
    head = b"II*\0" + struct.pack("<I", 8 + len(data))
    ifd = struct.pack("<H", len(entries))
    for tag, kind_, value in sorted(entries):
        ifd += struct.pack("<HHII", tag, kind_, 1, value)
    return head + data + ifd + bytes(4)


def files_of_12_bits(array):
    """Name, content: everything that says that values end at 4095."""
    yield "packed.tif", tiff(array, 12, packed(array))
    yield "words.tif", tiff(array, 12, array.astype("<u2").tobytes())
    yield "largest.tif", tiff(array, 16, array.astype("<u2").tobytes(), [(281, 3, 4095)])
    yield "a.png", png16(array, [(b"sBIT", b"\x0c")])
    height, width = array.shape
    yield "a.pgm", b"P5 # twelve\n%d %d\n4095\n" % (width, height) + array.astype(">u2").tobytes()
    text = " ".join(map(str, array.ravel()))
    yield "plain.pgm", f"P2\n{width} {height} 4095\n{text}\n".encode()


def test_files_that_say_their_bits(tmp_path, photograph):
    _, noisy = photograph
    array = in_bits(noisy, 12)
    for name, content in files_of_12_bits(array):
        (tmp_path / name).write_bytes(content)
        with open_image(tmp_path / name) as source:
            page = source.page(0)
        assert page.white == 4095, name
        assert (page.array == array).all(), name


def test_colour_of_12_bits(tmp_path):
    array = values(4095, 4, 6, 3)
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="rgb", bitspersample=12)
    (tmp_path / "a.png").write_bytes(png16(array, [(b"sBIT", b"\x0c\x0b\x0c")]))
    (tmp_path / "a.ppm").write_bytes(b"P6\n6 4\n4095\n" + array.astype(">u2").tobytes())
    for name in ("a.tif", "a.png", "a.ppm"):
        with open_image(tmp_path / name) as source:
            assert source.page(0).white == 4095
            assert (source.page(0).array == array).all()


def test_scaled_png_is_taken_as_the_standard_says(tmp_path):
    # Twelve bits, scaled up: by repeating bits, by shifting, and a dark one by shifting.
    array = values(4095, 6, 7)
    for scaled in (array << 4 | array >> 8, array << 4, (array & 255) << 4):
        (tmp_path / "a.png").write_bytes(png16(scaled.astype(np.uint16), [(b"sBIT", b"\x0c")]))
        with open_image(tmp_path / "a.png") as source:
            assert source.page(0).white == 65535


def test_files_that_do_not_say_are_refused(tmp_path):
    array = values(4095, 6, 7) | 2048
    assert array.max() < 4095
    height, width = array.shape
    largest = (281, 3, int(array.max()))
    contents = {
        "a.png": png16(array),
        "a.tif": tiff(array, 16, array.astype("<u2").tobytes()),
        # The largest value that there is says nothing of those that there could be.
        "statistic.tif": tiff(array, 16, array.astype("<u2").tobytes(), [largest]),
    }
    stream = io.BytesIO()
    np.save(stream, array)
    contents["a.npy"] = stream.getvalue()
    for name, content in contents.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(UsageError, match=rf"{name}: the brightest .*--white .*: 4095 if"):
            read_image(path)
        assert (read_image(path, 4095) == array).all()
        with open_image(path, 65535) as source:
            assert source.page(0).white == 65535
    # What the user says counts more than what the file says.
    (tmp_path / "a.pgm").write_bytes(
        b"P5\n%d %d\n4095\n" % (width, height) + array.astype(">u2").tobytes()
    )
    with open_image(tmp_path / "a.pgm", 8191) as source:
        assert source.page(0).white == 8191


def test_values_above_the_scale_are_refused(tmp_path):
    (tmp_path / "a.pgm").write_bytes(b"P5\n1 2\n1000\n\x03\xe8\x03\xe9")
    with pytest.raises(UsageError, match="its values reach from 1000 to 1001, not 0 to 1000"):
        read_image(tmp_path / "a.pgm")
    np.save(tmp_path / "a.npy", np.full((2, 2), 5000, np.uint16))
    with pytest.raises(UsageError, match=r"a\.npy: the brightest .* is 5000, above white 4095"):
        read_image(tmp_path / "a.npy", 4095)


def test_fewer_than_8_bits_fill_the_scale(tmp_path):
    array = values(15, 4, 6).astype(np.uint8)
    nibbles = (array[:, ::2] << 4 | array[:, 1::2]).astype(np.uint8).tobytes()
    (tmp_path / "a.tif").write_bytes(tiff(array, 4, nibbles))
    assert (read_image(tmp_path / "a.tif") == array * 17).all()


# ---------------------------------------------------------------------------- the command


def test_the_command_with_a_tiff_of_12_bits(photograph, folder, capsys):
    clean, noisy = photograph
    array = in_bits(noisy, 12)
    eight = quality(clean, denoise(noisy, "compact")).psnr
    Path("a.tif").write_bytes(tiff(array, 12, packed(array)))
    code, out, err = run(capsys, "denoise", "a.tif", "-o", "o.tif", *COMPACT)
    assert (code, err) == (0, "")
    assert "128x128 grey, 12 bits" in out
    result = tifffile.imread("o.tif")
    assert result.dtype == np.uint16
    assert psnr(clean, result, 4095) == pytest.approx(eight, abs=0.1)
    # The result says its scale, too, wherever the format can.
    for name in ("o.tif", "o.png", "o.pgm"):
        run(capsys, "denoise", "a.tif", "-o", name, *COMPACT, "--force")
        with open_image(Path(name)) as source:
            assert source.page(0).white == 4095
            assert (source.page(0).array == result).all()
    code, out, _ = run(capsys, "denoise", "a.tif", "-o", "o.bmp", *COMPACT)
    assert ".bmp holds 8 of the 12 bits" in out
    assert (np.asarray(Image.open("o.bmp")) == to_grey_levels(result, 4095)).all()


def test_the_command_wants_to_be_told(photograph, folder, capsys):
    clean, noisy = photograph
    array = in_bits(noisy, 12)
    np.save("a.npy", array)
    err = refused(capsys, "denoise", "a.npy", "-o", "o.npy", *COMPACT)
    assert "a.npy: the brightest of its 16-bit values is 4095, far below 65535" in err
    assert "--white" in err
    arguments = ["denoise", "a.npy", "-o", "o.npy", *COMPACT, "--force"]
    code, out, _ = run(capsys, *arguments, "--white", 4095)
    assert code == 0
    assert "grey, 12 bits" in out
    eight = quality(clean, denoise(noisy, "compact")).psnr
    assert psnr(clean, np.load("o.npy"), 4095) == pytest.approx(eight, abs=0.1)
    code, out, _ = run(capsys, *arguments, "--white", 65535)
    assert code == 0
    assert "grey, 16 bits" in out
    code, out, _ = run(capsys, *arguments, "--white", 4095, "--noise", 0)
    assert np.load("o.npy").dtype == np.uint8
    assert (np.load("o.npy") == denoise(to_grey_levels(array, 4095), "compact")).all()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ["grey.png", "--white", "0"],
            "--white 0 is not the full scale of 16-bit values",
        ),
        (["grey.png", "--white", "70000"], "--white 70000 is not"),
        (["grey.png", "--white", "4095"], "grey.png: white 4095 is for 16-bit pictures"),
    ],
)
def test_other_scales_are_refused(folder, capsys, arguments, complaint):
    assert complaint in refused(capsys, "denoise", *arguments, "-o", "o.png", *COMPACT)
