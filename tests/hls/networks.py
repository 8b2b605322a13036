"""Networks and frames that the kernels are tried on, small enough to compile in seconds."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from sw_model.golden import GoldenResult, denoise
from sw_model.spec import PIXEL_MAX, PIXEL_MIN, Deployment, NeuronSpec, uniform_network
from tests.random_deployment import random_deployment
from tests.rtl import networks as rtl

# Small weights and many steps: membranes lie so close to their thresholds that a leak which is a
# unit off shows in the spikes.
_SMALL = random_deployment(
    uniform_network(
        "faults",
        depth=4,
        channels=8,
        timesteps=(2, 9),
        weight_bits=2,
        encoding_weight_bits=5,
        neuron=NeuronSpec(leak=1, reset="soft"),
        encoding_shift=6,
        output_shift=9,
    ),
    3,
    with_init=True,
)
# The drawn output bias is zero, which no wrong use of it would change.
FAULTS = replace(_SMALL, biases=(*_SMALL.biases[:-1], np.array([-3], dtype=np.int32)))


@dataclass(frozen=True)
class Case:
    """A project, and the frames that go through it in one run.

    Attributes
    ----------
    network
        "faults", or a name in `tests.rtl.networks.NETWORKS`.
    size, timesteps, reuse_factor
        Of the project; None for as many cycles as channels.
    """

    network: str
    size: tuple[int, int]
    timesteps: int
    reuse_factor: int | None = None

    @property
    def deployment(self) -> Deployment:
        return FAULTS if self.network == "faults" else rtl.NETWORKS[self.network].deployment

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
    Case("mixed", (3, 4), 12),
    Case("mixed", (5, 1), 2),
    # IF, hard reset.
    Case("five", (1, 3), 3, 1),
    # IF, soft reset, init; lanes for three channels at a time.
    Case("nine", (2, 3), 4, 3),
    # Sums as large as their widths allow.
    Case("extreme", (3, 4), 3),
    Case("one", (1, 1), 1),
    # Event words beyond 64 bits.
    Case("wide", (1, 2), 2),
    Case("faults", (3, 4), 9),
)
"""Odd sizes, one-pixel-wide images, and images in a row."""
FAULT_CASE = CASES[-1]
"""The one in which seeded faults must show."""
