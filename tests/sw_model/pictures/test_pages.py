"""What a file holds comes out again: channels, transparency, metadata, pages; or a sentence."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, TiffImagePlugin

from sw_model import denoise, load_deployment
from sw_model.pictures.eight_bit import read_picture
from sw_model.pictures.files import open_image
from sw_model.pictures.output import write_image
from sw_model.pictures.page import Page
from sw_model.spec import UsageError
from tests.sw_model.test_cli import ROOT, refused, run

TINY = ["--deployment", "tiny.safetensors"]
MAKE, ORIENTATION = ExifTags.Base.Make, ExifTags.Base.Orientation
EXPOSURE, WIDTH = ExifTags.Base.ExposureTime, ExifTags.Base.ExifImageWidth


def picture(*shape, seed=0, dtype=np.uint8):
    most = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, most, shape, endpoint=True).astype(dtype)


def page_of(path):
    with open_image(Path(path)) as source:
        assert source.count == 1
        return source.page(0)


# ---------------------------------------------------------------------------- channels


def strange_channels():
    """Name, samples, tifffile's options, and the complaint."""
    grey = {"photometric": "minisblack", "planarconfig": "contig"}
    rgb = {"photometric": "rgb", "planarconfig": "contig"}
    planes = {"photometric": "rgb", "planarconfig": "separate"}
    for dtype in (np.uint8, np.uint16):
        for channels in (2, 3, 5):
            yield picture(6, 7, channels, dtype=dtype), grey, f"{channels} channels; 1, or one more"
        yield picture(6, 7, 5, dtype=dtype), rgb, "5 channels; 3, or one more"
        yield picture(5, 6, 7, dtype=dtype), planes, "5 channels; 3, or one more"
        unknown = rgb | {"extrasamples": ["unspecified"]}
        yield picture(6, 7, 4, dtype=dtype), unknown, "4 channels; 3, or one more"
        multiplied = rgb | {"extrasamples": ["assocalpha"]}
        yield picture(6, 7, 4, dtype=dtype), multiplied, "multiplied with their transparency"
        yield picture(6, 7, 4, dtype=dtype), {"photometric": "separated"}, "pixels of kind CMYK"


def test_channels_are_never_dropped(tmp_path):
    path = tmp_path / "a.tif"
    for samples, options, complaint in strange_channels():
        tifffile.imwrite(path, samples, **options)
        for read in (page_of, read_picture):
            with pytest.raises(UsageError, match=complaint):
                read(path)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_layouts_that_hold_the_same_picture(tmp_path, dtype):
    samples = picture(20, 18, 4, dtype=dtype)
    ways = [
        {"planarconfig": "contig"},
        {"planarconfig": "separate"},
        {"planarconfig": "separate", "compression": "lzw", "predictor": True},
        {"planarconfig": "contig", "compression": "zlib", "byteorder": ">", "rowsperstrip": 7},
        {"planarconfig": "contig", "tile": (16, 16)},
        {"planarconfig": "contig", "bigtiff": True},
    ]
    for way in ways:
        separate = way["planarconfig"] == "separate"
        stored = np.moveaxis(samples, 2, 0) if separate else samples
        tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", **way)
        page = page_of(tmp_path / "a.tif")
        assert (page.array == samples[..., :3]).all()
        assert (page.alpha == samples[..., 3]).all()


