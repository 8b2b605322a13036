"""The float networks: DnCNN and its spiking twin.

Both take the noisy picture in pixels and give the residual, the noise that they find in it, in
pixels: denoised = noisy - residual. Pictures are (B, 1, H, W), spikes (T, B, C, H, W).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sw_model.neurons import FloatNeuron, channel_statistics, kernel, normalised_spikes
from sw_model.spec import LayerSpec, NetworkSpec

PIXEL_SCALE = 255.0
"""The networks work on pixels / 255 inside, so that weights start at a usual size."""
BIAS_INIT = 0.5
"""Initial offset of batch norm: half a threshold lets about a fifth of the neurons fire."""
HIDDEN_NOISE = 0.3
OUTPUT_NOISE = 0.1
"""Size of the initial weights' random part, as a factor of He's normal initialisation."""
BATCH_NORM_EPS = 1e-5
BATCH_NORM_MOMENTUM = 0.1


def convolve(x: Tensor, weight: Tensor, dtype: torch.dtype) -> Tensor:
    """3x3 convolution with a zero padding of one pixel, computed in ``dtype``."""
    return F.conv2d(x.to(dtype), weight.to(dtype), padding=1)


def convolve_spikes(spikes: Tensor, weight: Tensor, dtype: torch.dtype) -> Tensor:
    """The same convolution at every timestep: (T, B, C_in, H, W) to (T, B, C_out, H, W)."""
    return convolve(spikes.flatten(0, 1), weight, dtype).unflatten(0, spikes.shape[:2])


def initial_weight(layer: LayerSpec) -> nn.Parameter:
    """Initial weight (C_out, C_in, 3, 3).

    Hidden layers start as the identity with some of He's normal noise on top. Noise alone mixes
    the pixels of a neighbourhood in every layer; after sixteen layers of spikes little is left of
    the single pixel's noise, which is what the network is to find. A small output layer starts with
    a residual near zero.

    Channels lie innermost, and with them those of all results: that is what the CPU's bfloat16
    convolutions are fast for.
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


class SpikingLayer(nn.Module):
    """Convolution, batch norm over time, batch and place, and spiking neurons.

    Parameters
    ----------
    layer
        Kind, channels and neuron. An encoding layer gets pixels and convolves once.
    neuron
        The neuron in floats.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, layer: LayerSpec, neuron: FloatNeuron) -> None:
        super().__init__()
        self.encoding = layer.kind == "encoding"
        self.neuron = neuron
        self.weight = initial_weight(layer)
        self.gamma = nn.Parameter(torch.ones(layer.out_channels))
        self.beta = nn.Parameter(torch.full((layer.out_channels,), BIAS_INIT))
        self.register_buffer("running_mean", torch.zeros(layer.out_channels))
        self.register_buffer("running_var", torch.ones(layer.out_channels))

    def forward(self, x: Tensor, dtype: torch.dtype, compiled: bool) -> Tensor:
        """Spikes (T, B, C, H, W) from pixels / 255 (B, 1, H, W) or spikes (T, B, C_in, H, W)."""
        if self.encoding:  # float32, since bfloat16 holds no ten-bit pixel
            y = convolve(x, self.weight, torch.float32)[None]
        else:
            y = convolve_spikes(x, self.weight, dtype)
        if self.training:
            with torch.no_grad():
                variance, mean = kernel(channel_statistics, None, compiled)(y)
                self.running_var.lerp_(variance, BATCH_NORM_MOMENTUM)
                self.running_mean.lerp_(mean, BATCH_NORM_MOMENTUM)
        else:
            variance, mean = self.running_var, self.running_mean
        return normalised_spikes(
            y,
            self.gamma,
            self.beta,
            mean,
            torch.rsqrt(variance + BATCH_NORM_EPS),
            neuron=self.neuron,
            through_statistics=self.training,
            dtype=dtype,
            compiled=compiled,
        )


class SpikingDnCNN(nn.Module):
    """The spiking network.

    The encoding layer's convolution is done once and its result is the constant current of all
    timesteps (paper, section 2.1). The output convolution acts on the mean of the spikes over
    time, which is the sum over time of its action on each, divided by T.

    Parameters
    ----------
    spec
        Depth, channels and neurons.
    timesteps
        T; the largest that the spec allows by default.
    init
        Membrane before t = 0 in units of the threshold.
    surrogate_width
        See `sw_model.neurons.surrogate_gradient`.
    """

    def __init__(
        self,
        spec: NetworkSpec,
        *,
        timesteps: int | None = None,
        init: float = 0.0,
        surrogate_width: float = 1.0,
    ) -> None:
        super().__init__()
        self.spec = spec
        self.init = init
        self.timesteps = timesteps or spec.timesteps_max
        self.layers = nn.ModuleList()
        for layer in spec.spiking_layers:
            assert layer.neuron is not None
            neuron = FloatNeuron(
                spec=layer.neuron,
                timesteps=self.timesteps,
                init=init,
                surrogate_width=surrogate_width,
            )
            self.layers.append(SpikingLayer(layer, neuron))
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
            (B, 1, H, W), in pixels.
        dtype
            Of the hidden layers' convolutions.
        compiled
            See `sw_model.neurons.normalised_spikes`.
        record
            Gets the spikes (T, B, C, H, W) of every spiking layer in order.

        Returns
        -------
        Tensor
            (B, 1, H, W), in pixels.
        """
        x = pixels / PIXEL_SCALE
        for layer in self.layers:
            x = layer(x, dtype, compiled)
            if record is not None:
                record.append(x)
        rate = x.float().mean(0)
        return PIXEL_SCALE * F.conv2d(rate, self.output_weight, self.output_bias, padding=1)


class DnCNN(nn.Module):
    """The network with ReLU in the place of the neurons, to hold the spiking one against.

    Parameters
    ----------
    spec
        Depth and channels.
    """

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.spec = spec
        self.weights = nn.ParameterList(initial_weight(layer) for layer in spec.layers)
        self.norms = nn.ModuleList(nn.BatchNorm2d(spec.channels) for _ in spec.spiking_layers)
        self.output_bias = nn.Parameter(torch.zeros(1))

    def forward(
        self,
        pixels: Tensor,
        *,
        dtype: torch.dtype = torch.float32,
        compiled: bool = False,
        record: list[Tensor] | None = None,
    ) -> Tensor:
        """As `SpikingDnCNN.forward`; there is nothing to record."""
        x = pixels / PIXEL_SCALE
        for index, norm in enumerate(self.norms):
            y = convolve(x, self.weights[index], dtype if index else torch.float32)
            x = torch.relu(norm(y))
        y = convolve(x, self.weights[-1], torch.float32)
        return PIXEL_SCALE * (y + self.output_bias)


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
        self.biases = nn.ParameterList(torch.zeros(1) for _ in self.places)

    def forward(self, spikes: list[Tensor]) -> list[Tensor]:
        """Residuals in pixels, each (B, 1, H, W), from the spikes of all spiking layers."""
        return [
            PIXEL_SCALE * F.conv2d(spikes[place].float().mean(0), weight, bias, padding=1)
            for place, weight, bias in zip(self.places, self.weights, self.biases, strict=True)
        ]


def activity(spikes: list[Tensor]) -> list[float]:
    """Theta of each layer: spikes over T per neuron (paper, eq. 9)."""
    return [float(s.detach().sum(0, dtype=torch.float32).mean()) for s in spikes]
