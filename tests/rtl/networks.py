"""Tiny networks that exercise all of the accelerator, and the frames that they are tried on."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from sw_model.golden import GoldenResult, denoise
from sw_model.spec import (
    PIXEL_MAX,
    PIXEL_MIN,
    Deployment,
    LayerSpec,
    NetworkSpec,
    NeuronSpec,
    configuration,
    uniform_network,
)
from sw_model.spec.fixed_point import weight_range
from sw_model.spec.hardware.cycles import network_cycles
from tests.random_deployment import random_deployment

EXTREME_LAYER = 1
"""The layer of the network "extreme" in which sums of both signs are as large as can be."""
SIZES = ((1, 1), (1, 4), (3, 1), (2, 2), (3, 4), (1, 1), (2, 3))
"""Frames that grow and shrink, one after the other."""

PLANE_SIZES = ((4, 6), (1, 1), (5, 5), (3, 2), (2, 5), (1, 6), (5, 1), (2, 2))
"""Frames of even and odd sides, for networks of planes."""


@dataclass(frozen=True)
class Frame:
    """Noisy pixels, a number of timesteps, and what the golden model makes of them."""

    deployment: Deployment
    pixels: npt.NDArray[np.int64]
    timesteps: int
    level: float | None = None

    @cached_property
    def golden(self) -> GoldenResult:
        return denoise(
            self.deployment, self.pixels, self.timesteps, level=self.level, trace="spikes"
        )

    @property
    def level_units(self) -> int | None:
        """The noise level as the hardware takes it."""
        return self.deployment.spec.level_units(self.level)

    @property
    def maps(self) -> list[npt.NDArray[np.uint64]]:
        """Event words of every spiking layer."""
        return [layer.words for layer in self.golden.layers]

    @property
    def cycles(self) -> list[int]:
        return network_cycles(self.deployment.spec, self.maps, self.pixels.shape)

    def __str__(self) -> str:
        height, width = self.pixels.shape
        return f"frame {height}x{width}, T {self.timesteps}"


@dataclass(frozen=True)
class Network:
    """A deployment, the hardware's size, and frames within it."""

    deployment: Deployment
    max_height: int = 3
    max_width: int = 4
    sizes: Sequence[tuple[int, int]] = SIZES

    @cached_property
    def frames(self) -> list[Frame]:
        """A frame of each size at each T, the awkward pictures among them."""
        rng = random.Random(self.deployment.provenance["seed"])
        allowed = self.deployment.spec.timesteps
        return [
            Frame(
                self.deployment,
                _picture(rng, *size),
                allowed[index % len(allowed)],
                level_of(self.deployment.spec, index),
            )
            for index, size in enumerate(self.sizes)
            if size[0] <= self.max_height and size[1] <= self.max_width
        ]


def level_of(spec: NetworkSpec, index: int) -> float | None:
    """The lowest and highest level of the network, and some between them."""
    if spec.noise_levels is None:
        return None
    low, high = spec.noise_levels
    return (low, high, low + 0.0625, (low + high) / 3)[index % 4]


def _picture(rng: random.Random, height: int, width: int) -> npt.NDArray[np.int64]:
    """Grey levels, any pixels, or all pixels at an end of their range."""
    low, high = rng.choice([(0, 255), (PIXEL_MIN, PIXEL_MAX), (PIXEL_MAX,) * 2, (PIXEL_MIN,) * 2])
    pixels = [[rng.randint(low, high) for _ in range(width)] for _ in range(height)]
    return np.array(pixels, dtype=np.int64)


def _mixed_network() -> NetworkSpec:
    """Another neuron and another weight width in every layer; T on both sides of ten."""
    neurons = [
        NeuronSpec(leak=3, fractional_bits=2),
        NeuronSpec(leak=None, reset="soft"),
        NeuronSpec(),
        NeuronSpec(leak=2, reset="soft", fractional_bits=1),
    ]
    bits = [6, 3, 8, 2, 5]
    last = len(bits) - 1
    layers = tuple(
        LayerSpec(
            kind="encoding" if index == 0 else "output" if index == last else "hidden",
            in_channels=1 if index == 0 else 3,
            out_channels=1 if index == last else 3,
            weight_bits=bits[index],
            neuron=None if index == last else neurons[index],
            shift=4 if index == 0 else 9 if index == last else 0,
        )
        for index in range(len(bits))
    )
    return NetworkSpec(name="mixed", timesteps=(2, 12), layers=layers)


