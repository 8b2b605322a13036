"""A picture of any kind through the golden model, channel by channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from . import golden
from .activity import Activity
from .images import Picture, Pixels, join_planes, planes
from .spec import Deployment


@dataclass(frozen=True, kw_only=True)
class Denoised:
    """A denoised picture of any kind, and the spikes that it took.

    Attributes
    ----------
    picture
        (H, W) or (H, W, 3).
    residual
        The noise that the network saw, in grey levels, of the picture's shape.
    activity
        Spikes of all channels together.
    """

    picture: Picture
    residual: npt.NDArray[np.int64]
    activity: Activity


def denoise_picture(
    deployment: Deployment,
    pixels: Pixels | Picture,
    timesteps: int,
    progress: Callable[[int, int], None] = lambda done, whole: None,
) -> Denoised:
    """Denoise each channel of a picture on its own.

    Parameters
    ----------
    pixels
        (H, W) or (H, W, 3), -512..511.
    timesteps
        T, one that the deployment allows.
    progress
        Called with what is done and the whole.
    """
    channels = list(planes(pixels))
    results = []
    for index, channel in enumerate(channels):

        def report(done: int, whole: int, index: int = index) -> None:
            progress(index * whole + done, len(channels) * whole)

        results.append(golden.denoise(deployment, channel, timesteps, progress=report))
    activity = results[0].activity
    for result in results[1:]:
        activity += result.activity
    return Denoised(
        picture=join_planes([result.denoised for result in results]),
        residual=join_planes([result.residual for result in results]),
        activity=activity,
    )
