"""The options of a training of the few-spike code, and its network configurations."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from sw_model.spec import NetworkSpec, UsageError, uniform_network

LEVELS = (0, 55)
"""Noise levels that networks are trained for, in grey levels."""


def _network(
    name: str, depth: int, channels: int, timesteps: int, planes: int, colours: int = 1
) -> NetworkSpec:
    return uniform_network(
        name,
        depth=depth,
        channels=channels,
        timesteps=(timesteps,),
        weight_bits=4,
        encoding_weight_bits=8,
        output_weight_bits=8,
        inputs=colours * planes**2,
        code="binary",
        planes=planes,
        noise_levels=LEVELS,
        noise_shift=1,
    )


CONFIGURATIONS = {
    spec.name: spec
    for spec in (
        _network("video", depth=15, channels=64, timesteps=5, planes=2),
        _network("grey", depth=17, channels=64, timesteps=4, planes=1),
        _network("colour", depth=15, channels=64, timesteps=5, planes=2, colours=3),
        _network("tiny", depth=4, channels=8, timesteps=4, planes=2),
    )
}
"""Networks by name: `video` for speed, `grey` for quality, `colour` for pictures of three colours,
`tiny` for trials."""
LIMITS: dict[str, tuple[float, float]] = {
    "minutes": (0.001, 10**6),
    "batch": (1, 1024),
    "patch": (8, 1024),
    "lr": (1e-9, 1),
    "muon": (0, 1),
    "price": (0, 1000),
    "final_price": (0, 1000),
    "teaching": (0, 1),
    "seed": (0, 2**32 - 1),
}


@dataclass(frozen=True, kw_only=True)
class Options:
    """All that determines a training, except pictures, initial weights and the machine's speed.

    Attributes
    ----------
    config
        Name of the network, one of `CONFIGURATIONS`.
    minutes
        Length of the training, all calls together. The learning rates fall in half a cosine over
        this time, because the number of steps is not known in advance.
    batch, patch
        Patches in a step, and the side of a patch in pixels.
    lr, muon
        Peak learning rates of AdamW, and of Muon for the hidden layers' weights.
    price, final_price
        Weight of the spikes of a neuron, summed over layers, in the loss; it rises from the first
        to the second value within the part `RISE` of the training.
    teaching
        Share of the teacher's residual in the target; the rest is the noise itself.
    seed
        Seed of initial weights, patches and noise.
    """

    config: str = "video"
    minutes: float = 60.0
    batch: int = 16
    patch: int = 64
    lr: float = 2e-3
    muon: float = 0.01
    price: float = 0.3
    final_price: float = 0.6
    teaching: float = 0.9
    seed: int = 0

    def __post_init__(self) -> None:
        if self.config not in CONFIGURATIONS:
            known = ", ".join(CONFIGURATIONS)
            raise UsageError(f"--config {self.config!r} is unknown; known are {known}")
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if not low <= value <= high:  # false for NaN
                option = name.replace("_", "-")
                raise UsageError(f"--{option} {value} is not in {low}..{high}")
        if self.patch % self.spec.planes:
            raise UsageError(f"--patch {self.patch} is not a multiple of {self.spec.planes} planes")

    @property
    def spec(self) -> NetworkSpec:
        """The network."""
        return CONFIGURATIONS[self.config]

    def command(self, started: bool, taught: bool) -> str:
        """The command line of a training with these options, without its folders."""
        words = ["python -m sw_model train-few-spikes"]
        words += ["--start CHECKPOINT"] if started else []
        words += ["--teacher FFDNET"] if taught else []
        for name, value in dataclasses.asdict(self).items():
            words.append(f"--{name.replace('_', '-')} {value}")
        return " ".join(words)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Options:
        """Inverse of `dataclasses.asdict`."""
        return cls(**fields)
