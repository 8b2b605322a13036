"""Noise that grows with brightness, as that of photons, made as strong everywhere.

The variance of such noise is ``gain * x + offset`` at brightness x. The generalised Anscombe
transform f(x) = 2/gain * sqrt(gain x + 3/8 gain^2 + offset) gives it a variance of about 1
(F. Murtagh, J.-L. Starck, A. Bijaoui, 1995). What was denoised is taken back by the closed form of
the exact unbiased inverse (M. Makitalo, A. Foi, *IEEE Transactions on Image Processing* 22, 2013,
eq. 9): the plain inverse would be too dark.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from sw_model.spec import GREY_MAX, UsageError

from .noise_level import block_noise

Values = npt.NDArray[np.float64]
BINS = 12
"""Ranges of brightness in which the noise is measured."""
GAINS = (1e-3, float(GREY_MAX))
"""Gains in grey levels for each photon."""


def check_gain(gain: float | None) -> None:
    """Raise `UsageError` for a gain that is out of range."""
    if gain is not None and not GAINS[0] <= gain <= GAINS[1]:  # NaN is not
        raise UsageError(
            f"gain {gain} of Poisson noise is not in {GAINS[0]}..{GAINS[1]:g} grey levels a photon"
        )


@dataclass(frozen=True)
class Stabiliser:
    """A transform of grey levels 0..255 to themselves, after which noise is as strong everywhere.

    Attributes
    ----------
    gain, offset
        Of the noise's variance ``gain * x + offset``, in grey levels and their square.
    """

    gain: float
    offset: float = 0.0

    @property
    def sigma(self) -> float:
        """Standard deviation of the noise after the transform, in grey levels."""
        low, high = self._anscombe(np.array([0.0, GREY_MAX]))
        return float(GREY_MAX / (high - low))

    def sigma_at(self, brightness: float) -> float:
        """Standard deviation of the noise before the transform."""
        return sqrt(self.gain * brightness + self.offset)

    def forward(self, values: npt.NDArray[Any]) -> Values:
        """Transform grey levels of any shape."""
        return self.sigma * (self._anscombe(values.astype(np.float64)) - self._dark)

    def inverse(self, values: npt.NDArray[Any]) -> Values:
        """Return the grey levels whose noisy values have these means after the transform."""
        d = np.maximum(values / self.sigma + self._dark, 2 * sqrt(3 / 8))
        root = sqrt(3 / 2)
        photons = d**2 / 4 + root / (4 * d) - 11 / (8 * d**2) + 5 * root / (8 * d**3) - 1 / 8
        return self.gain * photons - self.offset / self.gain

    @property
    def _dark(self) -> float:
        return float(self._anscombe(np.zeros(1))[0])

    def _anscombe(self, values: Values) -> Values:
        inside = self.gain * values + 3 / 8 * self.gain**2 + self.offset
        return 2 / self.gain * np.sqrt(np.maximum(inside, 0.0))


def estimate_stabiliser(channels: list[npt.NDArray[Any]]) -> Stabiliser:
    """Gain and offset of the noise of a picture's channels, from its smooth parts.

    A line is fitted to the noise's variance in parts of equal brightness; negative coefficients
    are taken as 0. A picture without noise gets the least gain.
    """
    brightness, variance = (
        np.concatenate(parts)
        for parts in zip(*(block_noise(channel, BINS) for channel in channels), strict=True)
    )
    if not len(brightness):
        return Stabiliser(GAINS[0])
    # Of relative errors, as the variance of an estimate grows with it.
    weight = 1 / np.maximum(variance, 1e-3)
    columns = np.stack([brightness, np.ones_like(brightness)], 1)
    gain, offset = np.linalg.lstsq(columns * weight[:, None], variance * weight, rcond=None)[0]
    if offset < 0:
        gain, offset = np.average(variance / np.maximum(brightness, 1.0)), 0.0
    return Stabiliser(min(max(float(gain), GAINS[0]), GAINS[1]), float(offset))
