"""Estimation of a picture's noise, and its scaling to the noise of the network's training.

Noise of standard deviation s is scaled about mid-grey to that of the network's training:
x' = (x - 128) * f + 128 with f = trained / s, rounded and clamped to the network's pixels, and the
residual is divided by f. Two rules keep a picture from getting worse:

- White must fit into 10-bit pixels, so f is at most 383 / 127. Noise below `weakest`, which would
  need a larger f, reaches the network weaker than in training, and details are removed with it.
- Only the share of the residual that the noise explains is used: a residual of noise plus something
  else has the power of both, and the noise's share is the best part in the least-squares sense.
  From `weakest` on, that is nearly always all of it.

The noise is estimated from the median of the diagonal details of Haar's wavelets (Donoho and
Johnstone, 1994), in the smoothest parts of the picture, because texture has such details too. The
other details, whose noise is independent of these, show where a picture is smooth.
"""

from __future__ import annotations

from numbers import Real
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from sw_model.pictures.arrays import Pixels
from sw_model.spec import GREY_MAX, PIXEL_MAX, PIXEL_MIN, Deployment, UsageError

Details = npt.NDArray[np.floating]
MIDDLE = (GREY_MAX + 1) // 2
"""The grey that scaling does not change."""
STRENGTHS = (0.1, 10.0)
"""Factors by which users may change a noise level."""
TEXTURE = 3.75
"""Largest estimate for 95 of 100 clean photographs (those of training). Noise up to this estimate
cannot be distinguished from texture, and is left."""

BLOCK = 8
"""Side of the blocks whose smoothness is compared, in wavelet coefficients of two pixels."""
PART = 4
"""One in so many blocks is used."""
BLOCKS_MIN = 16
"""Fewest blocks to use, if there are as many: with fewer the median is too uncertain."""


def weakest(deployment: Deployment) -> float:
    """The weakest noise that scaling makes as strong as that of the training, in grey levels.

    0 for a network that takes the level.
    """
    if deployment.spec.noise_levels is not None:
        return 0.0
    return deployment.sigma * (GREY_MAX - MIDDLE) / (PIXEL_MAX - MIDDLE)


def check_level(level: float | None) -> None:
    """Raise `UsageError` for a level that is out of range."""
    number = isinstance(level, Real) and not isinstance(level, bool)
    if level is not None and not (number and 0 < level <= GREY_MAX):
        raise UsageError(
            f"noise level {level!r} is not a number of grey levels above 0 and up to {GREY_MAX}"
        )


def check_strength(strength: float) -> None:
    """Raise `UsageError` for a factor of the noise level that is out of range."""
    if not STRENGTHS[0] <= strength <= STRENGTHS[1]:  # NaN is not
        raise UsageError(
            f"strength {strength} is not in {STRENGTHS[0]}..{STRENGTHS[1]}; 1 removes the noise "
            "that is given or estimated"
        )


def scaling(deployment: Deployment, sigma: float) -> float:
    """The factor f for noise of this standard deviation, 0 or more.

    A network that takes the level gets unscaled pixels, except for noise beyond its levels.
    """
    levels = deployment.spec.noise_levels
    if levels is not None:
        return min(1.0, levels[1] / sigma) if sigma else 1.0
    return deployment.sigma / max(sigma, weakest(deployment))


def network_level(deployment: Deployment, sigma: float) -> float | None:
    """Level to give a network for noise of this standard deviation; None if it takes none."""
    levels = deployment.spec.noise_levels
    return None if levels is None else min(max(sigma, levels[0]), levels[1])


def scaled(values: npt.NDArray[Any], factor: float) -> Pixels:
    """Scale grey values to the network's pixels."""
    # float32 is exact for all values that a factor of 1 must not change.
    wide = (values.astype(np.float32) - MIDDLE) * np.float32(factor) + MIDDLE
    return np.rint(wide).clip(PIXEL_MIN, PIXEL_MAX).astype(np.int16)


def explained(residual: npt.NDArray[Any], sigma: float, estimated: bool) -> npt.NDArray[Any]:
    """The part of a residual that noise explains.

    Parameters
    ----------
    residual
        In grey levels.
    sigma
        Standard deviation of the noise.
    estimated
        Whether sigma is an estimate, which may include texture.
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
    noise, _, smooth = _details(plane)
    return _deviation(noise[_smoothest(smooth)]) if len(smooth) else 0.0


def block_noise(plane: npt.NDArray[Any], bins: int) -> tuple[Details, Details]:
    """Mean brightness, and variance of the noise, of parts of a channel of equal brightness.

    Parameters
    ----------
    plane
        As for `estimate`.
    bins
        Parts at most; each has blocks enough for an estimate.

    Returns
    -------
    brightness, variance
        (parts,), in grey levels and their square; of no part without diagonal details.
    """
    noise, brightness, smooth = _details(plane)
    count = max(1, min(bins, len(smooth) // (PART * BLOCKS_MIN)))
    # Each part's blocks in their order of smoothness.
    parts = [np.sort(part) for part in np.array_split(np.argsort(brightness[smooth]), count)]
    used = [smooth[_smoothest(part)] for part in parts if len(part)]
    return (
        np.array([brightness[blocks].mean() for blocks in used]),
        np.array([_deviation(noise[blocks]) ** 2 for blocks in used]),
    )


def _details(plane: npt.NDArray[Any]) -> tuple[Details, Details, npt.NDArray[np.intp]]:
    """Diagonal details (blocks, size) and brightness of blocks, and their order of smoothness."""
    values = plane.astype(np.float32)
    a, b, c, d = _corners(values)
    if not a.size:
        return np.empty((0, 1)), np.empty(0), np.empty(0, np.intp)
    side = min(BLOCK, *a.shape)
    noise = _blocks((a - b - c + d) / 2, side)
    # 2 (rows^2 + columns^2) of the transform's details.
    others = _blocks((a - d) ** 2 + (b - c) ** 2, side).sum(1)
    # Clipping reduces the noise: blocks with the fewest clipped pixels first, then the smoothest.
    ends = (values == values.min()) | (values == values.max())
    clipped = _blocks(np.stack(_corners(ends)).sum(0), side).sum(1)
    brightness = _blocks((a + b + c + d) / 4, side).mean(1)
    return noise, brightness, np.lexsort((others, clipped))


def _smoothest(order: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """The first blocks of an order of smoothness, as many as an estimate uses."""
    return order[: max(len(order) // PART, min(len(order), BLOCKS_MIN))]


def _deviation(noise: Details) -> float:
    return float(np.median(np.abs(noise))) / NormalDist().inv_cdf(0.75)


def _corners(array: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    """The four pixels of every square of two by two, (H // 2, W // 2) each."""
    height, width = (n // 2 * 2 for n in array.shape)
    return [array[y:height:2, x:width:2] for y in (0, 1) for x in (0, 1)]


def _blocks(array: npt.NDArray[Any], side: int) -> npt.NDArray[Any]:
    """All complete blocks of an array, (blocks, side * side)."""
    rows, columns = (n // side for n in array.shape)
    blocks = array[: rows * side, : columns * side].reshape(rows, side, columns, side)
    return blocks.swapaxes(1, 2).reshape(rows * columns, side * side)
