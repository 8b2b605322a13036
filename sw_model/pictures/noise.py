"""Noise for clean pictures, drawn for each channel by itself."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from sw_model.spec import GREY_MAX, PIXEL_MAX, PIXEL_MIN, UsageError

from .arrays import Picture, Pixels

Protocol = Literal["paper", "camera"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)


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
    """Add white Gaussian noise to a clean picture, rounded to the network's signed pixels.

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
        Sigma, seed or protocol is out of range.
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
    # Sigma may be -0.0, which numpy refuses.
    noisy = plane + np.random.default_rng(seed).normal(0, abs(sigma), plane.shape)
    if protocol == "camera":
        noisy = noisy.clip(0, GREY_MAX)
    return np.rint(noisy).clip(PIXEL_MIN, PIXEL_MAX).astype(np.int16)
