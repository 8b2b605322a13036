"""Losses in mid-network, for training only."""

from __future__ import annotations

from torch import Tensor, nn, zeros
from torch.nn import functional as F

from sw_model.network import PIXEL_SCALE, initial_weight
from sw_model.spec import NetworkSpec


class DeepSupervision(nn.Module):
    """Output layers in mid-network, for training only.

    A surrogate gradient loses its direction on its way through many layers of spikes. A residual
    read off after every few layers gives those below a loss of their own nearby.

    Parameters
    ----------
    spec
        Of the network that is supervised.
    every
        Layers between two outputs.
    """

    def __init__(self, spec: NetworkSpec, every: int) -> None:
        super().__init__()
        self.places = range(every, len(spec.spiking_layers) - 1, every)
        self.weights = nn.ParameterList(initial_weight(spec.layers[-1]) for _ in self.places)
        self.biases = nn.ParameterList(zeros(1) for _ in self.places)

    def forward(self, spikes: list[Tensor]) -> list[Tensor]:
        """Residuals in pixels, each (B, 1, H, W), from the spikes of all spiking layers."""
        return [
            PIXEL_SCALE * F.conv2d(spikes[place].float().mean(0), weight, bias, padding=1)
            for place, weight, bias in zip(self.places, self.weights, self.biases, strict=True)
        ]
