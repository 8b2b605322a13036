"""How noisy a picture is, and how a network that was trained for one noise takes others.

Noise of standard deviation s is scaled about mid-grey to that of the network's training:
x' = (x - 128) * f + 128 with f = trained / s, rounded and clamped to the network's pixels, and the
residual is divided by f. Two things keep a picture from getting worse:

- White must fit into 10-bit pixels, so f is at most 383 / 127. Noise that is weaker than f can make
  up for, `weakest`, reaches the network weaker than trained, and it takes details along.
- Of the residual only so much is believed as the noise explains: a residual that is noise plus
  something else has the power of both, and the best part of it, in the sense of least squares, is
  the noise's share. From `weakest` on, that is nearly always all of it.

The noise is estimated from the diagonal details of Haar's wavelets, by their median (Donoho and
Johnstone, 1994), in the smoothest parts of the picture: texture has such details, too. Where a
picture is smooth is told by the other details, whose noise is independent of these.
"""

from __future__ import annotations

from numbers import Real
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from sw_model.pictures.arrays import Pixels
from sw_model.spec import GREY_MAX, PIXEL_MAX, PIXEL_MIN, Deployment, UsageError

MIDDLE = (GREY_MAX + 1) // 2
"""The grey that stays where it is."""
TEXTURE = 3.75
"""What is estimated for 95 of 100 clean photographs at most (those of training). Noise that is
estimated no stronger cannot be told from texture, and is left."""

BLOCK = 8
"""Side of the parts that are smooth or not, in wavelet coefficients of two pixels."""
PART = 4
"""One in so many blocks is taken."""
BLOCKS_MIN = 16
"""Where there are as many: with fewer the median is too uncertain."""


def weakest(deployment: Deployment) -> float:
    """The weakest noise that scaling makes as strong as that of the training, in grey levels.

    0 for a network that is told the level.
    """
    if deployment.spec.noise_levels is not None:
        return 0.0
    return deployment.sigma * (GREY_MAX - MIDDLE) / (PIXEL_MAX - MIDDLE)


def check_level(level: float | None) -> None:
    """Refuse a level that is no noise; raises `UsageError`."""
    number = isinstance(level, Real) and not isinstance(level, bool)
    if level is not None and not (number and 0 < level <= GREY_MAX):
        raise UsageError(
            f"noise level {level!r} is not a number of grey levels above 0 and up to {GREY_MAX}"
        )


def scaling(deployment: Deployment, sigma: float) -> float:
    """The factor f for noise of this standard deviation, 0 or more.

    A network that is told the level takes pixels as they are, but for noise beyond its levels.
    """
    levels = deployment.spec.noise_levels
    if levels is not None:
        return min(1.0, levels[1] / sigma) if sigma else 1.0
    return deployment.sigma / max(sigma, weakest(deployment))


def told(deployment: Deployment, sigma: float) -> float | None:
    """The level that a network is told for noise of this standard deviation; None if it is not."""
    levels = deployment.spec.noise_levels
    return None if levels is None else min(max(sigma, levels[0]), levels[1])


def scaled(values: npt.NDArray[Any], factor: float) -> Pixels:
    """The network's pixels of grey values."""
    # In float32 exact for all that the factor 1 is to leave as it is.
    wide = (values.astype(np.float32) - MIDDLE) * np.float32(factor) + MIDDLE
    return np.rint(wide).clip(PIXEL_MIN, PIXEL_MAX).astype(np.int16)


def believed(residual: npt.NDArray[Any], sigma: float, estimated: bool) -> npt.NDArray[Any]:
    """The part of a residual that noise explains.

    Parameters
    ----------
    residual
        In grey levels.
    sigma
        Standard deviation of the noise.
    estimated
        Whether that may be texture's.
    """
    power = float(np.square(residual, dtype=np.float64).mean())
    noise = max(0.0, sigma**2 - TEXTURE**2) if estimated else sigma**2
    return residual * residual.dtype.type(min(1.0, noise / power)) if power else residual


def estimate(plane: npt.NDArray[Any]) -> float:
    """Standard deviation of the white noise in a channel, in its own unit.

    Parameters
    ----------
    plane
        (H, W), of any size. A single row or column has no diagonal details: 0 is estimated.
    """
    values = plane.astype(np.float32)
    a, b, c, d = _corners(values)
    if not a.size:
        return 0.0
    side = min(BLOCK, *a.shape)
    noise = _blocks((a - b - c + d) / 2, side)
    # 2 (rows^2 + columns^2) of the transform.
    others = _blocks((a - d) ** 2 + (b - c) ** 2, side).sum(1)
    # Clipped noise is too little noise: blocks without come first, the smoothest before others.
    ends = (values == values.min()) | (values == values.max())
    clipped = _blocks(np.stack(_corners(ends)).sum(0), side).sum(1)
    smooth = np.lexsort((others, clipped))
    taken = smooth[: max(len(smooth) // PART, min(len(smooth), BLOCKS_MIN))]
    return float(np.median(np.abs(noise[taken]))) / NormalDist().inv_cdf(0.75)


def _corners(array: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    """The four pixels of every square of two by two, (H // 2, W // 2) each."""
    height, width = (n // 2 * 2 for n in array.shape)
    return [array[y:height:2, x:width:2] for y in (0, 1) for x in (0, 1)]


def _blocks(array: npt.NDArray[Any], side: int) -> npt.NDArray[Any]:
    """All whole blocks of an array, (blocks, side * side)."""
    rows, columns = (n // side for n in array.shape)
    whole = array[: rows * side, : columns * side].reshape(rows, side, columns, side)
    return whole.swapaxes(1, 2).reshape(rows * columns, side * side)
