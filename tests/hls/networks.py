"""Networks and frames that the kernels are tried on, small enough to compile in seconds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from sw_model.golden import GoldenResult, denoise
from sw_model.spec import MULT_BITS, PIXEL_MAX, PIXEL_MIN, Deployment, NeuronSpec, uniform_network
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


def _few(
    name: str,
    seed: int,
    *,
    timesteps: int,
    levels: tuple[int, int] | None = None,
    planes: int = 1,
    colours: int = 1,
    **others: Any,
) -> Deployment:
    spec = uniform_network(
        name,
        depth=4,
        timesteps=(timesteps,),
        code="binary",
        planes=planes,
        inputs=colours * planes**2,
        noise_levels=levels,
        noise_shift=0 if levels is None else others.pop("noise_shift", 5),
        **others,
    )
    found = random_deployment(spec, seed, with_init=True)
    # Residuals that are far from zero.
    mults = np.minimum(found.mults.astype(np.int64) * 16, (1 << MULT_BITS) - 1)
    return replace(found, mults=mults.astype(np.uint16))


def _extreme(deployment: Deployment) -> Deployment:
    """Largest weights; in a frame of one extreme the spikes of all but one sign of them."""
    sign = np.where(np.arange(deployment.spec.channels) % 2, -1, 1)
    weights = [
        np.broadcast_to(layer, weight.shape) * np.int8(127)
        for layer, weight in zip(
            [
                sign[:, None, None, None],
                *[(sign[:, None] * sign)[:, :, None, None]] * (len(deployment.weights) - 2),
                sign[None, :, None, None],
            ],
            deployment.weights,
            strict=True,
        )
    ]
    return replace(
        deployment,
        weights=tuple(weight.astype(np.int8) for weight in weights),
        thresholds=tuple(np.ones_like(threshold) for threshold in deployment.thresholds),
        inits=tuple(np.zeros_like(init) for init in deployment.inits),
        noise_weight=(2047 * sign).astype(np.int16),
        mults=np.array([(1 << MULT_BITS) - 1], dtype=np.uint16),
    )


# Small thresholds, so that a unit of a sum or of a level shows in the spikes.
FEW_FAULTS = _few(
    "few-faults",
    3,
    timesteps=4,
    levels=(0, 55),
    planes=2,
    channels=8,
    weight_bits=2,
    encoding_weight_bits=5,
    encoding_shift=10,
    output_shift=9,
    noise_shift=15,
)
FEW_SPIKES = {
    found.spec.name: found
    for found in (
        FEW_FAULTS,
        _few("few-one-step", 1, timesteps=1, channels=3, weight_bits=3, encoding_shift=1),
        _few("few-three-steps", 2, timesteps=3, channels=6, planes=2, weight_bits=4),
        _few("few-five-levels", 4, timesteps=5, channels=5, levels=(10, 75), weight_bits=6),
        _few("few-eight-steps", 5, timesteps=8, channels=4, planes=2, levels=(0, 255)),
        _few("few-colours", 6, timesteps=6, channels=5, colours=3, levels=(5, 50)),
        _few("few-colour-planes", 7, timesteps=2, channels=6, colours=3, planes=2),
        _extreme(_few("few-extreme", 9, timesteps=4, channels=4, planes=2, levels=(0, 255))),
        _few("few-wide", 8, timesteps=7, channels=65, planes=2, weight_bits=3),
    )
}
"""Networks of the few-spike code by name."""


@dataclass(frozen=True)
class Case:
    """A project, and the frames that go through it in one run.

    Attributes
    ----------
    network
        "faults", or a name in `FEW_SPIKES` or `tests.rtl.networks.NETWORKS`.
    size, timesteps, reuse_factor
        Of the project; None for as many cycles as channels.
    """

    network: str
    size: tuple[int, int]
    timesteps: int
    reuse_factor: int | None = None

    @property
    def deployment(self) -> Deployment:
        if self.network in FEW_SPIKES:
            return FEW_SPIKES[self.network]
        return FAULTS if self.network == "faults" else rtl.NETWORKS[self.network].deployment

    @property
    def frames(self) -> list[npt.NDArray[np.int64]]:
        """Extremes first, so that what they might leave behind would show in the rest."""
        rng = np.random.default_rng(11)
        colours = self.deployment.spec.colours
        shape = self.size if colours == 1 else (*self.size, colours)
        return [
            np.full(shape, PIXEL_MAX),
            rng.integers(0, 256, shape),
            np.full(shape, PIXEL_MIN),
            rng.integers(PIXEL_MIN, PIXEL_MAX + 1, shape),
        ]

    @property
    def levels(self) -> list[float | None]:
        """Noise level of each frame, in grey levels."""
        ends = self.deployment.spec.noise_levels
        return [None] * 4 if ends is None else [*ends, 25.31, 13]

    @property
    def level_units(self) -> list[int] | None:
        """The same in units of the network."""
        units = [self.deployment.spec.level_units(level) for level in self.levels]
        return None if None in units else [unit for unit in units if unit is not None]

    @property
    def results(self) -> list[GoldenResult]:
        """The golden model's results for all frames, as it is defined."""
        # The few-spike code shows no membranes.
        trace: bool | Literal["spikes"] = self.deployment.spec.code == "rate" or "spikes"
        return [
            denoise(
                self.deployment,
                pixels,
                self.timesteps,
                level=level,
                trace=trace,
                engine="reference",
            )
            for pixels, level in zip(self.frames, self.levels, strict=True)
        ]

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
    # One step; a single channel of input.
    Case("few-one-step", (3, 2), 1),
    Case("few-three-steps", (1, 1), 3, 2),
    Case("few-three-steps", (4, 6), 3, 3),
    Case("few-five-levels", (5, 1), 5),
    Case("few-eight-steps", (5, 4), 8),
    Case("few-eight-steps", (1, 7), 8, 2),
    Case("few-colours", (2, 3), 6),
    Case("few-colour-planes", (3, 1), 2),
    # Sums as large as their widths allow.
    Case("few-extreme", (5, 6), 4),
    Case("few-wide", (2, 2), 7),
    Case("few-faults", (5, 3), 4),
)
"""Odd sizes, one-pixel-wide images, and images in a row."""
FAULT_CASE, FEW_FAULT_CASE = (
    next(case for case in CASES if case.network == name) for name in ("faults", "few-faults")
)
"""The ones in which seeded faults must show, of each code."""
