"""The spiking network with batch norm folded, and quantised as the frozen one will be.

Folding turns ``gamma * (conv(x) - mean) / std + beta`` into ``conv'(x) + bias'``. Quantisation
gives every output channel a scale s, weights and biases that are integers times s, and a threshold
that is an integer number of membrane units (`sw_model.spec.neuron`). While training, the roundings
let gradients through as if they were not there.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sw_model.network import (
    BATCH_NORM_EPS,
    PIXEL_SCALE,
    SpikingDnCNN,
    SpikingLayer,
    convolve,
    convolve_spikes,
)
from sw_model.neurons import FloatNeuron, normalised_spikes
from sw_model.spec import PIXEL_MIN, LayerSpec, NetworkSpec
from sw_model.spec.fixed_point import weight_range

BIAS_SCALE_STEPS = 127
"""A channel without weights takes its scale from its bias, which becomes this many units."""
NEGLIGIBLE = 2.0**-10
"""A channel whose weights together move its current by less than this has none. Otherwise a scale
from all but vanished weights would make thresholds, and with them all membranes, wide."""


def round_through(x: Tensor) -> Tensor:
    """Rounding to the nearest integer, halves up, whose gradient is that of the identity."""
    return x + (torch.floor(x + 0.5) - x).detach()


def clamp_through(x: Tensor, low: float, high: float) -> Tensor:
    """Clamping whose gradient is that of the identity, so that a clamped weight can come back."""
    return x + (x.clamp(low, high) - x).detach()


def fold(layer: SpikingLayer) -> tuple[Tensor, Tensor]:
    """Weight (C_out, C_in, 3, 3) and bias (C_out,) that act as convolution and batch norm do."""
    gain = layer.gamma * torch.rsqrt(layer.running_var + BATCH_NORM_EPS)
    weight = layer.weight * gain[:, None, None, None]
    return weight.detach(), (layer.beta - layer.running_mean * gain).detach()


def channel_scales(weight: Tensor, bias: Tensor, bits: int, per_channel: bool) -> Tensor:
    """Scales s (C_out,) in float32 with which the largest weight just fits ``bits`` bits.

    A channel without weights takes its scale from the bias; one without either gets 1.
    ``per_channel`` is false where the channels have to share their scale.
    """
    largest = weight.abs().amax((1, 2, 3))
    if not per_channel:
        largest = largest.amax().expand_as(largest)
    scales = largest / weight_range(bits)[1]
    from_bias = torch.where(bias == 0, 1.0, bias.abs() / BIAS_SCALE_STEPS)
    return torch.where(largest > 0, scales, from_bias)


class FoldedLayer(nn.Module):
    """One layer's folded weights and bias in floats, with the scales that make them integers.

    Parameters
    ----------
    layer
        Widths, neuron and, in the encoding layer, the rounding shift.
    weight, bias
        Folded values in the current's unit; in the encoding layer per pixel.

    Attributes
    ----------
    weight
        In units of the channel's largest possible weight, so -1 to 1 in every layer: what the
        optimizer's step size then means does not depend on the layer.
    bias
        In the unit of Vth, in the output layer in pixels.
    """

    scale: Tensor

    def __init__(self, layer: LayerSpec, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.layer = layer
        if layer.kind != "output":
            reach = weight.abs().sum((1, 2, 3)) * (-PIXEL_MIN if layer.kind == "encoding" else 1)
            weight = torch.where(reach[:, None, None, None] < NEGLIGIBLE, 0.0, weight)
        scale = channel_scales(weight, bias, layer.weight_bits, layer.kind != "output")
        self.register_buffer("scale", scale)
        weight = weight / self._largest()
        self.weight = nn.Parameter(weight.contiguous(memory_format=torch.channels_last))
        self.bias = nn.Parameter(bias.clone())

    def _largest(self) -> Tensor:
        """The largest weight of every channel that the width can hold, (C_out, 1, 1, 1)."""
        return self.scale[:, None, None, None] * weight_range(self.layer.weight_bits)[1]

    def float_weight(self) -> Tensor:
        """The folded weights, not rounded."""
        return self.weight * self._largest()

    def integer_weight(self) -> Tensor:
        """Weights in units of the scale, rounded and clamped to the spec's width."""
        low, high = weight_range(self.layer.weight_bits)
        return clamp_through(round_through(self.weight * high), low, high)

    def current_scale(self) -> Tensor:
        """The s of x = s * current: the scale of the weights times 2^shift when encoding."""
        return self.scale * 2.0 ** (self.layer.shift if self.layer.kind == "encoding" else 0)

    def integer_bias(self) -> Tensor:
        """Biases in units of the current."""
        return round_through(self.bias / self.current_scale())

    def integer_threshold(self) -> Tensor:
        """Thresholds in units of the membrane: ceil(Vth), 1 or more."""
        assert self.layer.neuron is not None
        unit = self.layer.neuron.threshold_unit
        return torch.ceil(unit / self.current_scale().double()).clamp(min=1)

    def membrane_scale(self) -> Tensor:
        """What a current of one unit counts for a float neuron, which fires at 1, (C_out,).

        The integer membrane's leak rounds it up by half a unit on average (M - (M >> k) is a
        ceiling). With a hard reset the float neuron allows for it by firing half a unit early,
        which also decides equality as integers do. A soft reset needs the threshold itself, with
        just enough on top that no equality is lost to rounding.
        """
        assert self.layer.neuron is not None
        early = 0.5 if self.layer.neuron.reset == "hard" else 2.0**-20
        return (self.layer.neuron.threshold_unit / (self.integer_threshold() - early)).float()


