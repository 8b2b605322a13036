"""Which arrays are pictures, and their conversion to the network's scale and 10-bit pixels.

==============================  ====================================================  =========
array, (H, W) or (H, W, 3)      the network's pixels                                  result
==============================  ====================================================  =========
uint8                           the values                                            uint8
uint16, full scale N            ``rint(value * 255 / N)``, exactly                    uint16
any other integers, -512..511   the values, not clipped                               uint8
floats, booleans, complex       refused: 0..1 and 0..255 cannot be distinguished
==============================  ====================================================  =========

N is 65535 unless the file or the caller (``white``) says otherwise. Pictures of 10, 12 and 14 bits
in uint16 would become black at 65535, and a dark picture of 16 bits looks just like them, so values
that are all below `DARK` are refused unless N is given.

A uint16 picture keeps its depth and its scale 0..N: the residual, in grey levels, is scaled back
by N / 255, rounded, and subtracted from the values, so that steps finer than a grey level (shades
of a sky) are kept. With N = 65535 the result, divided by 257 and rounded, is the network's 8-bit
picture, exactly.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sw_model.spec import GREY_MAX, PIXEL_MAX, PIXEL_MIN
from sw_model.support.arguments import check_integer

Picture = npt.NDArray[np.uint8]
"""(H, W) grey or (H, W, 3) red, green, blue."""
Pixels = npt.NDArray[np.int16]
"""Noisy pixels -512..511 of a `Picture`'s shape, or its own values."""
Array = npt.NDArray[Any]

DEEP_MAX = int(np.iinfo(np.uint16).max)
DARK = 1 << 14
"""16-bit values that are all below this, a quarter of the scale, may have fewer bits."""


def is_deep(array: Array) -> bool:
    """Whether an array is a picture of 16 bits."""
    return array.dtype.kind == "u" and array.dtype.itemsize == 2


def check_kind(array: Array) -> None:
    """Raise ValueError unless the array's shape and type are those of a picture."""
    if array.ndim not in (2, 3) or array.shape[2:] not in ((), (3,)) or not array.size:
        raise ValueError(
            f"an array of shape {array.shape} is no picture; (H, W) for grey and (H, W, 3) for "
            f"colour are accepted, with at least one pixel"
        )
    if array.dtype.kind not in "iu":  # to numpy, spans of time are integers as well
        raise ValueError(
            f"values of type {array.dtype} are not accepted, since they may be meant as "
            f"0..1 or 0..255; scale to 0..255, round, and give integers "
            f"{PIXEL_MIN}..{PIXEL_MAX}, uint8 or uint16"
        )


def check_white(white: int | None) -> None:
    """Raise ValueError for a full scale that 16 bits cannot have, TypeError for no integer."""
    if white is None:
        return
    check_integer("white", white)
    if not 1 <= white <= DEEP_MAX:
        raise ValueError(f"white {white} is not the full scale of 16-bit values, 1..{DEEP_MAX}")


def full_scale(brightest: int, white: int | None) -> int:
    """Full scale N of a uint16 picture.

    Parameters
    ----------
    brightest
        The largest of its values.
    white
        N, if it is known.

    Raises
    ------
    ValueError
        A value is larger than N, or all are so small that N must be given.
    """
    check_white(white)
    if white is None and brightest < DARK:
        bits = max(brightest.bit_length(), GREY_MAX.bit_length())
        raise ValueError(
            f"the brightest of its 16-bit values is {brightest}, far below {DEEP_MAX}; give the "
            f"full scale as white (--white on the command line): {(1 << bits) - 1} if these are "
            f"{bits} bits, {DEEP_MAX} if the picture is dark"
        )
    if white is not None and brightest > white:
        raise ValueError(
            f"the brightest of its 16-bit values is {brightest}, above white {white}; give the "
            f"full scale that they were made for"
        )
    return DEEP_MAX if white is None else int(white)  # numpy's may be too narrow to calculate with


def scale_of(array: Array, white: int | None) -> int:
    """Full scale of an array of a kind in the module's table: `full_scale` for uint16, else 255.

    Raises
    ------
    ValueError
        As in `full_scale`, or ``white`` is given for an array of another type.
    """
    if is_deep(array):
        return full_scale(int(array.max()), white)
    if white is not None:
        raise ValueError(
            f"white {white} is for 16-bit pictures (uint16), not for {array.dtype}; leave it out"
        )
    return GREY_MAX


def to_pixels(array: Array, white: int | None = None) -> Pixels:
    """The network's pixels of a picture.

    Parameters
    ----------
    array
        (H, W) or (H, W, 3), at least one pixel, of a kind in the module's table.
    white
        Full scale of uint16 values; None for 65535, if values reach `DARK`.

    Returns
    -------
    numpy.ndarray
        int16 of the same shape, -512..511.

    Raises
    ------
    ValueError
        The array's shape, type or range is not accepted, or ``white`` does not fit it.
    """
    check_kind(array)
    scale = scale_of(array, white)
    if is_deep(array):
        return to_grey_levels(array, scale).astype(np.int16)
    if array.min() < PIXEL_MIN or array.max() > PIXEL_MAX:
        raise ValueError(
            f"values reach from {array.min()} to {array.max()}, outside of "
            f"{PIXEL_MIN}..{PIXEL_MAX}; 16-bit pictures are accepted as uint16"
        )
    return array.astype(np.int16)


def to_values(array: Array, white: int | None = None) -> Array:
    """A picture on the network's scale, not rounded; parameters and errors as in `to_pixels`.

    Returns
    -------
    numpy.ndarray
        Of the same shape: float64 for uint16, the network's pixels for all others.
    """
    if not is_deep(array):
        return to_pixels(array, white)
    check_kind(array)
    # Rounding must give `to_pixels`, for ties too: float32 is too coarse for that.
    return array * float(GREY_MAX) / scale_of(array, white)


def to_grey_levels(deep: Array, white: int) -> Picture:
    """Values 0..white on the scale 0..255, rounded to integers."""
    levels = _scaled(np.arange(white + 1), GREY_MAX, white).astype(np.uint8)
    return levels[deep]


def without_residual(array: Array, residual: Array, white: int | None = None) -> Array:
    """Subtract the noise that the network saw from a picture.

    Parameters
    ----------
    array, white
        As in `to_pixels`.
    residual
        Of the same shape, in grey levels; fractions are rounded in the result.

    Returns
    -------
    numpy.ndarray
        Of the same shape; uint16 on the same scale for uint16, uint8 for all others.
    """
    most = scale_of(array, white)
    if residual.dtype.kind == "f":
        noise: Array = np.rint(residual * (most / GREY_MAX)).astype(np.int64)
    else:
        noise = _scaled(residual.astype(np.int64), most, GREY_MAX)
    less: Array = array.astype(np.int64) - noise
    return less.clip(0, most).astype(np.uint16 if is_deep(array) else np.uint8)


def _scaled(values: Array, numerator: int, denominator: int) -> Array:
    """``rint(values * numerator / denominator)`` in integers; ties go to even."""
    quotient, rest = np.divmod(values * numerator, denominator)
    odd: Array = quotient & 1
    return quotient + (2 * rest + odd > denominator)


def kind(array: Array, white: int = DEEP_MAX) -> str:
    """Grey or colour, and the type if it is not 8 bits."""
    colour = "grey" if array.ndim == 2 else "colour"
    if array.dtype == np.uint8:
        return colour
    if not is_deep(array):
        return f"{colour}, {array.dtype.name}"
    bits = white.bit_length()
    return f"{colour}, {bits} bits" if white == (1 << bits) - 1 else f"{colour}, 0 to {white}"
