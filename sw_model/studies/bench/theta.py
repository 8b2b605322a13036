"""The same network with another activity: thresholds scaled for a requested theta."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from sw_model import golden
from sw_model.pictures.arrays import Pixels
from sw_model.spec import Deployment

CROP = 64
"""Side of the crop that theta is searched on."""
TOLERANCE = 0.01
"""Relative deviation from the requested theta at which the search ends."""
STEPS = 24
FACTORS = (2.0**-8, 2.0**8)


def scaled(deployment: Deployment, factor: float) -> Deployment:
    """The deployment with its thresholds and initial membranes times ``factor``, rounded."""

    def times(values: npt.NDArray[np.integer], least: int) -> npt.NDArray[np.int32]:
        return np.rint(values * factor).clip(least, 2**30).astype(np.int32)

    return replace(
        deployment,
        thresholds=tuple(times(values, 1) for values in deployment.thresholds),
        inits=tuple(times(values, -(2**30)) for values in deployment.inits),
    )


def factor_for(deployment: Deployment, theta: float, pixels: Pixels) -> float:
    """The factor for which theta of a central crop is nearest to ``theta``.

    Found by bisection in the factor's logarithm: apart from small steps, theta falls with higher
    thresholds.
    """
    top, left = ((side - min(side, CROP)) // 2 for side in pixels.shape)
    crop = pixels[top : top + CROP, left : left + CROP]
    low, high = FACTORS
    best, distance = 1.0, float("inf")
    for _ in range(STEPS):
        middle = (low * high) ** 0.5
        found = golden.denoise(scaled(deployment, middle), crop).activity.theta
        if abs(found - theta) < distance:
            best, distance = middle, abs(found - theta)
        if distance <= TOLERANCE * theta:
            break
        low, high = (middle, high) if found > theta else (low, middle)
    return best