def test_negatives_and_palettes_of_tiff(tmp_path):
    grey = picture(6, 7)
    tifffile.imwrite(tmp_path / "a.tif", grey, photometric="miniswhite")
    assert (page_of(tmp_path / "a.tif").array == 255 - grey).all()
    palette = picture(3, 256).astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "b.tif", grey, photometric="palette", colormap=palette)
    assert (page_of(tmp_path / "b.tif").array == palette.T[grey] // 257).all()
    bits = grey > 100
    tifffile.imwrite(tmp_path / "c.tif", bits, photometric="minisblack")
    assert (page_of(tmp_path / "c.tif").array == bits * 255).all()
    for compression in ("group3", "group4", "packbits"):
        Image.fromarray(bits).save(tmp_path / "d.tif", compression=compression)
        assert (page_of(tmp_path / "d.tif").array == bits * 255).all()


# ---------------------------------------------------------------------------- transparency


def transparent_files(folder):
    """Files, colours and alpha, made by Pillow and tifffile."""
    for name in ("a.png", "a.tif", "a.webp"):
        for channels in (2, 4):
            samples = picture(9, 8, channels)
            samples[2:5, 3:, -1] = 0  # colours that nobody sees
            Image.fromarray(samples).save(folder / name, lossless=True, exact=True)
            yield folder / name, samples
    for channels in (2, 4):
        samples = picture(9, 8, channels, dtype=np.uint16)
        photometric = "rgb" if channels == 4 else "minisblack"
        options = {"planarconfig": "contig", "extrasamples": ["unassalpha"]}
        tifffile.imwrite(folder / "b.tif", samples, photometric=photometric, **options)
        yield folder / "b.tif", samples
        write_image(
            folder / "b.png",
            Page(
                array=samples[..., :3] if channels == 4 else samples[..., 0], alpha=samples[..., -1]
            ),
        )
        with Image.open(folder / "b.png") as image:  # the other decoder gives the high bytes
            high = np.asarray(image)
        assert (high[..., -1] == samples[..., -1] >> 8).all()
        assert (high[..., 0] == samples[..., 0] >> 8).all()
        yield folder / "b.png", samples


def test_alpha_passes_unchanged(folder, capsys):
    for path, samples in transparent_files(folder):
        colours = samples[..., 0] if samples.shape[2] == 2 else samples[..., :3]
        expected = denoise(colours, "tiny.safetensors")
        for target in ("o.png", "o.tif", "o.webp"):
            if target == "o.webp" and samples.dtype == np.uint16:
                continue
            code, out, _ = run(capsys, "denoise", path, "-o", target, *TINY, "--force")
            assert code == 0
            assert ", alpha" in out
            page = page_of(target)
            assert (page.array == expected).all()
            assert (page.alpha == samples[..., -1]).all()
            if samples.dtype == np.uint8:
                with Image.open(target) as image:
                    assert (np.asarray(image)[..., -1] == samples[..., -1]).all()
    again = tifffile.imread("o.tif")
    assert (again[..., -1] == samples[..., -1]).all()


def test_transparent_values_become_alpha(folder, capsys):
    grey = picture(6, 7)
    Image.fromarray(grey).save("a.png", transparency=int(grey[2, 3]))
    assert (page_of("a.png").alpha == np.where(grey == grey[2, 3], 0, 255)).all()
    colours = picture(6, 7, 3)
    Image.fromarray(colours).save("b.png", transparency=tuple(map(int, colours[1, 1])))
    assert page_of("b.png").alpha[1, 1] == 0
    assert (page_of("b.png").array == colours).all()
    palette = Image.fromarray(grey // 64).convert("P")
    palette.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90, 5, 5, 6])
    palette.save("c.png", transparency=bytes([0, 100, 255, 255]))
    page = page_of("c.png")
    assert (page.alpha == np.array([0, 100, 255, 255])[grey // 64]).all()
    assert run(capsys, "denoise", "c.png", "-o", "o.png", *TINY)[0] == 0
    assert (page_of("o.png").alpha == page.alpha).all()


def test_formats_without_transparency(folder, capsys):
    samples = picture(9, 8, 4)
    Image.fromarray(samples).save("a.png")
    for target in ("o.jpg", "o.bmp", "o.ppm", "o.npy"):
        err = refused(capsys, "denoise", "a.png", "-o", target, *TINY)
        assert f"cannot write {target}: .{target[2:]} does not hold transparent pixels" in err
    # An opaque one is no loss.
    samples[..., 3] = 255
    Image.fromarray(samples).save("a.png")
    assert run(capsys, "denoise", "a.png", "-o", "o.bmp", *TINY)[0] == 0
    expected = denoise(samples[..., :3], "tiny.safetensors")
    assert (page_of("o.bmp").array == expected).all()


# ---------------------------------------------------------------------------- metadata


def camera_exif(orientation=1):
    exif = Image.Exif()
    exif[MAKE], exif[ORIENTATION] = "Maker", orientation
    inner = {EXPOSURE: TiffImagePlugin.IFDRational(1, 50), WIDTH: 9}
    for tag, values in (
        (ExifTags.IFD.Exif, inner),
        (ExifTags.IFD.GPSInfo, {ExifTags.GPS.GPSLatitudeRef: "N"}),
    ):
        exif.get_ifd(tag).update(values)
        exif[tag] = values  # Pillow's TIFF wants it here as well
    return exif


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("source", ["a.png", "a.jpg", "a.webp", "a.tif"])
def test_exif_is_kept_and_upright(folder, capsys, source, deep):
    array = picture(6, 9, 3)
    if deep:
        if source != "a.png":
            return
        # Pillow writes no colour of 16 bits: ours does, and is checked by Pillow below.
        Image.fromarray(array).save("first.png", exif=camera_exif(6))
        page = page_of("first.png")
        write_image(Path(source), Page(array=array.astype(np.uint16) * 257, metadata=page.metadata))
    else:
        Image.fromarray(array).save(source, exif=camera_exif(6))
        assert page_of(source).array.shape == (9, 6, 3)
    for target in ("o.png", "o.jpg", "o.webp", "o.tif"):
        assert run(capsys, "denoise", source, "-o", target, *TINY, "--force")[0] == 0
        with Image.open(target) as image:
            exif = image.getexif()
            assert image.size == ((9, 6) if deep else (6, 9))
            assert exif[MAKE] == "Maker"
            assert exif.get(ORIENTATION, 1) == 1
            inner = exif.get_ifd(ExifTags.IFD.Exif)
            assert inner[EXPOSURE] == pytest.approx(1 / 50)
            assert inner[WIDTH] == image.size[0]
            assert exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "N"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_resolution_is_kept(folder, capsys, dtype):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    array = picture(6, 9, dtype=dtype)
    for source in ("a.png", "a.tif", "a.jpg", "a.bmp"):
        if dtype == np.uint16 and source in ("a.jpg", "a.bmp"):
            continue
        options = {} if source == "a.bmp" else {"exif": exif}
        Image.fromarray(array).save(source, dpi=(200, 300), **options)
        turned = (200, 300) if source == "a.bmp" else (300, 200)
        for target in ("o.png", "o.jpg", "o.bmp", "o.tif"):
            assert run(capsys, "denoise", source, "-o", target, *TINY, "--force")[0] == 0
            with Image.open(target) as image:
                assert image.info["dpi"] == pytest.approx(turned, abs=0.02), (source, target)


# TIFF has no such unit, and no such resolution.
@pytest.mark.parametrize(("code", "field"), [(296, (3, 1, 33)), (282, (10, 1, -300, 1))])
def test_a_resolution_that_tiff_does_not_know_is_left_out(folder, capsys, code, field):
    array = picture(6, 9)
    tifffile.imwrite("a.tif", array, resolution=(4, 5), resolutionunit=2)
    with tifffile.TiffFile("a.tif", mode="r+") as file:
        tag = file.pages[0].tags[code]
        tag.overwrite(field[2] if code == 296 else field[2:], dtype=field[0])
    assert run(capsys, "denoise", "a.tif", "-o", "o.tif", *TINY, "--force")[0] == 0
    with tifffile.TiffFile("o.tif") as file:
        assert file.pages[0].tags.valueof(282) in (None, (1, 1))


def test_damaged_metadata_is_no_reason_to_refuse(folder, capsys):
    array = picture(6, 9)
    for exif in (b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0nonsense", b"x"):
        Image.fromarray(array).save("a.png", exif=exif)
        assert run(capsys, "denoise", "a.png", "-o", "o.tif", *TINY, "--force")[0] == 0
    extra = [(34675, "H", 1, 7, True), (34665, "I", 1, 8, True)]
    tifffile.imwrite("a.tif", array, extratags=extra, metadata=None)
    assert run(capsys, "denoise", "a.tif", "-o", "o.png", *TINY)[0] == 0
    assert (page_of("o.png").array == denoise(array, "tiny.safetensors")).all()


def test_libraries_tell_standard_error_nothing(folder):
    Image.fromarray(picture(6, 7)).save("a.png", dpi=(72, 72))
    content = bytearray(Path("a.png").read_bytes())
    content[content.index(b"pHYs") + 5] ^= 1  # a wrong sum
    Path("a.png").write_bytes(content)
    tifffile.imwrite("a.tif", picture(6, 7), metadata=None)
    content = bytearray(Path("a.tif").read_bytes())
    content[content.index(struct.pack("<HHI", 305, 2, 12)) + 2] = 99  # a type that does not exist
    Path("a.tif").write_bytes(content)
    arguments = ["denoise", "a.png", "a.tif", "-o", "out", *TINY, "--jobs", "1"]
    code = f"from sw_model.__main__ import main; main({arguments})"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert "2 of 2 to out" in done.stdout


# ---------------------------------------------------------------------------- pages


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_imagej_stacks_keep_pages_and_pixel_size(folder, capsys, dtype, order):
    stack = picture(2, 3, 6, 7, dtype=dtype)
    metadata = {
        "axes": "TZYX",
        "unit": "um",
        "spacing": 0.5,
        "finterval": 2.0,
        "Labels": list("abcdef"),
    }
    options = {"byteorder": order, "resolution": (4.0, 5.0), "metadata": metadata}
    tifffile.imwrite("a.tif", stack, imagej=True, **options)
    code, out, _ = run(capsys, "denoise", "a.tif", "-o", "o.tif", *TINY)
    assert code == 0
    assert "6 pages" in out
    with tifffile.TiffFile("a.tif") as before, tifffile.TiffFile("o.tif") as after:
        assert after.is_imagej
        assert len(after.pages) == 6
        assert after.imagej_metadata == before.imagej_metadata
        assert after.series[0].shape == (2, 3, 6, 7)
        assert after.pages[0].tags[282].value == before.pages[0].tags[282].value
        assert after.pages[0].tags[283].value == before.pages[0].tags[283].value
        # ImageJ takes its pages from where the first one ends.
        offsets = [page.dataoffsets[0] for page in after.pages]
        assert np.diff(offsets).tolist() == [42 * stack.itemsize] * 5
        result = after.asarray()
    network = load_deployment("tiny.safetensors")
    for page, denoised in zip(stack.reshape(6, 6, 7), result.reshape(6, 6, 7), strict=True):
        assert (denoised == denoise(page, network)).all()


def test_pages_of_different_kinds(folder, capsys):
    pages = [picture(6, 7), picture(5, 4, 3), picture(8, 3, dtype=np.uint16), picture(4, 4, 4)]
    grey_in_colours = np.dstack([picture(3, 5)] * 3)
    with tifffile.TiffWriter("a.tif") as file:
        for page in [*pages, grey_in_colours]:
            kind = "rgb" if page.ndim == 3 else "minisblack"
            file.write(page, photometric=kind, metadata=None, description=f"{page.shape}")
    assert run(capsys, "denoise", "a.tif", "-o", "o.tif", *TINY, "--json", "r.json")[0] == 0
    assert '"pages": 5' in Path("r.json").read_text()
    with tifffile.TiffFile("o.tif") as file:
        assert len(file.pages) == 5
        for page, written in zip([*pages, grey_in_colours], file.pages, strict=True):
            assert written.description == f"{page.shape}"
            result = written.asarray()
            assert result.shape == page.shape
            assert (result[..., :3] == denoise(page[..., :3], "tiny.safetensors")).all() or (
                page.ndim == 2 and (result == denoise(page, "tiny.safetensors")).all()
            )
            if page.shape[2:] == (4,):
                assert (result[..., 3] == page[..., 3]).all()


def test_the_scale_is_of_all_pages(folder, capsys):
    # A dark page among bright ones is dark; in a stack of dark ones it may be fewer bits.
    bright = picture(6, 7, dtype=np.uint16)
    stack = np.stack([bright // 32, bright, bright // 32])
    tifffile.imwrite("a.tif", stack, photometric="minisblack")
    assert run(capsys, "denoise", "a.tif", "-o", "o.tif", *TINY)[0] == 0
    network = load_deployment("tiny.safetensors")
    assert (tifffile.imread("o.tif")[0] == denoise(stack[0], network, white=65535)).all()
    tifffile.imwrite("b.tif", stack // 32, photometric="minisblack")
    err = refused(capsys, "denoise", "b.tif", "-o", "o2.tif", *TINY)
    assert f"the brightest of its 16-bit values is {stack.max() // 32}" in err
    assert run(capsys, "denoise", "b.tif", "-o", "o2.tif", *TINY, "--white", 2047)[0] == 0
    assert (tifffile.imread("o2.tif")[0] == denoise(stack[0] // 32, network, white=2047)).all()


def test_pages_want_a_format_that_has_them(folder, capsys):
    tifffile.imwrite("a.tif", picture(2, 6, 7), photometric="minisblack")
    for target in ("o.png", "o.npy"):
        err = refused(capsys, "denoise", "a.tif", "-o", target, *TINY)
        assert (
            f"cannot write {target}: {Path(target).suffix} holds one page, not 2; .tif does" in err
        )
    err = refused(capsys, "denoise", "a.tif", "-o", "o.tif", *TINY, "--noise", 3)
    assert "a.tif has 2 pages; --noise takes files of a single picture" in err


@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
@pytest.mark.parametrize("contiguous", [False, True])
def test_a_bad_page_is_known_before_the_first_is_done(folder, capsys, share, contiguous):
    with tifffile.TiffWriter("a.tif") as file:
        for page in picture(4, 40, 50):
            file.write(page, photometric="minisblack", metadata=None, contiguous=contiguous)
    content = Path("a.tif").read_bytes()
    Path("a.tif").write_bytes(content[: int(share * len(content))])
    err = refused(capsys, "denoise", "a.tif", "-o", "o.tif", *TINY)
    assert "a.tif cannot be read as a picture" in err


def test_no_more_than_a_page_is_held(folder):
    # A hundred pages of 4 MiB, denoised by a network that does nothing.
    code = """
import resource, sys, tifffile
import numpy as np
from pathlib import Path
from sw_model.pictures.files import open_image
from sw_model.pictures.output import image_writer
page = np.full((2048, 2048), 200, np.uint8)
with tifffile.TiffWriter("a.tif") as file:
    for _ in range(100):
        file.write(page, photometric="minisblack", metadata=None, contiguous=True)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with (
    open_image(Path("a.tif")) as source,
    open("o.tif", "w+b") as file,
    image_writer(file, ".tif", source.count) as put,
):
    for index in range(source.count):
        put(source.page(index))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 120
    with tifffile.TiffFile("o.tif") as file:
        assert len(file.pages) == 100


def test_bigger_imagej_stacks_are_refused(folder, capsys):
    # How ImageJ writes more than 4 GB: one page is described, the others follow.
    description = "ImageJ=1.53t\nimages=3\nslices=3\n"
    tifffile.imwrite("a.tif", picture(6, 7), description=description, metadata=None)
    err = refused(capsys, "denoise", "a.tif", "-o", "o.tif", *TINY)
    assert "is an ImageJ stack of 3 pages that describes only one of them" in err
