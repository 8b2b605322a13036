"""The float networks: DnCNN and its spiking twin.

Both take the noisy picture in pixels and return the residual, the predicted noise, in pixels:
denoised = noisy - residual. Pictures are (B, 1, H, W), spikes (T, B, C, H, W). With rate coding
at its input the spiking twin takes spikes (T, B, 1, H, W) instead of the picture.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sw_model.spec import LayerSpec, NetworkSpec, NeuronSpec
from sw_model.spec.fixed_point import weight_range

from .neurons import (
    TRIANGLE,
    Activation,
    Constants,
    FloatNeuron,
    Surrogate,
    channel_statistics,
    kernel,
    normalised_activation,
)
from .ops import convolve, convolve_spikes, round_through
from .rates import Levels, Relu

PIXEL_SCALE = 255.0
"""The networks compute with pixels / 255, so that weights start at a usual size."""
BIAS_INIT = 0.5
"""Initial offset of batch norm: half a threshold lets about a fifth of the neurons fire."""
LEVELS_INIT = {"gain": 0.3, "bias": 0.2}
"""Initial gain and offset of batch norm for rates: at the start most rates lie in 0..1."""
HIDDEN_NOISE = 0.3
OUTPUT_NOISE = 0.1
"""Size of the initial weights' random part, as a factor of He's normal initialisation."""
BATCH_NORM_EPS = 1e-5
BATCH_NORM_MOMENTUM = 0.1


def initial_weight(layer: LayerSpec) -> nn.Parameter:
    """Initial weight (C_out, C_in, 3, 3).

    Hidden layers start as the identity plus some of He's normal noise. Noise alone mixes the
    pixels of a neighbourhood in every layer; after sixteen spiking layers little is left of the
    single pixel's noise, which the network has to predict. Small weights in the output layer give
    a residual near zero.

    The memory format is channels last, which makes bfloat16 convolutions fast on a CPU; results
    inherit it.
    """
    weight = torch.empty(layer.weight_shape, memory_format=torch.channels_last)
    nn.init.kaiming_normal_(weight, nonlinearity="relu")
    with torch.no_grad():
        if layer.kind == "hidden":
            weight *= HIDDEN_NOISE
            weight[:, :, 1, 1] += torch.eye(layer.in_channels)
        elif layer.kind == "output":
            weight *= OUTPUT_NOISE
    return nn.Parameter(weight)


def rounded_weight(weight: Tensor, bits: int) -> Tensor:
    """Weights rounded to ``bits`` bits; each channel's largest weight becomes the largest code."""
    largest = weight.detach().abs().amax((1, 2, 3), keepdim=True).clamp(min=torch.finfo().tiny)
    step = largest / weight_range(bits)[1]
    return round_through(weight / step) * step


class NormalisedLayer(nn.Module):
    """Convolution, batch norm over time, batch and position, and an activation.

    Parameters
    ----------
    layer
        Kind and channels.
    activation
        Activation after batch norm.
    init, bias
        Initial membrane and initial offset of batch norm, in thresholds.
    weight_bits
        Width that weights are rounded to; None leaves them in floats.
    """

    running_mean: Tensor
    running_var: Tensor
    ones: Tensor
    init: Tensor

    def __init__(
        self,
        layer: LayerSpec,
        activation: Activation,
        *,
        init: float = 0.0,
        gain: float = 1.0,
        bias: float = BIAS_INIT,
        weight_bits: int | None = None,
    ) -> None:
        super().__init__()
        channels = layer.out_channels
        self.encoding = layer.kind == "encoding"
        self.activation = activation
        self.weight_bits = weight_bits
        self.weight = initial_weight(layer)
        self.gamma = nn.Parameter(torch.full((channels,), gain))
        self.beta = nn.Parameter(torch.full((channels,), bias))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.register_buffer("ones", torch.ones(channels), persistent=False)
        self.register_buffer("init", torch.full((channels,), init), persistent=False)

    def used_weight(self) -> Tensor:
        """The weight of the convolution, rounded to ``weight_bits`` if given."""
        return (
            self.weight
            if self.weight_bits is None
            else rounded_weight(self.weight, self.weight_bits)
        )

    def convolved(self, x: Tensor, dtype: torch.dtype) -> Tensor:
        """The convolution's result before batch norm, from the input of `forward`."""
        if x.dim() == 4:  # convolved once, in float32: ten-bit pixels do not fit bfloat16
            return convolve(x, self.used_weight(), torch.float32)[None]
        return convolve_spikes(x, self.used_weight(), dtype)

    @torch.no_grad()
    def rebase(self, x: Tensor) -> None:
        """Set the statistics to those of ``x``; adapt gain and offset so that the output stays.

        Training, which normalises by batch statistics, then starts from the evaluated network.
        """
        variance, mean = channel_statistics(self.convolved(x, torch.float32))
        gain = self.gamma * torch.rsqrt(self.running_var + BATCH_NORM_EPS)
        self.beta.add_((mean - self.running_mean) * gain)
        self.gamma.copy_(gain * (variance + BATCH_NORM_EPS).sqrt())
        self.running_var.copy_(variance)
        self.running_mean.copy_(mean)

    def forward(self, x: Tensor, dtype: torch.dtype, compiled: bool) -> Tensor:
        """Output (T, B, C, H, W) from pixels / 255 (B, 1, H, W), or from spikes (T, B, C, H, W)."""
        y = self.convolved(x, dtype)
        if self.training:
            with torch.no_grad():
                variance, mean = kernel(channel_statistics, None, compiled)(y)
                self.running_var.lerp_(variance, BATCH_NORM_MOMENTUM)
                self.running_mean.lerp_(mean, BATCH_NORM_MOMENTUM)
        else:
            variance, mean = self.running_var, self.running_mean
        return normalised_activation(
            y,
            self.gamma,
            self.beta,
            mean,
            torch.rsqrt(variance + BATCH_NORM_EPS),
            Constants(self.ones, self.init),
            activation=self.activation,
            through_statistics=self.training,
            dtype=dtype,
            compiled=compiled,
        )


