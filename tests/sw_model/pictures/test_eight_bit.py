"""Pictures of all kinds: read exactly, or refused with one sentence; and the noise put on them."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from sw_model.pictures.eight_bit import PICTURES, check_format, read_picture, write_picture
from sw_model.pictures.noise import add_noise, join_planes, planes
from sw_model.spec import PIXEL_MAX, PIXEL_MIN, UsageError

LOSSLESS = [suffix for suffix in PICTURES if suffix not in (".jpg", ".jpeg")]


def picture(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def stored(path, image, **options):
    image.save(path, **options)
    return path


def png(path, depth, colour, data, width=2, height=1):
    """A PNG made by hand, of kinds that Pillow does not write."""

    def chunk(kind, content):
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(data))
        + chunk(b"IEND", b"")
    )
    return path


# ---------------------------------------------------------------------------- round trips


@pytest.mark.parametrize("suffix", LOSSLESS)
@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (1, 1), (1, 9), (9, 1)])
def test_lossless_formats_keep_every_pixel(tmp_path, suffix, shape):
    if (suffix, len(shape)) in ((".pgm", 3), (".ppm", 2)):
        return
    path = tmp_path / f"a{suffix}"
    original = picture(*shape)
    write_picture(path, original)
    again = read_picture(path)
    assert again.dtype == np.uint8
    assert again.shape == shape
    assert (again == original).all()


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".JPG"])
def test_jpeg_is_close(tmp_path, suffix):
    smooth = np.add.outer(np.arange(32), np.arange(32)).astype(np.uint8)
    write_picture(tmp_path / f"a{suffix}", smooth)
    difference = read_picture(tmp_path / f"a{suffix}").astype(int) - smooth
    assert abs(difference).max() <= 4


def test_grey_stays_grey_in_colour_files(tmp_path):
    grey = picture(4, 6)
    path = stored(tmp_path / "a.png", Image.fromarray(grey).convert("RGB"))
    assert (read_picture(path) == grey).all()


# ---------------------------------------------------------------------------- kinds of pixels


def test_palette_and_bilevel_pictures(tmp_path):
    colours = picture(4, 6, 3) // 128 * 255
    image = Image.fromarray(colours)
    path = stored(tmp_path / "a.png", image.convert("P", palette=Image.Palette.ADAPTIVE))
    assert (read_picture(path) == colours).all()
    bilevel = picture(4, 6) // 128 * 255
    path = stored(tmp_path / "b.png", Image.fromarray(bilevel).convert("1"))
    assert (read_picture(path) == bilevel).all()


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_opaque_alpha_is_dropped(tmp_path, mode, suffix):
    grey = picture(4, 6)
    image = Image.fromarray(grey).convert(mode)
    path = stored(tmp_path / f"a{suffix}", image, lossless=True)
    assert (read_picture(path) == grey).all()


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_transparent_pixels_are_refused(tmp_path, mode):
    image = Image.fromarray(picture(4, 6)).convert(mode)
    image.putpixel((0, 0), (0,) * len(mode))
    path = stored(tmp_path / "a.png", image)
    with pytest.raises(UsageError, match=r"a\.png has transparent pixels; flatten it"):
        read_picture(path)


def test_transparent_palette_entries_are_refused(tmp_path):
    image = Image.fromarray(picture(4, 6) // 128).convert("P")
    path = stored(tmp_path / "a.png", image, transparency=0)
    with pytest.raises(UsageError, match="transparent"):
        read_picture(path)


def test_orientation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    grey = picture(4, 6)
    path = stored(tmp_path / "a.png", Image.fromarray(grey), exif=exif)
    assert (read_picture(path) == np.rot90(grey, -1)).all()


def sixteen_bit_files(folder):
    grey = Image.fromarray(np.full((1, 2), 300, np.uint16))
    yield stored(folder / "grey.png", grey)
    yield stored(folder / "grey.tif", grey)
    yield stored(folder / "grey.pgm", grey)
    yield png(folder / "colour.png", 16, 2, b"\0" + bytes(12))
    yield png(folder / "alpha.png", 16, 6, b"\0" + bytes(16))
    for maximum in (256, 1023, 65535):
        path = folder / f"{maximum}.ppm"
        path.write_bytes(f"P6 2 1 {maximum}\n".encode() + bytes(12))
        yield path
    yield stored(folder / "float.tif", Image.fromarray(np.zeros((1, 2), np.float32)))


def test_deeper_pixels_are_refused_not_narrowed(tmp_path):
    for path in sixteen_bit_files(tmp_path):
        with pytest.raises(UsageError, match="8-bit grey or colour pictures as PNG"):
            read_picture(path)


def test_deep_colour_tiff_is_refused(tmp_path):
    for planar, shape in (("contig", (4, 4, 3)), ("separate", (3, 4, 4))):
        path = tmp_path / f"{planar}.tif"
        tifffile.imwrite(path, np.zeros(shape, np.uint16), photometric="rgb", planarconfig=planar)
        with pytest.raises(UsageError, match="more than 8 bits a channel"):
            read_picture(path)


@pytest.mark.parametrize("mode", ["CMYK", "LAB", "YCbCr"])
def test_other_colour_spaces_are_refused(tmp_path, mode):
    path = stored(tmp_path / "a.tif", Image.new(mode, (4, 3)))
    with pytest.raises(UsageError, match=f"holds pixels of kind {mode}"):
        read_picture(path)


# ---------------------------------------------------------------------------- bad files


def test_no_noise_with_either_sign():
    clean = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert (add_noise(clean, -0.0, 1) == clean).all()


@pytest.mark.parametrize("suffix", [".npy", ".png"])
def test_arrays_are_no_pictures(tmp_path, suffix):
    with (tmp_path / f"a{suffix}").open("wb") as file:
        np.save(file, np.zeros((2, 3, 3), np.int16))
    with pytest.raises(UsageError, match=r"cannot be read as a picture \(it is an array\)"):
        read_picture(tmp_path / f"a{suffix}")


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(UsageError, match=r"none\.png does not exist; 8-bit grey or colour"):
        read_picture(tmp_path / "none.png")
    with pytest.raises(UsageError, match="is a folder, not a picture"):
        read_picture(tmp_path)
    for name in ("x" * 300, "a\0b"):
        with pytest.raises(UsageError, match="cannot be read as a picture"):
            read_picture(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"not a picture at all", b"P5 0 3 255\n", b"GIF89a"])
def test_files_that_are_no_pictures(tmp_path, content):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"a\.png cannot be read as a picture") as caught:
        read_picture(path)
    assert "_io." not in str(caught.value)


def test_pictures_without_pixels(tmp_path):
    path = png(tmp_path / "a.png", 8, 0, b"", width=0, height=4)
    with pytest.raises(UsageError, match="cannot be read as a picture"):
        read_picture(path)


@pytest.mark.parametrize("suffix", list(PICTURES))
@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
def test_truncated_pictures(tmp_path, suffix, share):
    path = tmp_path / f"a{suffix}"
    write_picture(path, picture(40, 40, 3) if suffix != ".pgm" else picture(40, 40))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UsageError, match="cannot be read as a picture"):
        read_picture(path)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_animations_and_pages_are_refused(tmp_path, suffix):
    frames = [Image.fromarray(picture(8, 8, seed=i)) for i in range(3)]
    path = stored(tmp_path / f"a{suffix}", frames[0], save_all=True, append_images=frames[1:])
    with pytest.raises(UsageError, match=r"is animated or has pages \(3\)"):
        read_picture(path)


def test_photographs_with_extra_pictures_are_read(tmp_path):
    frames = [Image.fromarray(picture(8, 8, 3, seed=i)) for i in range(2)]
    path = tmp_path / "a.jpg"
    frames[0].save(path, format="MPO", save_all=True, append_images=frames[1:])
    assert read_picture(path).shape == (8, 8, 3)


def test_enormous_pictures_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    path = stored(tmp_path / "a.png", Image.fromarray(picture(5, 5)))
    with pytest.raises(UsageError, match="has more than 20 pixels; give a smaller one"):
        read_picture(path)
    # Between one and two times the limit Pillow only warns, which is no reason to refuse.
    path = stored(tmp_path / "b.png", Image.fromarray(picture(4, 4)))
    assert read_picture(path).shape == (4, 4)


# ---------------------------------------------------------------------------- outputs


@pytest.mark.parametrize(
    ("name", "shape", "complaint"),
    [
        ("a", (2, 2), r"suffix '' is not one of \.png, \.tif"),
        ("a.gif", (2, 2), r"suffix '\.gif' is not one of"),
        ("a.pgm", (2, 2, 3), r"\.pgm does not hold colour pictures; \.png does"),
        ("a.ppm", (2, 2), r"\.ppm does not hold grey pictures; \.png does"),
        ("a.webp", (2, 16_384), r"\.webp holds at most 16383 pixels a side, not 16384"),
        ("a.jpg", (70_000, 2), r"\.jpg holds at most 65500 pixels a side, not 70000"),
    ],
)
def test_outputs_that_cannot_be_written_are_known_before(tmp_path, name, shape, complaint):
    with pytest.raises(UsageError, match=complaint):
        check_format(tmp_path / name, shape)


@pytest.mark.parametrize(("suffix", "side"), [(".webp", 16_383), (".jpg", 65_500)])
def test_the_largest_sides_can_be_written(tmp_path, suffix, side):
    write_picture(tmp_path / f"a{suffix}", np.zeros((1, side), np.uint8))
    assert read_picture(tmp_path / f"a{suffix}").shape == (1, side)


def test_written_pictures_leave_nothing_else(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    write_picture(path, picture(3, 3))
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_planes_join_again():
    for shape in ((3, 4), (3, 4, 3)):
        original = picture(*shape)
        parts = list(planes(original))
        assert [p.shape for p in parts] == [(3, 4)] * (1 if len(shape) == 2 else 3)
        assert (join_planes(parts) == original).all()


# ---------------------------------------------------------------------------- noise


def test_noise_is_the_defined_one():
    clean = picture(40, 50)
    noise = np.random.default_rng(7).normal(0, 25, (40, 50))
    noisy = add_noise(clean, 25, 7)
    assert noisy.dtype == np.int16
    assert (noisy == np.clip(np.rint(clean + noise), PIXEL_MIN, PIXEL_MAX)).all()
    assert noisy.min() < 0
    assert noisy.max() > 255
    camera = add_noise(clean, 25, 7, "camera")
    assert (camera == np.rint(np.clip(clean + noise, 0, 255))).all()


def test_noise_is_clamped_to_the_pixels_range():
    noisy = add_noise(picture(40, 50), 500, 0)
    assert (noisy.min(), noisy.max()) == (PIXEL_MIN, PIXEL_MAX)


def test_no_noise_changes_nothing():
    for protocol in ("paper", "camera"):
        assert (add_noise(picture(4, 5), 0, 3, protocol) == picture(4, 5)).all()


def test_colours_have_noise_of_their_own():
    clean = picture(6, 7, 3)
    noisy = add_noise(clean, 25, 4)
    for channel in range(3):
        assert (noisy[..., channel] == add_noise(clean[..., channel], 25, 4 + channel)).all()


@pytest.mark.parametrize(
    ("sigma", "seed", "protocol", "complaint"),
    [
        (-1, 0, "paper", "noise sigma -1 is not a number of grey levels, 0 or more"),
        (float("nan"), 0, "paper", "sigma nan"),
        (float("inf"), 0, "paper", "sigma inf"),
        (25, -1, "paper", "seed -1 is not 0 or more"),
        (25, 0, "film", "protocol 'film' is not one of paper, camera"),
    ],
)
def test_impossible_noise(sigma, seed, protocol, complaint):
    with pytest.raises(UsageError, match=complaint):
        add_noise(picture(2, 2), sigma, seed, protocol)
