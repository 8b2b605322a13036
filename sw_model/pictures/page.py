"""Content of a picture file in any format: pixels, transparency, metadata."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from .arrays import Array

GREY_PROFILE = b"GRAY"
"""Bytes 16 to 19 of an ICC profile of grey pictures (ICC.1, data colour space)."""
TURNED: dict[int, Callable[[Array], Array]] = {
    2: np.fliplr,
    3: lambda array: np.rot90(array, 2),
    4: np.flipud,
    5: lambda array: np.rot90(np.fliplr(array)),
    6: lambda array: np.rot90(array, -1),
    7: lambda array: np.rot90(np.fliplr(array), -1),
    8: np.rot90,
}
"""Functions that turn pixels upright, by EXIF orientation."""
ON_THEIR_SIDE = (5, 6, 7, 8)
"""Orientations of pictures that are stored with width and height exchanged."""


class RefusedError(Exception):
    """A file that is intact but not accepted.

    Parameters
    ----------
    what
        Rest of the sentence after the file's name.
    advice
        What to do about it; None to say what is accepted.
    """

    def __init__(self, what: str, advice: str | None = None) -> None:
        super().__init__(what)
        self.what, self.advice = what, advice


@dataclass(frozen=True, kw_only=True)
class TiffTags:
    """Metadata that only TIFF can hold, in the terms of tifffile's writer.

    Attributes
    ----------
    byteorder
        Byte order of the file that was read, and of its private tags.
    imagej
        Whether ImageJ reads the file as a stack, whose pages are contiguous.
    options
        Arguments that describe a page.
    """

    byteorder: Literal[">", "<"]
    imagej: bool
    options: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """Metadata of a file, as far as it is kept.

    Attributes
    ----------
    profile
        ICC profile of the colours.
    exif
        EXIF as a TIFF structure without "Exif" in front, its orientation upright.
    dpi
        Pixels per inch, across and down.
    """

    profile: bytes | None = None
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None
    tiff: TiffTags | None = None


@dataclass(frozen=True, kw_only=True)
class Page:
    """One picture of a file.

    Attributes
    ----------
    array
        (H, W) or (H, W, 3), of a kind in `sw_model.pictures.arrays`.
    alpha
        (H, W) of the same type: how opaque each pixel is.
    white
        Full scale of uint16 values, if the file says it.
    """

    array: Array
    alpha: Array | None = None
    white: int | None = None
    metadata: Metadata = field(default_factory=Metadata)


def page_of(
    samples: Array, orientation: int, white: int | None, metadata: Metadata, *, collapse: bool
) -> Page:
    """Return a page of decoded samples.

    Parameters
    ----------
    samples
        (H, W) or (H, W, 1 to 4): grey or colour, the second or fourth one is alpha.
    orientation
        EXIF orientation; unknown values count as upright.
    collapse
        Make colours whose three channels are equal grey.
    """
    if orientation in TURNED:
        samples = TURNED[orientation](samples)
    if samples.ndim == 2:
        samples = samples[..., np.newaxis]
    alpha = samples[..., -1] if samples.shape[2] in (2, 4) else None
    colours = samples[..., : 1 if samples.shape[2] < 3 else 3]
    if colours.shape[2] == 1 or (collapse and (colours == colours[..., :1]).all()):
        colours = colours[..., 0]
    profile = metadata.profile
    if profile is not None and (colours.ndim == 2) != (profile[16:20] == GREY_PROFILE):
        # A colour profile does not fit a picture that became grey.
        metadata = replace(metadata, profile=None)
    return Page(
        array=np.ascontiguousarray(colours),
        alpha=None if alpha is None else np.ascontiguousarray(alpha),
        white=white,
        metadata=metadata,
    )


def samples_of(page: Page) -> Array:
    """The inverse of `page_of`: (H, W), or (H, W, 2 to 4), in C order, which the codecs need."""
    if page.alpha is None:
        return np.ascontiguousarray(page.array)
    return np.dstack([page.array, page.alpha])


def is_opaque(page: Page) -> bool:
    """Whether all pixels are opaque."""
    if page.alpha is None:
        return True
    return bool((page.alpha == np.iinfo(page.alpha.dtype).max).all())
