"""The spiking network with batch norm folded, quantised like the frozen network.

Folding turns ``gamma * (conv(x) - mean) / std + beta`` into ``conv'(x) + bias'``. Quantisation
gives every output channel a scale s, weights and biases that are integers times s, and a threshold
that is an integer number of membrane units (`sw_model.spec.neuron`). The gradient of every
rounding is that of the identity (straight-through estimator).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sw_model.spec import PIXEL_MIN, LayerSpec, NetworkSpec, UsageError
from sw_model.spec.fixed_point import weight_range

from .dncnn import BATCH_NORM_EPS, PIXEL_SCALE, NormalisedLayer, SpikingDnCNN
from .neurons import Activation, Constants, FloatNeuron, normalised_activation
from .ops import convolve, convolve_spikes, round_through
from .rates import Levels, spikes_by_rate

BIAS_SCALE_STEPS = 127
"""A channel without weights takes its scale from its bias, which becomes this many units."""
NEGLIGIBLE = 2.0**-10
"""If a channel's weights together change its current by less than this, they are set to zero. A
scale from such small weights would make thresholds, and with them all membranes, wide."""


def clamp_through(x: Tensor, low: float, high: float) -> Tensor:
    """Clamp with the gradient of the identity, so that a clamped weight can return."""
    return x + (x.clamp(low, high) - x).detach()


def fold(layer: NormalisedLayer) -> tuple[Tensor, Tensor]:
    """Weight (C_out, C_in, 3, 3) and bias (C_out,) equivalent to convolution and batch norm."""
    gain = layer.gamma * torch.rsqrt(layer.running_var + BATCH_NORM_EPS)
    weight = layer.used_weight() * gain[:, None, None, None]
    return weight.detach(), (layer.beta - layer.running_mean * gain).detach()


def channel_scales(weight: Tensor, bias: Tensor, bits: int, per_channel: bool) -> Tensor:
    """Scales s (C_out,) in float32 for which the largest weight just fits ``bits`` bits.

    A channel without weights takes its scale from the bias; without either it is 1. With
    ``per_channel`` false all channels share one scale.
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
        In units of the channel's largest possible weight, so -1 to 1 in every layer: the effect of
        the learning rate then does not depend on the layer.
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
        """Largest representable weight of every channel, (C_out, 1, 1, 1)."""
        return self.scale[:, None, None, None] * weight_range(self.layer.weight_bits)[1]

    def float_weight(self) -> Tensor:
        """The folded weights, not rounded."""
        return self.weight * self._largest()

    def integer_weight(self) -> Tensor:
        """Weights in units of the scale, rounded and clamped to the spec's width."""
        low, high = weight_range(self.layer.weight_bits)
        return clamp_through(round_through(self.weight * high), low, high)

    def current_scale(self) -> Tensor:
        """The s of x = s * current: the weights' scale, times 2^shift in the encoding layer."""
        return self.scale * 2.0 ** (self.layer.shift if self.layer.kind == "encoding" else 0)

    def integer_bias(self) -> Tensor:
        """Biases in units of the current."""
        return round_through(self.bias / self.current_scale())

    def integer_threshold(self) -> Tensor:
        """Thresholds in units of the membrane: ceil(Vth), 1 or more."""
        assert self.layer.neuron is not None
        unit = self.layer.neuron.threshold_unit
        return torch.ceil(unit / self.current_scale().double()).clamp(min=1)

    def integer_init(self, init: float, timesteps: int) -> Tensor:
        """Membrane before t = 0 in membrane units, from ``init`` in thresholds.

        A neuron without leak and with soft reset accumulates its bias over all timesteps. The
        initial membrane compensates the accumulated rounding error of the bias.
        """
        assert self.layer.neuron is not None
        neuron = self.layer.neuron
        start = init * self.integer_threshold()
        if neuron.leak is None and neuron.reset == "soft":
            bias = (self.bias / self.current_scale()).detach()
            lost = bias - torch.floor(bias + 0.5)
            start = start + timesteps * neuron.threshold_unit * lost
        return torch.floor(start + 0.5)

    def constants(self, init: float, timesteps: int) -> Constants:
        """Integer thresholds and membranes before t = 0."""
        init_units = self.integer_init(init, timesteps)
        return Constants(self.integer_threshold().float(), init_units.float())


