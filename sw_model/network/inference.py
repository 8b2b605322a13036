"""A picture through a float network: what the network gets, the denoised picture, the activity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from sw_model.coding import Seed, rate_code
from sw_model.pictures.arrays import Picture, Pixels
from sw_model.spec import GREY_MAX

from .dncnn import activity

SPIKE_SEED = 1
"""Seed of every evaluated picture's rate coding: another than that of its noise, since draws from
one generator would make the spikes depend on the noise."""


def rate_coded(pixels: npt.NDArray[np.int16], timesteps: int, seed: Seed) -> Tensor:
    """Rate coding (paper, section 2.2): a Bernoulli draw a pixel and timestep.

    Parameters
    ----------
    pixels
        (B, 1, H, W), noisy; the firing probability is the grey level over 255, and what noise
        brought below 0 or above 255 never or always fires.
    timesteps
        T.
    seed
        Equal seeds give equal spikes.

    Returns
    -------
    Tensor
        (T, B, 1, H, W), zeros and ones in float32.
    """
    probability = pixels.clip(0, GREY_MAX) / GREY_MAX
    return torch.from_numpy(rate_code(probability, timesteps, seed)).float()


def network_input(model: nn.Module, pixels: npt.NDArray[np.int16], seed: Seed) -> Tensor:
    """What ``model`` gets for noisy pixels (B, 1, H, W).

    Returns
    -------
    Tensor
        The pixels themselves; `rate_coded`, drawn from ``seed``, where that is the model's coding.
    """
    if getattr(model, "coding", "direct") == "direct":  # ReLU and quantised networks have no other
        return torch.from_numpy(pixels).float()
    timesteps = model.timesteps
    assert isinstance(timesteps, int)
    return rate_coded(pixels, timesteps, seed)


class ActivityRecord(list[Tensor]):
    """A record of a forward pass that keeps the mean of each layer's output, not the output.

    All spikes of a whole picture in all layers would take gigabytes.
    """

    def append(self, output: Tensor) -> None:
        """Takes the next layer's output."""
        super().append(output.mean(dtype=torch.float32))


@dataclass(frozen=True)
class FloatResult:
    """A denoised picture (H, W) and theta of each spiking layer; none of a network without time."""

    picture: Picture
    thetas: list[float]


@torch.no_grad()
def denoise_float(model: nn.Module, noisy: Pixels) -> FloatResult:
    """Denoises one picture in float32.

    Parameters
    ----------
    model
        In evaluation mode.
    noisy
        Noisy pixels (H, W). The residual is taken from these whatever the network's input coding.
    """
    record = ActivityRecord()
    inputs = network_input(model, noisy[None, None], SPIKE_SEED)
    residual = model(inputs.to(next(model.parameters()).device), record=record).cpu()
    pixels = torch.from_numpy(noisy).float()
    denoised = (pixels - residual[0, 0]).round().clamp(0, GREY_MAX).to(torch.uint8)
    timesteps = getattr(model, "timesteps", 0)  # ReLU has none
    return FloatResult(denoised.numpy(), activity(record, timesteps) if timesteps else [])
