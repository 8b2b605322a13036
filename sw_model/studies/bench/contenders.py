"""The contenders of the benchmark by name, and the pictures that all of them denoise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from sw_model import golden
from sw_model.pictures.arrays import Picture, Pixels
from sw_model.pictures.noise import add_noise
from sw_model.pictures.options import DEFAULT_SIGMA
from sw_model.spec import Deployment, load_deployment

from .networks import Run, SnnTorch, SpikingJelly, SpikingJellyMulti, SpikingNetwork, dense

Total = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Contender:
    """One of the programs that are compared.

    Attributes
    ----------
    label
        Name in tables.
    make
        Makes the timed function from a deployment, T and a number of threads.
    spiking
        A library's network, whose spikes can be compared with the golden model's.
    """

    label: str
    make: Callable[[Deployment, int, int], Run]
    spiking: type[SpikingNetwork] | None = None


def _golden(engine: golden.Engine) -> Callable[[Deployment, int, int], Run]:
    def make(deployment: Deployment, timesteps: int, threads: int) -> Run:
        def run(pixels: Pixels) -> Total:
            result = golden.denoise(deployment, pixels, timesteps, engine=engine, threads=threads)
            return result.total

        return run

    return make


def _library(network: type[SpikingNetwork]) -> Callable[[Deployment, int, int], Run]:
    return lambda deployment, timesteps, threads: network(deployment, timesteps, raised=True).run


def _few_spikes(deployment: Deployment, timesteps: int, threads: int) -> Run:
    """The network `video`, whatever the deployment: four planes, few-spike code, any noise."""
    video = load_deployment(VIDEO)

    def run(pixels: Pixels) -> Total:
        return golden.denoise(video, pixels, level=DEFAULT_SIGMA, threads=threads).total

    return run


VIDEO = "video"
EVENTS = "events"
REFERENCE = "reference"
GOLDEN = (EVENTS, REFERENCE)
FLOAT32, BFLOAT16 = "float32", "bfloat16"
CONTENDERS: Mapping[str, Contender] = {
    EVENTS: Contender("golden model, events", _golden("events")),
    REFERENCE: Contender("golden model, reference", _golden("reference")),
    VIDEO: Contender("golden model, network video", _few_spikes),
    FLOAT32: Contender("DnCNN 17x64, PyTorch float32", lambda *_: dense(torch.float32)),
    BFLOAT16: Contender("DnCNN 17x64, PyTorch bfloat16", lambda *_: dense(torch.bfloat16)),
    "snntorch": Contender("snnTorch, step by step", _library(SnnTorch), SnnTorch),
    "spikingjelly": Contender("SpikingJelly, step by step", _library(SpikingJelly), SpikingJelly),
    "spikingjelly-multi": Contender(
        "SpikingJelly, multi-step", _library(SpikingJellyMulti), SpikingJellyMulti
    ),
}
"""By their name in bench.json, in the order of a round."""


def absence(error: ImportError) -> str:
    """Why a contender is not available, in a few words."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"{error.name.partition('.')[0]} is not installed"
    return str(error)


def noisy(clean: Picture, height: int, width: int, seed: int) -> Pixels:
    """A noisy picture of any size: ``clean`` repeated by mirroring at its edges, with noise."""
    rows, columns = clean.shape
    large = np.pad(
        clean, ((0, max(0, height - rows)), (0, max(0, width - columns))), mode="symmetric"
    )
    return add_noise(np.ascontiguousarray(large[:height, :width]), DEFAULT_SIGMA, seed)