class DnCNN(nn.Module):
    """DnCNN: convolutions, batch norms, and an activation (ReLU by default).

    The encoding layer convolves the pixels once; the result is the constant current of all
    timesteps (paper, section 2.1). Spikes are convolved in every timestep. The output layer
    convolves the mean of the activations over time, which equals the mean of its outputs.

    Parameters
    ----------
    spec
        Depth and channels.
    activation
        Activation of all layers except the last.
    options
        Options of every `NormalisedLayer`.
    """

    coding = "direct"

    def __init__(
        self, spec: NetworkSpec, activation: Activation | None = None, **options: Any
    ) -> None:
        super().__init__()
        self.spec = spec
        self.layers = nn.ModuleList()
        if activation is None:
            activation, options = Relu(), {"bias": 0.0} | options
        bits = options.pop("weight_bits", None)
        for layer in spec.spiking_layers:
            rounded = bits if layer.kind == "hidden" else None
            self.layers.append(NormalisedLayer(layer, activation, weight_bits=rounded, **options))
        self.output_weight = initial_weight(spec.layers[-1])
        self.output_bias = nn.Parameter(torch.zeros(1))

    def forward(
        self,
        pixels: Tensor,
        *,
        dtype: torch.dtype = torch.float32,
        compiled: bool = False,
        record: list[Tensor] | None = None,
    ) -> Tensor:
        """The residual of the noisy pictures.

        Parameters
        ----------
        pixels
            (B, 1, H, W), in pixels; with rate coding their spikes (T, B, 1, H, W).
        dtype
            Type of the hidden layers' convolutions.
        compiled
            See `sw_model.network.neurons.normalised_activation`.
        record
            List to which the outputs (T, B, C, H, W) of all layers except the last are appended.

        Returns
        -------
        Tensor
            (B, 1, H, W), in pixels.
        """
        if (pixels.dim() == 4) != (self.coding == "direct"):
            raise ValueError(f"coding {self.coding!r} does not take {pixels.dim()} dimensions")
        x = pixels / PIXEL_SCALE if pixels.dim() == 4 else pixels
        for layer in self.layers:
            x = layer(x, dtype, compiled)
            if record is not None:
                record.append(x)
        return self.read_out(x.float().mean(0))

    def read_out(self, rates: Tensor) -> Tensor:
        """The residual (B, 1, H, W), in pixels, from mean activations (B, C, H, W)."""
        return PIXEL_SCALE * F.conv2d(rates, self.output_weight, self.output_bias, padding=1)


def initial_membrane(neuron: NeuronSpec) -> float:
    """Membrane before t = 0 in thresholds: 0.5 if this rounds the spike count to nearest."""
    return 0.5 if neuron.leak is None and neuron.reset == "soft" else 0.0


class SpikingDnCNN(DnCNN):
    """The spiking network, or the network of its rates.

    Parameters
    ----------
    spec
        Depth, channels and neuron, which all layers share.
    timesteps
        T; the largest that the spec allows by default.
    init
        Membrane before t = 0 in thresholds; by default that of `initial_membrane`.
    surrogate
        Surrogate gradient through time.
    levels
        Compute rates of neurons under a constant current (`sw_model.network.rates.Levels`), not
        spikes.
    weight_bits
        Width that the hidden layers' weights are rounded to; None leaves them in floats.
    coding
        Input of the encoding layer: ``"direct"``, pixels, or ``"bernoulli"``, spikes
        (`sw_model.network.inference.rate_coded`).
    """

    def __init__(
        self,
        spec: NetworkSpec,
        *,
        timesteps: int | None = None,
        init: float | None = None,
        surrogate: Surrogate = TRIANGLE,
        levels: bool = False,
        weight_bits: int | None = None,
        coding: str = "direct",
    ) -> None:
        neuron = spec.layers[0].neuron
        assert neuron is not None
        timesteps = timesteps or spec.timesteps_max
        init = initial_membrane(neuron) if init is None else init
        activation: Activation = FloatNeuron(spec=neuron, timesteps=timesteps, surrogate=surrogate)
        options: dict[str, float] = {}
        if levels:
            activation, options = Levels(timesteps=timesteps), LEVELS_INIT
        super().__init__(spec, activation, init=init, weight_bits=weight_bits, **options)
        self.init = init
        self.timesteps = timesteps
        self.surrogate = surrogate
        self.coding = coding


def activity(outputs: list[Tensor], timesteps: int) -> list[float]:
    """Theta of each layer: spikes over T per neuron (paper, eq. 9), from spikes or rates."""
    return [timesteps * float(x.detach().mean(dtype=torch.float32)) for x in outputs]
