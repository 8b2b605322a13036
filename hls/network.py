"""The frozen network as a PyTorch model that hls4ml can convert."""

from __future__ import annotations

from torch import Tensor, nn

from sw_model.spec import GREY_MAX, Deployment

from .layers import FrozenConv, FrozenLIF, FrozenResidual

CONV, LIF, RESIDUAL = "conv", "lif", "residual"
"""Names of the layers; the first two are followed by the number of the layer."""


class FrozenDnCNN(nn.Module):
    """All layers of a deployment.

    Parameters
    ----------
    deployment
        The network.
    timesteps
        T, one that the deployment allows.

    Raises
    ------
    UsageError
        The deployment does not allow this T.
    """

    def __init__(self, deployment: Deployment, timesteps: int) -> None:
        super().__init__()
        spec, widths = deployment.spec, deployment.widths.layers
        mult = deployment.mult(timesteps)
        self.depth = len(spec.layers)
        for index, layer in enumerate(spec.layers):
            conv = FrozenConv(layer, deployment.weights[index], widths[index], timesteps)
            self.add_module(f"{CONV}{index}", conv)
            if layer.neuron is not None:
                neurons = FrozenLIF(
                    index,
                    layer,
                    deployment.biases[index],
                    deployment.thresholds[index],
                    deployment.inits[index],
                    widths[index],
                    timesteps,
                )
                self.add_module(f"{LIF}{index}", neurons)
        residual = FrozenResidual(
            spec.layers[-1], deployment.biases[-1], mult, widths[-1], timesteps, GREY_MAX
        )
        self.add_module(RESIDUAL, residual)

    def forward(self, pixels: Tensor) -> Tensor:
        """Denoised pixels (B, H, W, 1) of noisy ones, (B, H, W, 1) in -512..511; int64."""
        x = pixels
        for index in range(self.depth):
            x = self.get_submodule(f"{CONV}{index}")(x)
            if index < self.depth - 1:
                x = self.get_submodule(f"{LIF}{index}")(x)
        return self.get_submodule(RESIDUAL)(pixels, x)