class FoldedDnCNN(nn.Module):
    """A spiking network that computes the frozen network's integers in floats.

    In evaluation mode, in float32, its sums are exact and its spikes are the frozen network's.

    Parameters
    ----------
    network
        The network to fold, with its batch-norm statistics.
    spec
        The spec of the result: the network's own by default, or one with other widths.
    gradient
        ``"time"``: surrogate gradients through all timesteps; ``"rate"``: spikes forward, the
        gradient of rates back; ``"levels"``: rates forward and back, see `sw_model.network.rates`.

    Attributes
    ----------
    quantise
        False computes in floats, with the folded but unrounded weights.

    Raises
    ------
    UsageError
        The network's input is rate coded, which deployments do not support.
    """

    def __init__(
        self, network: SpikingDnCNN, spec: NetworkSpec | None = None, gradient: str = "time"
    ) -> None:
        super().__init__()
        if network.coding != "direct":
            raise UsageError(
                f"a network of coding {network.coding!r} is for comparison in floats; "
                "only 'direct' ones can be quantised and frozen"
            )
        self.spec = spec or network.spec
        self.init = network.init
        self.timesteps = network.timesteps
        self.surrogate = network.surrogate
        self.gradient = gradient
        self.quantise = True
        self.layers = nn.ModuleList()
        for target, layer in zip(self.spec.spiking_layers, network.layers, strict=True):
            assert isinstance(layer, NormalisedLayer)
            weight, bias = fold(layer)
            if target.kind == "encoding":
                weight = weight / PIXEL_SCALE
            self.layers.append(FoldedLayer(target, weight, bias))
        weight = PIXEL_SCALE * network.output_weight.detach()
        bias = PIXEL_SCALE * network.output_bias.detach()
        self.layers.append(FoldedLayer(self.spec.layers[-1], weight, bias))

    @torch.no_grad()
    def narrow(self, spec: NetworkSpec) -> None:
        """Change the widths to those of another spec of the same layers."""
        for target, layer in zip(spec.layers, self.layers, strict=True):
            assert isinstance(layer, FoldedLayer)
            high, other = (weight_range(each.weight_bits)[1] for each in (layer.layer, target))
            if target.kind == "output":
                layer.scale *= high / other
            else:  # a channel without weights has its scale from the bias
                used = layer.weight.abs().amax((1, 2, 3)) > 0
                layer.scale.copy_(torch.where(used, layer.scale * (high / other), layer.scale))
            layer.layer = target
        self.spec = spec

    def _neuron(self, layer: FoldedLayer) -> FloatNeuron:
        assert layer.layer.neuron is not None
        return FloatNeuron(
            spec=layer.layer.neuron,
            timesteps=self.timesteps,
            surrogate=self.surrogate,
            integers=self.quantise,
        )

    def _values(self, layer: FoldedLayer) -> tuple[Tensor, Tensor, Tensor, Constants]:
        """Weight, scale and offset of the currents, and the neurons' constants."""
        assert layer.layer.neuron is not None
        if not self.quantise:
            one = torch.ones_like(layer.bias)
            return layer.float_weight(), one, layer.bias, Constants(one, self.init * one)
        fraction = torch.full_like(layer.bias, 2.0**layer.layer.neuron.fractional_bits)
        constants = layer.constants(self.init, self.timesteps)
        return layer.integer_weight(), fraction, fraction * layer.integer_bias(), constants

    def forward(
        self,
        pixels: Tensor,
        *,
        dtype: torch.dtype = torch.float32,
        compiled: bool = False,
        record: list[Tensor] | None = None,
    ) -> Tensor:
        """The residual (B, 1, H, W); as `sw_model.network.dncnn.DnCNN.forward`.

        Spikes (T, B, C, H, W) are appended to ``record``; rates (1, B, C, H, W) unless
        ``gradient`` is ``"time"``.
        """
        x = pixels
        spikes: Tensor | None = None
        for layer in self.layers[:-1]:
            assert isinstance(layer, FoldedLayer)
            neuron = self._neuron(layer)
            weight, scale, offset, constants = self._values(layer)
            if self.gradient == "rate":
                rates = x[None] if spikes is None else x
                spikes, x = spikes_by_rate(
                    rates,
                    spikes,
                    weight,
                    scale,
                    offset,
                    constants,
                    neuron=neuron,
                    dtype=dtype,
                    compiled=compiled,
                    shift=layer.layer.shift if self.quantise else 0,
                )
            else:
                if layer.layer.kind == "encoding":
                    y = convolve(x, weight, torch.float32)[None]
                    if self.quantise and layer.layer.shift:
                        y = round_through(y / 2.0**layer.layer.shift)
                else:
                    y = convolve_spikes(x, weight, dtype)
                activation: Activation = neuron
                if self.gradient == "levels":
                    activation = Levels(timesteps=self.timesteps, integers=self.quantise)
                x = normalised_activation(
                    y,
                    scale,
                    offset,
                    torch.zeros_like(scale),
                    torch.ones_like(scale),
                    constants,
                    activation=activation,
                    through_statistics=False,
                    dtype=dtype,
                    compiled=compiled,
                )
            if record is not None:
                record.append(x)
        return self.read_out(x.float().mean(0))

    def read_out(self, rates: Tensor) -> Tensor:
        """The residual (B, 1, H, W), in pixels, from the mean spikes (B, C, H, W)."""
        layer = self.layers[-1]
        assert isinstance(layer, FoldedLayer)
        if self.quantise:
            weight = layer.integer_weight() * layer.scale[0]
            offset = layer.integer_bias() * layer.scale[0]
        else:
            weight, offset = layer.float_weight(), layer.bias
        return F.conv2d(rates, weight, offset, padding=1)
