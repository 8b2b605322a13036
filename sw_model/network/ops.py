"""The convolution of all layers, and rounding with a straight-through gradient."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def convolve(x: Tensor, weight: Tensor, dtype: torch.dtype) -> Tensor:
    """3x3 convolution with zero padding of one pixel, computed in ``dtype``."""
    return F.conv2d(x.to(dtype), weight.to(dtype), padding=1)


def convolve_spikes(spikes: Tensor, weight: Tensor, dtype: torch.dtype) -> Tensor:
    """The same convolution at every timestep: (T, B, C_in, H, W) to (T, B, C_out, H, W)."""
    return convolve(spikes.flatten(0, 1), weight, dtype).unflatten(0, spikes.shape[:2])


def round_through(x: Tensor) -> Tensor:
    """Round to the nearest integer, halves up, with the gradient of the identity."""
    return x + (torch.floor(x + 0.5) - x).detach()