def _extreme(deployment: Deployment) -> Deployment:
    """All weights at their largest magnitude, so that the sums are as large as their widths allow.

    Bright pixels make every neuron of the encoding layer fire. In the layer behind it, output
    channels take it all as positive and as negative weights by turns.
    """
    weights = []
    for index, layer in enumerate(deployment.spec.layers):
        _, high = weight_range(layer.weight_bits)
        weight = np.full(layer.weight_shape, high, dtype=np.int8)
        if index == EXTREME_LAYER:
            weight[::2] *= -1
        weights.append(weight)
    return replace(deployment, weights=tuple(weights))


def _with_multipliers(deployment: Deployment) -> Deployment:
    """Another output multiplier for every T."""
    mults = [int(mult) // (2 * index + 1) for index, mult in enumerate(deployment.mults)]
    return replace(deployment, mults=np.array(mults, dtype=np.uint16))


def _uniform(name: str, channels: int, timesteps: Sequence[int], neuron: NeuronSpec) -> NetworkSpec:
    return uniform_network(
        name,
        depth=3 if channels == 1 else 4,
        channels=channels,
        timesteps=timesteps,
        weight_bits=4,
        neuron=neuron,
        output_shift=12,
    )


def few_spikes(
    timesteps: int,
    channels: int,
    seed: int,
    *,
    depth: int = 4,
    shift: int = 0,
    size: tuple[int, int] = (3, 4),
    sizes: Sequence[tuple[int, int]] = SIZES,
    **others: Any,
) -> Network:
    """A network of the few-spike code; ``others`` are parameters of its spec."""
    spec = uniform_network(
        f"few spikes, T {timesteps}",
        depth=depth,
        channels=channels,
        timesteps=(timesteps,),
        weight_bits=4,
        encoding_shift=shift,
        output_shift=14,
        code="binary",
        **others,
    )
    return Network(random_deployment(spec, seed, with_init=True), *size, sizes)


def _networks() -> dict[str, Network]:
    soft_if = NeuronSpec(leak=None, reset="soft")
    one = _uniform("one channel", 1, (1,), NeuronSpec())
    five = _uniform("five channels", 5, (3,), NeuronSpec(leak=None))
    nine = _uniform("nine channels", 9, (1, 4), soft_if)
    wide = uniform_network("65 channels", depth=3, channels=65, timesteps=(2,), weight_bits=3)
    extreme = _uniform("extreme", 4, (3,), NeuronSpec(leak=1, reset="soft"))
    return {
        "one": Network(random_deployment(one, 1), 2, 2),
        "mixed": Network(_with_multipliers(random_deployment(_mixed_network(), 2, with_init=True))),
        "tiny": Network(random_deployment(configuration("tiny"), 3)),
        "five": Network(random_deployment(five, 4), 3, 3, ((3, 3), (1, 3), (3, 1), (3, 2))),
        "nine": Network(random_deployment(nine, 5, with_init=True), 5, 2, ((5, 2), (1, 1), (4, 1))),
        # Events need a second 64-bit word, channels five groups.
        "wide": Network(random_deployment(wide, 7), 1, 2, ((1, 2), (1, 1))),
        "extreme": Network(_extreme(random_deployment(extreme, 6)), sizes=((3, 4),) * 4),
        "few-1": few_spikes(1, 1, 11, depth=3),
        "few-3": few_spikes(3, 5, 13, shift=3),
        "few-8": few_spikes(8, 3, 18, shift=1),
        "few-levels": few_spikes(4, 5, 15, shift=3, noise_levels=(3, 60), noise_shift=11),
        "few-planes": few_spikes(
            3, 4, 16, shift=3, size=(5, 6), sizes=PLANE_SIZES, planes=2, inputs=4
        ),
        "few-extreme": Network(
            _extreme(few_spikes(4, 4, 14).deployment), sizes=((3, 4), (1, 1), (3, 4))
        ),
    }


NETWORKS = _networks()
"""By name: awkward numbers of channels, every kind of neuron, mixed widths, extreme weights."""
