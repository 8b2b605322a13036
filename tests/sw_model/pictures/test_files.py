"""Pictures of 16 bits and arrays: read exactly, written whole, or refused with one sentence."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

from sw_model.pictures.arrays import kind, to_grey_levels, to_pixels, without_residual
from sw_model.pictures.files import open_image
from sw_model.pictures.output import check_image, written_as
from sw_model.pictures.page import Page
from sw_model.spec import UsageError

from .picture_files import read_image, write_image
from .test_eight_bit import png, stored


def deep(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 65536, shape).astype(np.uint16)


def rows_of_png(array):
    return b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)


# ---------------------------------------------------------------------------- 16 bits


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy"])
@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (1, 1), (1, 1, 3), (300, 2, 3)])
def test_deep_pictures_keep_every_bit(tmp_path, suffix, shape):
    path = tmp_path / f"a{suffix}"
    write_image(path, deep(*shape))
    again = read_image(path)
    assert again.dtype == np.uint16
    assert (again == deep(*shape)).all()
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


# An array in Fortran order reaches the writers as it was read.
@pytest.mark.parametrize("shape", [(5, 4), (3, 5, 4)])
@pytest.mark.parametrize(
    ("suffix", "dtype"),
    [
        *(
            (suffix, dtype)
            for suffix in (".png", ".tif", ".npy")
            for dtype in (np.uint8, np.uint16)
        ),
        (".bmp", np.uint8),
    ],
)
def test_any_memory_layout_is_written(tmp_path, suffix, dtype, shape):
    array = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, shape).astype(dtype).T
    write_image(tmp_path / f"a{suffix}", array)
    assert np.array_equal(read_image(tmp_path / f"a{suffix}"), array)


def test_deep_colour_is_read_by_others(tmp_path):
    picture = deep(5, 7, 3)
    write_image(tmp_path / "a.tif", picture)
    assert (tifffile.imread(tmp_path / "a.tif") == picture).all()
    # Pillow checks the PNG's sums and filters, and keeps the high bytes.
    write_image(tmp_path / "a.png", picture)
    assert (np.asarray(Image.open(tmp_path / "a.png")) == picture >> 8).all()


def test_deep_colour_of_other_programs_is_read(tmp_path):
    picture = deep(5, 7, 3)
    path = png(tmp_path / "a.png", 16, 2, rows_of_png(picture), 7, 5)
    assert (read_image(path) == picture).all()
    opaque = np.dstack([picture, np.full((5, 7), 65535, np.uint16)])
    path = png(tmp_path / "b.png", 16, 6, rows_of_png(opaque), 7, 5)
    assert (read_image(path) == picture).all()
    for order in "<>":
        for compression in (None, "zlib"):
            path = tmp_path / "a.tif"
            tifffile.imwrite(
                path, picture, photometric="rgb", byteorder=order, compression=compression
            )
            assert (read_image(path) == picture).all()


def test_deep_grey_of_either_byte_order(tmp_path):
    for order in "<>":
        tifffile.imwrite(tmp_path / "a.tif", deep(5, 7), byteorder=order)
        assert (read_image(tmp_path / "a.tif") == deep(5, 7)).all()


def test_orientation_of_deep_pictures_is_applied(tmp_path):
    turned = [(274, "H", 1, 6, True)]
    for picture in (deep(4, 6), deep(4, 6, 3), (deep(4, 6) >> 8).astype(np.uint8)):
        photometric = "rgb" if picture.ndim == 3 else "minisblack"
        path = tmp_path / "a.tif"
        tifffile.imwrite(path, picture, photometric=photometric, extratags=turned)
        assert (read_image(path) == np.rot90(picture, -1)).all()


def test_deep_grey_stays_grey_in_colour_files(tmp_path):
    grey = deep(4, 6)
    write_image(tmp_path / "a.png", np.dstack([grey] * 3))
    assert (read_image(tmp_path / "a.png") == grey).all()


def test_eight_bits_are_read_as_before(tmp_path):
    grey = (deep(4, 6) >> 8).astype(np.uint8)
    path = stored(tmp_path / "a.png", Image.fromarray(grey))
    assert read_image(path).dtype == np.uint8
    assert (read_image(path) == grey).all()


def test_formats_of_eight_bits_get_rounded_ones():
    page = Page(array=deep(4, 6))
    for suffix in (".jpg", ".bmp", ".webp"):
        assert (written_as(suffix, page).array == np.rint(page.array / 257)).all()
    for suffix in (".png", ".tif", ".pgm", ".npy"):
        assert written_as(suffix, page) == page


def deep_files_that_are_refused(folder):
    path = folder / "negative.tif"
    tifffile.imwrite(path, deep(4, 4), photometric="miniswhite")
    yield path, "a 16-bit negative"
    path = folder / "float.tif"
    tifffile.imwrite(path, np.zeros((4, 4), np.float32))
    yield path, "holds values of type float32; grey or colour pictures of up to 8 bits as PNG"
    path = folder / "signed.tif"
    tifffile.imwrite(path, np.zeros((4, 4), np.int16))
    yield path, "holds values of type int16"
    path = folder / "long.tif"
    tifffile.imwrite(path, np.zeros((4, 4), np.uint32))
    yield path, "holds 32 bits a channel"


def test_other_deep_files_are_refused(tmp_path):
    for path, complaint in deep_files_that_are_refused(tmp_path):
        with pytest.raises(UsageError, match=complaint):
            read_image(path)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_truncated_deep_pictures(tmp_path, suffix, share):
    path = tmp_path / f"a{suffix}"
    write_image(path, deep(40, 40, 3))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UsageError, match="cannot be read as a picture"):
        read_image(path)


# ---------------------------------------------------------------------------- arrays


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, ">i2", np.int64, np.uint16, ">u2"])
def test_arrays_are_read_as_they_are(tmp_path, dtype):
    array = np.asfortranarray(np.arange(12).reshape(3, 4)).astype(dtype)
    np.save(tmp_path / "a.npy", array)
    again = read_image(tmp_path / "a.npy", 65535 if array.dtype.str[1:] == "u2" else None)
    assert again.dtype == array.dtype
    assert (again == array).all()


@pytest.mark.parametrize(
    ("array", "complaint"),
    [
        (np.zeros((2, 2)), "float64 are not accepted, since they may be meant as"),
        (np.zeros((2, 2), bool), "type bool are not accepted"),
        (np.full((2, 2), 512), r"reach from 512 to 512, outside of -512\.\.511"),
        (np.full((2, 2), -513), "reach from -513 to -513"),
        (np.zeros(4, int), r"shape \(4,\) is no picture; \(H, W\) for grey"),
        (np.zeros((2, 2, 4), int), r"shape \(2, 2, 4\) is no picture"),
        (np.zeros((3, 2, 2), int), r"shape \(3, 2, 2\) is no picture"),
        (np.zeros((0, 2), int), r"shape \(0, 2\) is no picture"),
        (np.array([[None]]), "cannot be read as an array"),
    ],
)
def test_other_arrays_are_refused(tmp_path, array, complaint):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(UsageError, match=rf"a\.npy.*{complaint}"):
        read_image(tmp_path / "a.npy")


def test_files_that_are_no_arrays(tmp_path):
    for content in (b"", b"not an array", b"\x93NUMPY\x01\x00\xff\xff{"):
        (tmp_path / "a.npy").write_bytes(content)
        with pytest.raises(UsageError, match=r"a\.npy cannot be read as an array"):
            read_image(tmp_path / "a.npy")
    with (tmp_path / "z.npy").open("wb") as file:
        np.savez(file, a=np.zeros((2, 2), int))
    with pytest.raises(UsageError, match="several arrays"):
        read_image(tmp_path / "z.npy")
    with pytest.raises(UsageError, match="does not exist"):
        read_image(tmp_path / "none.npy")
    with pytest.raises(UsageError, match="is a folder"):
        (tmp_path / "folder.npy").mkdir()
        read_image(tmp_path / "folder.npy")


def npy(header, content=b"", version=b"\1\0"):
    size = len(header).to_bytes(2 if version == b"\1\0" else 4, "little")
    return b"\x93NUMPY" + version + size + header.encode() + content


HEADER = "{{'descr': '{}', 'fortran_order': False, 'shape': {}}}\n"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"PK\3\4", "several arrays in one file are not accepted"),
        (b"PK\3\4" + bytes(100), "several arrays in one file are not accepted"),
        (npy("{'shape': (((((("), "cannot be read as an array"),
        (npy("(" * 9000), "cannot be read as an array"),
        (npy("-" * 9000 + "1"), "cannot be read as an array"),
        (npy(HEADER.format("<i2", "(True, 3)"), bytes(6)), r"shape \(True, 3\) and type int16"),
        (npy(HEADER.format("<i2", "(-1, 3)"), bytes(6)), r"shape \(-1, 3\) and type int16"),
        (npy(HEADER.format("<i2", "(100000, 100000000)")), "need 20000000000000 bytes"),
        (npy(HEADER.format("<i2", "(2, 3)"), bytes(11)), "need 12 bytes, but the file has 11"),
        (npy(HEADER.format("V0", "(1000000, 1000000)")), r"type \|V0 are not accepted"),
        (
            npy(HEADER.format("<i2", "(2, 3)"), bytes(12), b"\3\0"),
            r"version \(3, 0\) is not one of",
        ),
    ],
)
def test_tricks_of_headers(tmp_path, content, complaint):
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(UsageError, match=rf"a\.npy.*{complaint}"):
        read_image(tmp_path / "a.npy")


@pytest.mark.parametrize("version", [b"\1\0", b"\2\0"])
def test_both_versions_of_arrays(tmp_path, version):
    content = npy(HEADER.format("<i2", "(2, 3)"), np.arange(6, dtype="<i2").tobytes(), version)
    (tmp_path / "a.npy").write_bytes(content)
    assert read_image(tmp_path / "a.npy").tolist() == [[0, 1, 2], [3, 4, 5]]


def test_a_profile_that_is_a_number_is_none(tmp_path):
    path = tmp_path / "a.tif"
    short = 3
    tifffile.imwrite(path, deep(4, 5), extratags=[(34675, short, 1, 7, True)], metadata=None)
    with open_image(path) as source:
        assert source.page(0).metadata.profile is None


def test_unknown_suffixes_are_told_all_that_there_are(tmp_path):
    with pytest.raises(UsageError, match=r"suffix '\.xyz' is not one of \.png, .*\.npy"):
        check_image(tmp_path / "a.xyz", (2, 2))


# ---------------------------------------------------------------------------- the scale


def test_deep_values_are_rounded_to_grey_levels():
    every = np.arange(65536).astype(np.uint16).reshape(256, 256)
    assert (to_grey_levels(every, 65535) == np.rint(every / 257)).all()
    assert (to_pixels(every) == np.rint(every / 257)).all()


def test_signed_pixels_are_not_clipped():
    array = np.array([[-512, -1], [256, 511]])
    assert (to_pixels(array) == array).all()
    assert without_residual(array, np.array([[-600, 0], [0, 500]])).tolist() == [[88, 0], [255, 11]]


def test_deep_results_round_to_the_networks_picture():
    # Whatever the residual: 16 bits add shades below a grey level, nothing else.
    picture = deep(64, 64)
    residual = np.random.default_rng(1).integers(-300, 300, picture.shape)
    less = without_residual(picture, residual)
    assert less.dtype == np.uint16
    shallow = without_residual(to_grey_levels(picture, 65535), residual)
    assert (to_grey_levels(less, 65535) == shallow).all()
    assert (without_residual(picture, 0 * residual) == picture).all()


def test_kinds_are_named():
    assert kind(np.zeros((2, 2), np.uint8)) == "grey"
    assert kind(np.zeros((2, 2, 3), np.uint16)) == "colour, 16 bits"
    assert kind(np.zeros((2, 2), ">u2")) == "grey, 16 bits"
    assert kind(np.zeros((2, 2), np.int32)) == "grey, int32"
