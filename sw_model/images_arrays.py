"""Which arrays are pictures, and how they meet the network's 0..255 scale and 10-bit pixels.

==============================  ====================================================  =========
array, (H, W) or (H, W, 3)      the network's pixels                                  result
==============================  ====================================================  =========
uint8                           the values                                            uint8
uint16                          ``rint(value / 257)``: 65535 is 255                   uint16
any other integers, -512..511   the values, not clipped                               uint8
floats, booleans, complex       refused: 0..1 and 0..255 cannot be told apart
==============================  ====================================================  =========

A uint16 picture keeps its depth: the residual, in grey levels, is scaled back and taken from the
16-bit values, so that what lies below a grey level (shades of a sky) is not lost. Divided by 257
and rounded, the result is the network's 8-bit picture, exactly.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .images import Picture, Pixels
from .spec import GREY_MAX, PIXEL_MAX, PIXEL_MIN

Array = npt.NDArray[Any]

DEEP_MAX = int(np.iinfo(np.uint16).max)
DEEP_STEP = DEEP_MAX // GREY_MAX
"""16-bit steps in a grey level: 257."""


def is_deep(array: Array) -> bool:
    """Whether an array is a picture of 16 bits."""
    return array.dtype.kind == "u" and array.dtype.itemsize == 2


def to_pixels(array: Array) -> Pixels:
    """The network's pixels of a picture.

    Parameters
    ----------
    array
        (H, W) or (H, W, 3), at least one pixel, of a kind in the module's table.

    Returns
    -------
    numpy.ndarray
        int16 of the same shape, -512..511.

    Raises
    ------
    ValueError
        The array's shape, type or range is not such.
    """
    if array.ndim not in (2, 3) or array.shape[2:] not in ((), (3,)) or not array.size:
        raise ValueError(
            f"an array of shape {array.shape} is no picture; (H, W) for grey and (H, W, 3) for "
            f"colour are accepted, with at least one pixel"
        )
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(
            f"values of type {array.dtype} are not accepted, since nobody can tell whether they "
            f"are meant as 0..1 or 0..255; scale to 0..255, round, and give integers "
            f"{PIXEL_MIN}..{PIXEL_MAX}, uint8 or uint16"
        )
    if is_deep(array):
        return to_grey_levels(array).astype(np.int16)
    if array.min() < PIXEL_MIN or array.max() > PIXEL_MAX:
        raise ValueError(
            f"values reach from {array.min()} to {array.max()}, outside of "
            f"{PIXEL_MIN}..{PIXEL_MAX}; 16-bit pictures are accepted as uint16"
        )
    return array.astype(np.int16)


def to_grey_levels(deep: Array) -> Picture:
    """A 16-bit picture rounded to 8 bits."""
    # An odd step has no ties to round.
    return ((deep.astype(np.uint32) + DEEP_STEP // 2) // DEEP_STEP).astype(np.uint8)


def without_residual(array: Array, residual: Array) -> Array:
    """A picture less the noise that the network saw in it.

    Parameters
    ----------
    array
        As of `to_pixels`.
    residual
        Integers of the same shape, in grey levels.

    Returns
    -------
    numpy.ndarray
        Of the same shape; uint16 for uint16, uint8 for all others.
    """
    step, most, dtype = (
        (DEEP_STEP, DEEP_MAX, np.uint16) if is_deep(array) else (1, GREY_MAX, np.uint8)
    )
    less: Array = array.astype(np.int64) - step * residual
    return less.clip(0, most).astype(dtype)


def kind(array: Array) -> str:
    """Grey or colour, and the type where it is not 8 bits."""
    colour = "grey" if array.ndim == 2 else "colour"
    if array.dtype == np.uint8:
        return colour
    return f"{colour}, {'16 bits' if is_deep(array) else array.dtype.name}"