class FoldedDnCNN(nn.Module):
    """A spiking network whose forward pass is that of the frozen one but for the leak's floor.

    Parameters
    ----------
    network
        The network to fold, with its batch-norm statistics.
    spec
        What it becomes: the network's own spec by default, or one with other widths.
    """

    def __init__(self, network: SpikingDnCNN, spec: NetworkSpec | None = None) -> None:
        super().__init__()
        self.spec = spec or network.spec
        self.init = network.init
        self.timesteps = network.timesteps
        self.neurons: list[FloatNeuron] = []
        self.quantise = True
        self.layers = nn.ModuleList()
        for target, layer in zip(self.spec.spiking_layers, network.layers, strict=True):
            assert isinstance(layer, SpikingLayer)
            self.neurons.append(layer.neuron)
            weight, bias = fold(layer)
            if target.kind == "encoding":
                weight = weight / PIXEL_SCALE
            self.layers.append(FoldedLayer(target, weight, bias))
        weight = PIXEL_SCALE * network.output_weight.detach()
        bias = PIXEL_SCALE * network.output_bias.detach()
        self.layers.append(FoldedLayer(self.spec.layers[-1], weight, bias))

    def forward(
        self,
        pixels: Tensor,
        *,
        dtype: torch.dtype = torch.float32,
        compiled: bool = False,
        record: list[Tensor] | None = None,
    ) -> Tensor:
        """The residual (B, 1, H, W); as `sw_model.network.SpikingDnCNN.forward`."""
        x = pixels
        for neuron, layer in zip(self.neurons, self.layers, strict=False):
            assert isinstance(layer, FoldedLayer)
            if self.quantise:
                # Currents in integers, then in units in which the integer threshold is 1.
                weight, bias = layer.integer_weight(), layer.integer_bias()
                scale = layer.membrane_scale()
            else:
                weight, bias = layer.float_weight(), layer.bias
                scale = torch.ones_like(bias)
            if layer.layer.kind == "encoding":
                y = convolve(x, weight, torch.float32)[None]
                if self.quantise and layer.layer.shift:
                    y = round_through(y / 2.0**layer.layer.shift)
            else:
                y = convolve_spikes(x, weight, dtype)
            x = normalised_spikes(
                y,
                scale,
                scale * bias,
                torch.zeros_like(bias),
                torch.ones_like(bias),
                neuron=neuron,
                through_statistics=False,
                dtype=dtype,
                compiled=compiled,
            )
            if record is not None:
                record.append(x)
        layer = self.layers[-1]
        assert isinstance(layer, FoldedLayer)
        weight, bias = layer.float_weight(), layer.bias
        if self.quantise:
            weight = layer.integer_weight() * layer.scale[0]
            bias = layer.integer_bias() * layer.scale[0]
        return F.conv2d(x.float().mean(0), weight, bias, padding=1)
