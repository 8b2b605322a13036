"""The frozen network as a PyTorch model that hls4ml can convert."""

from __future__ import annotations

from torch import Tensor, nn

from sw_model.spec import GREY_MAX, Deployment

from .few_spikes import FrozenFewSpikes, FrozenLevelBias
from .layers import FrozenConv, FrozenLIF, FrozenPlanes, FrozenResidual
from .supported import check_supported

CONV, LIF, RESIDUAL = "conv", "lif", "residual"
"""Names of the layers; the first two are followed by the number of the layer."""
FEW_SPIKES = "few_spikes"
"""In place of `LIF` in the few-spike code."""
PLANES, LEVEL_BIAS = "planes", "level_bias"


class FrozenDnCNN(nn.Module):
    """All layers of a deployment.

    Parameters
    ----------
    deployment
        The network; `FrozenLevelDnCNN` is for those that take a noise level.
    timesteps
        T, one that the deployment allows.

    Raises
    ------
    UsageError
        The deployment does not allow this T, or `check_supported` refuses its network.
    """

    def __init__(self, deployment: Deployment, timesteps: int) -> None:
        super().__init__()
        spec, widths = deployment.spec, deployment.widths.layers
        check_supported(spec)
        mult = deployment.mult(timesteps)
        self.depth = len(spec.layers)
        self.binary = spec.code == "binary"
        self.in_planes = spec.planes > 1
        self.neurons = FEW_SPIKES if self.binary else LIF
        if self.in_planes:
            self.add_module(PLANES, FrozenPlanes(spec.planes))
        if deployment.noise_weight is not None:
            biases = FrozenLevelBias(
                deployment.biases[0], deployment.noise_weight, spec.noise_shift, widths[0]
            )
            self.add_module(LEVEL_BIAS, biases)
        for index, layer in enumerate(spec.layers):
            conv = FrozenConv(
                layer, deployment.weights[index], widths[index], timesteps, binary=self.binary
            )
            self.add_module(f"{CONV}{index}", conv)
            if layer.neuron is not None:
                self.add_module(f"{self.neurons}{index}", _neurons(deployment, index, timesteps))
        residual = FrozenResidual(
            spec.layers[-1],
            deployment.biases[-1],
            mult,
            widths[-1],
            timesteps,
            GREY_MAX,
            binary=self.binary,
            planes=spec.planes,
        )
        self.add_module(RESIDUAL, residual)

    def forward(self, pixels: Tensor) -> Tensor:
        """Denoised pixels (B, H, W, colours) of noisy ones, in -512..511; int64."""
        return self._denoised(pixels)

    def _denoised(self, pixels: Tensor, *biases: Tensor) -> Tensor:
        """``biases``: those of the encoding layer, if they are an input."""
        x = self.get_submodule(PLANES)(pixels) if self.in_planes else pixels
        for index in range(self.depth):
            x = self.get_submodule(f"{CONV}{index}")(x)
            if index < self.depth - 1:
                told = biases if index == 0 else ()
                x = self.get_submodule(f"{self.neurons}{index}")(x, *told)
        return self.get_submodule(RESIDUAL)(pixels, x)


class FrozenLevelDnCNN(FrozenDnCNN):
    """As `FrozenDnCNN`, for a deployment that takes a noise level."""

    def forward(self, pixels: Tensor, level: Tensor) -> Tensor:  # type: ignore[override] # a second input
        """As of `FrozenDnCNN`; levels (B, 1) in sixteenths of a grey level, int64."""
        return self._denoised(pixels, self.get_submodule(LEVEL_BIAS)(level))


def frozen_network(deployment: Deployment, timesteps: int) -> FrozenDnCNN:
    """The deployment's model; raises as `FrozenDnCNN`."""
    takes_level = deployment.spec.noise_levels is not None
    return (FrozenLevelDnCNN if takes_level else FrozenDnCNN)(deployment, timesteps)


def _neurons(deployment: Deployment, index: int, timesteps: int) -> nn.Module:
    """The neurons of a spiking layer."""
    spec = deployment.spec
    bias, threshold, init = (
        constants[index]
        for constants in (deployment.biases, deployment.thresholds, deployment.inits)
    )
    layer, widths = spec.layers[index], deployment.widths.layers[index]
    if spec.code == "binary":
        own = None if index == 0 and spec.noise_levels is not None else bias
        return FrozenFewSpikes(index, layer, own, threshold, init, widths, timesteps)
    return FrozenLIF(index, layer, bias, threshold, init, widths, timesteps)
