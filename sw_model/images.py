"""Pictures in and out, and the noise that is put on them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from .spec import PIXEL_MAX, PIXEL_MIN, UsageError
from .spec.fixed_point import GREY_MAX
from .support.files import replacing
from .support.reading import reading

Picture = npt.NDArray[np.uint8]
"""(H, W) grey or (H, W, 3) red, green, blue."""
Pixels = npt.NDArray[np.int16]
"""Noisy pixels -512..511 of a `Picture`'s shape, or its own values."""
Protocol = Literal["paper", "camera"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)

PICTURE = "a picture"
READABLE = ("PNG", "JPEG", "BMP", "TIFF", "PPM", "WEBP")
ACCEPTED = "8-bit grey or colour pictures as PNG, JPEG, BMP, TIFF, PGM, PPM or WebP are accepted"
JPEG = ("JPEG", {"quality": 95, "subsampling": 0})
WRITABLE: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {}),
    ".bmp": ("BMP", {}),
    ".tif": ("TIFF", {}),
    ".tiff": ("TIFF", {}),
    ".pgm": ("PPM", {}),
    ".ppm": ("PPM", {}),
    ".webp": ("WEBP", {"lossless": True}),
    # The only lossy ones: what is read back differs from what was measured.
    ".jpg": JPEG,
    ".jpeg": JPEG,
}
"""Format and Pillow's options of each suffix that can be written."""
SIDE_MAX = {"JPEG": 65_500, "WEBP": 16_383}
"""Largest width and height that a format can hold, where a picture could reach it."""
TIFF_BITS_PER_SAMPLE = 258
CHANNELS = {".pgm": 1, ".ppm": 3}
"""Suffixes that hold only grey or only colour."""


def read_picture(path: Path) -> Picture:
    """Read a picture.

    Palettes are resolved, an orientation in the metadata is applied, an opaque alpha channel is
    dropped. A colour file whose three channels are equal is grey.

    Returns
    -------
    numpy.ndarray
        (H, W) uint8, or (H, W, 3) for colour.

    Raises
    ------
    UsageError
        The file is missing, damaged, animated, has more than 8 bits or transparent pixels, or is
        no picture that is accepted.
    """
    return opened(path, decode, ACCEPTED)


def opened(
    path: Path, decoder: Callable[[Path, Image.Image], npt.NDArray[Any]], accepted: str
) -> npt.NDArray[Any]:
    """What ``decoder`` makes of a picture file; three equal channels become one.

    Parameters
    ----------
    decoder
        Called with the path and the open file.
    accepted
        Which files are accepted, as the rest of a sentence.

    Raises
    ------
    UsageError
        The file is missing, damaged or enormous, or the decoder refuses it.
    """
    with reading(path, PICTURE, accepted) as file:
        try:
            # A file that Pillow opens by name it may map into memory, and then it scrambles grey
            # TIFFs with an orientation (Pillow 13.0).
            with Image.open(file, formats=READABLE) as image:
                picture = decoder(path, image)
        except UnidentifiedImageError:  # whose text has the open file as Python shows it
            raise ValueError("cannot identify its format") from None
        except Image.DecompressionBombError:
            raise UsageError(
                f"picture {path} has more than {2 * (Image.MAX_IMAGE_PIXELS or 0)} pixels; "
                f"give a smaller one"
            ) from None
    if picture.ndim == 3 and (picture == picture[..., :1]).all():
        return np.ascontiguousarray(picture[..., 0])
    return picture


def decode(path: Path, image: Image.Image, accepted: str = ACCEPTED) -> Picture:
    """The pixels of an open picture of 8 bits; parameters and errors as of `opened`."""
    check_single(path, image, accepted)
    deep = more_than_8_bits(image)
    if deep or image.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA"):
        kind = "more than 8 bits a channel" if deep else f"pixels of kind {image.mode}"
        raise UsageError(f"{path} holds {kind}; {accepted}")
    upright = ImageOps.exif_transpose(image)
    if upright.has_transparency_data:
        upright = upright.convert("RGBA")
        if upright.getchannel("A").getextrema() != (GREY_MAX, GREY_MAX):
            raise UsageError(f"{path} has transparent pixels; flatten it onto a background first")
    grey = upright.mode in ("1", "L")
    return np.asarray(upright.convert("L" if grey else "RGB"))


def check_single(path: Path, image: Image.Image, accepted: str) -> None:
    """Refuse a file of several pictures; parameters and errors as of `opened`."""
    # A multi-picture JPEG is a photograph with extras, and its first frame is the photograph.
    if image.format != "MPO" and (frames := getattr(image, "n_frames", 1)) > 1:
        raise UsageError(f"{path} is animated or has pages ({frames}); {accepted}")


