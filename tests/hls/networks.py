"""Networks and frames that the kernels are tried on, small enough to compile in seconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sw_model.golden import GoldenResult, denoise
from sw_model.spec import PIXEL_MAX, PIXEL_MIN, Deployment
from tests.rtl.networks import NETWORKS


@dataclass(frozen=True)
class Case:
    """A project, and the frames that go through it in one run.

    Attributes
    ----------
    network
        Name in `tests.rtl.networks.NETWORKS`.
    size, timesteps, reuse_factor
        Of the project; None for as many cycles as channels.
    """

    network: str
    size: tuple[int, int]
    timesteps: int
    reuse_factor: int | None = None

    @property
    def deployment(self) -> Deployment:
        return NETWORKS[self.network].deployment

    @property
    def frames(self) -> list[npt.NDArray[np.int64]]:
        """Extremes first, so that what they might leave behind would show in the rest."""
        rng = np.random.default_rng(11)
        return [
            np.full(self.size, PIXEL_MAX),
            rng.integers(0, 256, self.size),
            np.full(self.size, PIXEL_MIN),
            rng.integers(PIXEL_MIN, PIXEL_MAX + 1, self.size),
        ]

    def golden(self, pixels: npt.NDArray[np.int64]) -> GoldenResult:
        return denoise(self.deployment, pixels, self.timesteps, trace=True)

    def __str__(self) -> str:
        height, width = self.size
        factor = "" if self.reuse_factor is None else f"-reuse{self.reuse_factor}"
        return f"{self.network}-{height}x{width}-T{self.timesteps}{factor}"


CASES = (
    # Every neuron, weight width and shift that the spec has, T below and above ten.
    Case("mixed", (3, 4), 2),
    Case("mixed", (5, 1), 12),
    # IF, hard reset.
    Case("five", (1, 3), 3, 1),
    # IF, soft reset, init; lanes for three channels at a time.
    Case("nine", (2, 3), 4, 3),
    # Sums as large as their widths allow.
    Case("extreme", (3, 4), 3),
    Case("one", (1, 1), 1),
    # Event words beyond 64 bits.
    Case("wide", (1, 2), 1),
)
"""Odd sizes, one-pixel-wide images, and images in a row."""
EQUALITY_CASE = CASES[0]
"""The one in which seeded faults must show."""
