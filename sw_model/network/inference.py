"""Denoising a picture with a float network: its input, the denoised picture, the activity."""

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
"""Seed of every evaluated picture's rate coding. It differs from the seed of the noise, because
with one generator the spikes would depend on the noise."""


def rate_coded(pixels: npt.NDArray[np.int16], timesteps: int, seed: Seed) -> Tensor:
    """Rate coding (paper, section 2.2): one Bernoulli draw for each pixel and timestep.

    Parameters
    ----------
    pixels
        (B, 1, H, W), noisy; the firing probability is the grey level over 255, clipped to 0..1.
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
    """The input of ``model`` for noisy pixels (B, 1, H, W).

    Returns
    -------
    Tensor
        The pixels themselves, or their `rate_coded` spikes drawn from ``seed`` if the model's
        coding is ``"bernoulli"``.
    """
    if getattr(model, "coding", "direct") == "direct":  # quantised networks have no `coding`
        return torch.from_numpy(pixels).float()
    timesteps = model.timesteps
    assert isinstance(timesteps, int)
    return rate_coded(pixels, timesteps, seed)


class ActivityRecord(list[Tensor]):
    """A record of a forward pass that keeps only the mean of each layer's output.

    The spikes of a picture in all layers would take gigabytes.
    """

    def append(self, output: Tensor) -> None:
        """Adds the mean of the next layer's output."""
        super().append(output.mean(dtype=torch.float32))


@dataclass(frozen=True)
class FloatResult:
    """A denoised picture (H, W), and theta of each spiking layer (empty for a ReLU network)."""

    picture: Picture
    thetas: list[float]


@torch.no_grad()
def denoise_float(model: nn.Module, noisy: Pixels) -> FloatResult:
    """Denoises one picture in float32.

    Parameters
    ----------
    model
        A network in evaluation mode.
    noisy
        Noisy pixels (H, W). The residual is subtracted from these with every input coding.
    """
    record = ActivityRecord()
    inputs = network_input(model, noisy[None, None], SPIKE_SEED)
    residual = model(inputs.to(next(model.parameters()).device), record=record).cpu()
    pixels = torch.from_numpy(noisy).float()
    denoised = (pixels - residual[0, 0]).round().clamp(0, GREY_MAX).to(torch.uint8)
    timesteps = getattr(model, "timesteps", 0)  # the ReLU network has no timesteps
    return FloatResult(denoised.numpy(), activity(record, timesteps) if timesteps else [])