def more_than_8_bits(image: Image.Image) -> bool:
    """Whether the file is deeper than Pillow's mode says: it narrows colour without a word."""
    bits = getattr(image, "tag_v2", {}).get(TIFF_BITS_PER_SAMPLE, 8)
    if max(bits if isinstance(bits, tuple) else (bits,)) > 8:
        return True
    for tile in getattr(image, "tile", ()):
        arguments = tile.args if isinstance(tile.args, tuple) else (tile.args,)
        if tile.codec_name == "ppm" and arguments[1] > GREY_MAX:
            return True
        if ";16" in str(arguments[0]):
            return True
    return False


def check_format(path: Path, shape: tuple[int, ...], more: tuple[str, ...] = ()) -> None:
    """Refuse, before any work is done, what `write_picture` could not write.

    Parameters
    ----------
    shape
        Of the picture: (H, W) or (H, W, 3).
    more
        Suffixes that the caller can write besides.

    Raises
    ------
    UsageError
        The suffix is unknown or cannot hold the picture.
    """
    suffix = path.suffix.lower()
    if suffix not in WRITABLE:
        raise UsageError(
            f"cannot write {path}: suffix {suffix!r} is not one of {', '.join((*WRITABLE, *more))}"
        )
    if CHANNELS.get(suffix, (channels := _channels(shape))) != channels:
        raise UsageError(
            f"cannot write {path}: {suffix} does not hold {'colour' if channels == 3 else 'grey'} "
            f"pictures; .png does"
        )
    if (side := max(shape[:2])) > (most := SIDE_MAX.get(WRITABLE[suffix][0], side)):
        raise UsageError(
            f"cannot write {path}: {suffix} holds at most {most} pixels a side, not {side}; "
            f".png holds more"
        )


def write_picture(path: Path, picture: Picture, profile: bytes | None = None) -> None:
    """Write a picture, whole or not at all, in the format that its suffix says.

    All formats but JPEG (quality 95, full colour resolution) keep every pixel.

    Parameters
    ----------
    picture
        (H, W) or (H, W, 3).
    profile
        ICC profile of its colours, kept by the formats that can.

    Raises
    ------
    UsageError
        As `check_format`, or the folder cannot be written to.
    """
    check_format(path, picture.shape)
    kind, options = WRITABLE[path.suffix.lower()]
    if profile is not None:
        options = options | {"icc_profile": profile}
    with replacing(path) as temporary:
        Image.fromarray(picture).save(temporary, kind, **options)


def _channels(shape: tuple[int, ...]) -> int:
    return 1 if len(shape) == 2 else shape[2]


def planes(picture: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    """The channels of a picture, (H, W) each: the network denoises one at a time."""
    if picture.ndim == 2:
        yield picture
    else:
        yield from np.moveaxis(picture, 2, 0)


def join_planes(channels: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Inverse of `planes`."""
    return channels[0] if len(channels) == 1 else np.stack(channels, axis=2)


def add_noise(clean: Picture, sigma: float, seed: int, protocol: Protocol = PROTOCOLS[0]) -> Pixels:
    """White Gaussian noise on a clean picture, rounded to the network's signed pixels.

    Parameters
    ----------
    clean
        (H, W) or (H, W, 3). Red, green and blue are drawn with ``seed``, ``seed + 1`` and
        ``seed + 2``, each as a grey picture's noise.
    sigma
        Standard deviation in grey levels, 0 or more.
    seed
        Seed of a fresh ``numpy.random.default_rng``, 0 or more.
    protocol
        ``"paper"``: unclipped; ``"camera"``: clipped to 0..255, as a sensor would.

    Returns
    -------
    numpy.ndarray
        int16 of the picture's shape, -512..511.

    Raises
    ------
    UsageError
        Sigma, seed or protocol is not such a value.
    """
    if not (math.isfinite(sigma) and sigma >= 0):
        raise UsageError(f"noise sigma {sigma} is not a number of grey levels, 0 or more")
    if seed < 0:
        raise UsageError(f"seed {seed} is not 0 or more")
    if protocol not in PROTOCOLS:
        raise UsageError(f"noise protocol {protocol!r} is not one of {', '.join(PROTOCOLS)}")
    return join_planes(
        [_noisy(plane, sigma, seed + i, protocol) for i, plane in enumerate(planes(clean))]
    )


def _noisy(plane: Picture, sigma: float, seed: int, protocol: Protocol) -> Pixels:
    noisy = plane + np.random.default_rng(seed).normal(0, sigma, plane.shape)
    if protocol == "camera":
        noisy = noisy.clip(0, GREY_MAX)
    return np.rint(noisy).clip(PIXEL_MIN, PIXEL_MAX).astype(np.int16)
