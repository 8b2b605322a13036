"""Costs of denoising pictures: the golden model's spikes in `sw_model.spec.cost.model`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sw_model import golden
from sw_model.golden.activity import Activity
from sw_model.pictures.eight_bit import read_picture
from sw_model.pictures.noise import add_noise, planes
from sw_model.pictures.options import Noise
from sw_model.spec import KERNEL, Deployment
from sw_model.spec.cost.layer import LayerCost, Scope, break_even_theta
from sw_model.spec.cost.model import DenseDesign, InputSpikes, dense_cost, spiking_cost
from sw_model.support.progress import progress
from sw_model.support.text import one_line

Layers = tuple[LayerCost, ...]


@dataclass(frozen=True, kw_only=True)
class FrameCost:
    """Costs of one or more frames; costs of the same network can be added.

    Attributes
    ----------
    spiking, dense, dense_no_reuse
        One cost per layer: of the spiking network, of the dense network, and of the dense network
        that reads its weights for every pixel.
    activity
        Spikes and theta.
    """

    spiking: Layers
    dense: Layers
    dense_no_reuse: Layers
    activity: Activity

    def __add__(self, other: FrameCost) -> FrameCost:
        return FrameCost(
            spiking=_sum(self.spiking, other.spiking),
            dense=_sum(self.dense, other.dense),
            dense_no_reuse=_sum(self.dense_no_reuse, other.dense_no_reuse),
            activity=self.activity + other.activity,
        )

    def break_even(self, scope: Scope, *, no_reuse: bool = False) -> float | None:
        """Theta above which the spiking network costs more; see `break_even_theta`."""
        dense = self.dense_no_reuse if no_reuse else self.dense
        return break_even_theta(self.spiking, dense, self.activity.theta, scope)


@dataclass(frozen=True, kw_only=True)
class MeasuredCost:
    """Cost of a picture, which has one frame, or three if it has colours."""

    name: str
    shape: tuple[int, ...]
    cost: FrameCost


@dataclass(frozen=True, kw_only=True)
class CostStudy:
    """Costs of all pictures, with the network and the noise."""

    deployment: Deployment
    timesteps: int
    noise: Noise
    set_name: str | None
    pictures: tuple[MeasuredCost, ...]

    @property
    def total(self) -> FrameCost:
        """All pictures together."""
        return reduce(add, (picture.cost for picture in self.pictures))


def count_input(words: npt.NDArray[np.uint64]) -> InputSpikes:
    """Input events of the layer after a spike map.

    Parameters
    ----------
    words
        (H, W, T, ceil(C / 64)) uint64, one bit per spike.
    """
    events = np.bitwise_count(words).sum(axis=(2, 3), dtype=np.int64)  # (H, W)
    taps = np.multiply.outer(*(_reached(size) for size in events.shape))
    return InputSpikes(events=int(events.sum()), useful_taps=int((events * taps).sum()))


def _reached(size: int) -> npt.NDArray[np.int64]:
    """Number of positions along a side that a spike at each position reaches inside the map."""
    full = np.convolve(np.ones(size, np.int64), np.ones(KERNEL, np.int64))
    return full[KERNEL // 2 : KERNEL // 2 + size]


def frame_cost(
    deployment: Deployment,
    pixels: npt.NDArray[np.integer],
    timesteps: int,
    progress: golden.Progress | None = None,
) -> FrameCost:
    """Denoise a frame and return its cost.

    Memory: all layers' event words, one bit for each neuron and timestep of the network.

    Parameters
    ----------
    pixels
        (H, W) integers in -512..511.
    timesteps
        T, allowed by the deployment.
    progress
        See `sw_model.golden.denoise`.
    """
    result = golden.denoise(deployment, pixels, timesteps, trace="spikes", progress=progress)
    depth, channels = len(deployment.spec.layers), deployment.spec.channels
    height, width = pixels.shape
    spikes = [count_input(layer.words) for layer in result.layers]
    return FrameCost(
        spiking=spiking_cost(deployment, timesteps, (height, width), spikes),
        dense=dense_cost(depth, channels, (height, width)),
        dense_no_reuse=dense_cost(depth, channels, (height, width), DenseDesign(no_reuse=True)),
        activity=result.activity,
    )


def study(
    deployment: Deployment,
    timesteps: int,
    noise: Noise,
    files: Iterable[Path],
    set_name: str | None = None,
) -> CostStudy:
    """Costs of denoising pictures with noise added.

    Raises
    ------
    UsageError
        A file is not an accepted picture, or the noise cannot be drawn.
    """
    files = list(files)
    pictures = []
    with progress("cost") as bar:
        for number, path in enumerate(files):
            clean = read_picture(path)
            pixels = list(planes(add_noise(clean, noise.sigma, noise.seed, noise.protocol)))
            frames = [
                frame_cost(
                    deployment,
                    plane,
                    timesteps,
                    bar.item(number * len(pixels) + i, len(files) * len(pixels), path.name),
                )
                for i, plane in enumerate(pixels)
            ]
            pictures.append(
                MeasuredCost(name=one_line(path.name), shape=clean.shape, cost=reduce(add, frames))
            )
    return CostStudy(
        deployment=deployment,
        timesteps=timesteps,
        noise=noise,
        set_name=set_name,
        pictures=tuple(pictures),
    )


def _sum(left: Layers, right: Layers) -> Layers:
    return tuple(map(add, left, right))
