"""Denoising of a picture with the golden model, channel by channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sw_model import golden
from sw_model.golden.activity import Activity
from sw_model.pictures.noise import join_planes, planes
from sw_model.spec import Deployment, UsageError

from . import noise_level


@dataclass(frozen=True, kw_only=True)
class Denoised:
    """Noise that was found in a picture, and the spikes that it took.

    Attributes
    ----------
    residual
        The noise to subtract, in grey levels, in the picture's shape: int64 at the level of the
        network's training, else float32.
    levels
        Standard deviation of each channel's noise, given or estimated.
    activity
        Spikes of all channels together.
    """

    residual: npt.NDArray[Any]
    levels: tuple[float, ...]
    activity: Activity


def denoise_picture(
    deployment: Deployment,
    values: npt.NDArray[Any],
    timesteps: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    level: float | None,
) -> Denoised:
    """Denoise each channel of a picture on its own.

    Parameters
    ----------
    values
        (H, W) or (H, W, 3), -512..511, on the network's scale. Fractions are rounded
        for the network.
    timesteps
        T, one that the deployment allows.
    progress
        Called with the work done and the total.
    level
        Standard deviation of the noise; None to estimate it for each channel. At the level
        that the network was trained for, pixels are not scaled and the whole residual is used.

    Raises
    ------
    UsageError
        The network is for three colours.
    """
    if deployment.spec.colours != 1:
        raise UsageError("a network of three colours cannot denoise single channels")
    channels = list(planes(values))
    residuals, levels, activities = [], [], []
    for index, channel in enumerate(channels):

        def report(done: int, total: int, index: int = index) -> None:
            progress(index * total + done, len(channels) * total)

        sigma = noise_level.estimate(channel) if level is None else level
        factor = noise_level.scaling(deployment, sigma)
        given = noise_level.network_level(deployment, sigma * factor)
        pixels = noise_level.scaled(channel, factor)
        result = golden.denoise(deployment, pixels, timesteps, level=given, progress=report)
        residual: npt.NDArray[Any] = result.residual
        if level is None or factor != 1:
            found = (residual / factor).astype(np.float32)
            residual = noise_level.explained(found, sigma, estimated=level is None)
        residuals.append(residual)
        levels.append(sigma)
        activities.append(result.activity)
    return Denoised(
        residual=join_planes(residuals),
        levels=tuple(levels),
        activity=sum(activities[1:], start=activities[0]),
    )
