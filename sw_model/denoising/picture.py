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
from sw_model.spec.deployment import DEFAULT_DEPLOYMENT

from . import noise_level
from .poisson import Stabiliser, estimate_stabiliser


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
    strength: float = 1.0,
    poisson: float | None = None,
) -> Denoised:
    """Denoise a picture: each channel on its own, or all with a network of three colours.

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
    strength
        Factor of the noise's standard deviation, as given or estimated: above 1 more is removed.
    poisson
        Gain in grey levels a photon, for noise whose variance grows with brightness; 0 to estimate
        it, and a part that does not grow; None for noise of the same strength everywhere. In place
        of ``level``.

    Raises
    ------
    UsageError
        The network is for three colours, and the picture is grey.
    """
    parts = _parts(deployment, values)
    known = Stabiliser(poisson) if poisson else None
    residuals, levels, activities = [], [], []
    for index, part in enumerate(parts):

        def report(done: int, total: int, index: int = index) -> None:
            progress(index * total + done, len(parts) * total)

        channels = list(planes(part))
        stabiliser = known if known or poisson is None else estimate_stabiliser(channels)
        if stabiliser is not None:
            sigma, seen = stabiliser.sigma, stabiliser.forward(part)
        else:
            seen = part
            sigma = _joined(channels) if level is None else level
        residual, activity = _residual(
            deployment,
            seen,
            timesteps,
            sigma * strength,
            report,
            estimated=level is None and not known,
        )
        if stabiliser is not None:
            residual = (part - stabiliser.inverse(seen - residual)).astype(np.float32)
            sigma = stabiliser.sigma_at(noise_level.MIDDLE)
        residuals.append(residual)
        levels.append(sigma * strength)
        activities.append(activity)
    return Denoised(
        residual=join_planes(residuals) if len(parts) > 1 else residuals[0],
        levels=tuple(levels),
        activity=sum(activities[1:], start=activities[0]),
    )


def _parts(deployment: Deployment, values: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    """What the network takes at once."""
    if deployment.spec.colours == 1:
        return list(planes(values))
    if values.ndim != 3:
        raise UsageError(
            f"network {deployment.spec.name!r} is for pictures of {deployment.spec.colours} "
            "colours, and this one is grey; give a network for grey pictures, such as "
            f"{DEFAULT_DEPLOYMENT}"
        )
    return [values]


def _joined(channels: list[npt.NDArray[Any]]) -> float:
    """One noise level for all channels: that of their mean variance."""
    return float(np.sqrt(np.mean([noise_level.estimate(channel) ** 2 for channel in channels])))


def _residual(
    deployment: Deployment,
    values: npt.NDArray[Any],
    timesteps: int,
    sigma: float,
    progress: Callable[[int, int], None],
    *,
    estimated: bool,
) -> tuple[npt.NDArray[Any], Activity]:
    """The noise of this standard deviation in what the network takes at once."""
    factor = noise_level.scaling(deployment, sigma)
    given = noise_level.network_level(deployment, sigma * factor)
    pixels = noise_level.scaled(values, factor)
    result = golden.denoise(deployment, pixels, timesteps, level=given, progress=progress)
    residual: npt.NDArray[Any] = result.residual
    if estimated or factor != 1:
        found = (residual / factor).astype(np.float32)
        residual = noise_level.explained(found, sigma, estimated=estimated)
    return residual, result.activity
