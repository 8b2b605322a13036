"""The network of the few-spike code in floats: values 0 to 2^T - 1 instead of spikes through time.

A neuron of that code fires the binary digits of clamp(floor((current + init) / threshold), 0,
2^T - 1). The value does not depend on time, so the network is trained on the values themselves:
integers, exact in bfloat16, convolved with integer weights. Batch norm's gain is the reciprocal of
the threshold. Threshold and bias are rounded as in the frozen network, so that the values in
evaluation mode, in float32, are those of the frozen network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sw_model.network.dncnn import (
    BATCH_NORM_EPS,
    BATCH_NORM_MOMENTUM,
    HIDDEN_NOISE,
    LEVELS_INIT,
    OUTPUT_NOISE,
    PIXEL_SCALE,
)
from sw_model.network.neurons import Constants, channel_statistics, kernel, normalised_activation
from sw_model.network.ops import convolve, round_through
from sw_model.spec import LayerSpec, NetworkSpec
from sw_model.spec.fixed_point import weight_range

PHASE_GROUPS = 2
"""Groups of channels that start with the pixels themselves, one channel for each input plane."""
TIE = 1e-4
"""Added before rounding down, so that a float error cannot lower an integer quotient. Any other
quotient of integers is further from the next integer, as long as thresholds stay below 1 / TIE."""
FEW_BITS = 4
"""Weights of so few bits at most are clipped: a few weights are six to nine times as large as the
root mean square, and with steps for these the others would become -1, 0 and 1."""
CLIP = 3.0
"""Largest of such weights over the root mean square of their channel."""
GAIN_MIN = 1e-6
"""Smallest gain, that of a channel which training has switched off."""


@dataclass(frozen=True, kw_only=True)
class Values:
    """Values 0 to ``largest`` of few-spike neurons; the gradient is that of the clipped identity.

    The loss has a price for a neuron's spikes, whose gradient is added here:
    ``price * (min(k, 1) + log2(1 + k)) / 2``, where the factor of the price is about the number of
    spikes of the value k. Values need no threshold, so ``constants.threshold`` holds the price.
    """

    largest: int

    def _charge(self, y: Tensor, scale: Tensor, offset: Tensor) -> Tensor:
        current = y.float() * scale[:, None, None] + offset[:, None, None]
        return self.largest * current + (0.5 + TIE)

    def forward(
        self, y: Tensor, scale: Tensor, offset: Tensor, constants: Constants, dtype: torch.dtype
    ) -> Tensor:
        """See `sw_model.network.neurons.Activation`."""
        return torch.floor(self._charge(y, scale, offset)).clamp(0, self.largest).to(dtype)

    def current_gradient(
        self, y: Tensor, scale: Tensor, offset: Tensor, constants: Constants, grad: Tensor
    ) -> Tensor:
        """See `sw_model.network.neurons.Activation`."""
        charge = self._charge(y, scale, offset)
        value = torch.floor(charge)
        slope = torch.where(value < 1, 0.5, 0.0) + (0.5 / math.log(2)) / (1 + value)
        total = grad.float() + constants.threshold[:, None, None] * slope
        inside = (charge > 0) & (charge < self.largest + 1)
        return torch.where(inside, self.largest * total, 0.0)


def spikes_of(values: Tensor) -> Tensor:
    """Number of spikes of each value: the ones among its binary digits, eight at most."""
    bits = values.to(torch.int32)
    return torch.stack([(bits >> bit) & 1 for bit in range(8)]).sum(0)


def integer_weight(weight: Tensor, bits: int, *, shared: bool) -> tuple[Tensor, Tensor]:
    """Weights rounded to integers of ``bits`` bits, and their scale (C_out,).

    Parameters
    ----------
    shared
        Whether all output channels have the same scale.
    """
    largest = weight.detach().abs().amax((1, 2, 3))
    if bits <= FEW_BITS:
        deviation = weight.detach().square().mean((1, 2, 3)).sqrt()
        largest = torch.minimum(largest, CLIP * deviation)
    if shared:
        largest = largest.amax().expand_as(largest)
    limit = weight_range(bits)[1]
    step = largest.clamp(min=torch.finfo().tiny) / limit
    return round_through((weight / step[:, None, None, None]).clamp(-limit, limit)), step


class FrozenConstants(NamedTuple):
    """Integers of a layer's neurons, each (C,) in floats.

    Attributes
    ----------
    sign
        -1 where freezing flips the weights' signs, else 1.
    threshold, bias
        As in `sw_model.spec.neuron.BINARY_EQUATION`; the initial membrane is half the threshold.
    """

    sign: Tensor
    threshold: Tensor
    bias: Tensor


class FewSpikeLayer(nn.Module):
    """Convolution with integer weights, batch norm, and the values of few-spike neurons.

    Parameters
    ----------
    layer
        Kind, channels and width of the weights.
    largest
        2^T - 1.
    noise_level
        Whether the noise level is an input of the layer, added to its sums.

    Attributes
    ----------
    fixed
        Whether training uses the running statistics too, so that weights adapt to the rounded
        thresholds.
    momentum
        Weight of a batch's statistics in the running statistics.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, layer: LayerSpec, largest: int, *, noise_level: bool) -> None:
        super().__init__()
        channels = layer.out_channels
        self.layer = layer
        self.activation = Values(largest=largest)
        self.weight = _initial_weight(layer)
        self.gamma = nn.Parameter(torch.full((channels,), LEVELS_INIT["gain"]))
        self.beta = nn.Parameter(torch.full((channels,), LEVELS_INIT["bias"]))
        self.noise_weight = nn.Parameter(torch.zeros(channels)) if noise_level else None
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.fixed = False
        self.momentum = BATCH_NORM_MOMENTUM

    def constants(self, mean: Tensor, variance: Tensor) -> FrozenConstants:
        """The integers for these statistics."""
        gain = self.activation.largest * self.gamma * torch.rsqrt(variance + BATCH_NORM_EPS)
        gain = torch.where(gain.abs() < GAIN_MIN, GAIN_MIN, gain)
        threshold = torch.floor(1 / gain.abs() + 0.5).clamp(min=1)
        sign = torch.sign(gain)
        bias = self.activation.largest * self.beta * threshold - sign * mean
        return FrozenConstants(sign, threshold, torch.floor(bias + 0.5))

    def forward(
        self,
        x: Tensor,
        level: Tensor | None,
        price: float,
        dtype: torch.dtype,
        compiled: bool,
    ) -> Tensor:
        """Values (B, C, H, W) in ``dtype``.

        Parameters
        ----------
        x
            Pixels or values, (B, C_in, H, W).
        level
            Noise level (B,) in grey levels, if the layer takes it.
        price
            Weight of the mean spikes per neuron in the loss.
        """
        encoding = self.layer.kind == "encoding"  # ten-bit pixels do not fit bfloat16
        weight, step = integer_weight(self.weight, self.layer.weight_bits, shared=False)
        y = convolve(x, weight, torch.float32 if encoding else dtype)[None]
        if level is not None:
            assert self.noise_weight is not None
            y = y + (level[:, None] * self.noise_weight / step)[:, :, None, None]
        own = self.training and not self.fixed
        if own:
            with torch.no_grad():
                variance, mean = kernel(channel_statistics, None, compiled)(y)
                self.running_var.lerp_(variance, self.momentum)
                self.running_mean.lerp_(mean, self.momentum)
        else:
            variance, mean = self.running_var, self.running_mean
        inv_std = torch.rsqrt(variance + BATCH_NORM_EPS)
        with torch.no_grad():
            frozen = self.constants(mean, variance)
            # Gain and offset of the rounded threshold and bias.
            gain = frozen.sign / (self.activation.largest * frozen.threshold * inv_std)
            offset = frozen.bias / (self.activation.largest * frozen.threshold)
            offset = offset + gain * inv_std * mean
        cost = torch.full_like(mean, price / y.numel())
        return normalised_activation(
            y,
            self.gamma + (gain - self.gamma).detach(),
            self.beta + (offset - self.beta).detach(),
            mean,
            inv_std,
            Constants(threshold=cost, init=cost),
            activation=self.activation,
            through_statistics=own,
            dtype=dtype,
            compiled=compiled,
        )[0]


class FewSpikeDnCNN(nn.Module):
    """A DnCNN of few-spike neurons on the planes of a picture, with the noise level as input.

    Parameters
    ----------
    spec
        A spec with code ``"binary"``.
    """

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.spec = spec
        self.largest = (1 << spec.timesteps_max) - 1
        takes_level = spec.noise_levels is not None
        self.layers = nn.ModuleList(
            FewSpikeLayer(layer, self.largest, noise_level=takes_level and not index)
            for index, layer in enumerate(spec.spiking_layers)
        )
        self.output_weight = _initial_weight(spec.layers[-1])
        self.output_bias = nn.Parameter(torch.zeros(spec.inputs))

    def forward(
        self,
        pixels: Tensor,
        level: Tensor | None,
        *,
        price: float = 0.0,
        dtype: torch.dtype = torch.float32,
        compiled: bool = False,
        record: list[Tensor] | None = None,
    ) -> Tensor:
        """The residual of noisy pictures.

        Parameters
        ----------
        pixels
            (B, colours, H, W), in pixels.
        level
            (B,): standard deviation of each picture's noise in grey levels; None for a network
            without this input.
        price
            Weight in the loss of the layers' mean spikes, summed over layers.
        dtype
            Type of the hidden layers' convolutions.
        compiled
            See `sw_model.network.neurons.normalised_activation`.
        record
            List to which the values (B, C, h, w) of all layers except the last are appended.

        Returns
        -------
        Tensor
            (B, colours, H, W), in pixels.
        """
        height, width = pixels.shape[2:]
        x = to_planes(pixels, self.spec.planes).contiguous(memory_format=torch.channels_last)
        for layer in self.layers:
            x = layer(x, level, price, dtype, compiled)
            level = None
            if record is not None:
                record.append(x)
        scale = self.output_scale()
        weight, _ = self.output_integers()
        y = (
            convolve(x, weight, dtype).float()
            + round_through(PIXEL_SCALE * self.output_bias / scale)[:, None, None]
        )
        return F.pixel_shuffle(scale * y, self.spec.planes)[:, :, :height, :width]

    def output_integers(self) -> tuple[Tensor, Tensor]:
        """Integer weights of the output layer, and their common scale, repeated (P,)."""
        return integer_weight(self.output_weight, self.spec.layers[-1].weight_bits, shared=True)

    def output_scale(self) -> Tensor:
        """Pixels per unit of the output layer's sums."""
        return PIXEL_SCALE / self.largest * self.output_integers()[1][0]


def to_planes(pixels: Tensor, planes: int) -> Tensor:
    """(B, C, H, W) to (B, C r^2, ceil(H / r), ceil(W / r)), see `NetworkSpec.planes`."""
    padding = (0, -pixels.shape[3] % planes, 0, -pixels.shape[2] % planes)
    return F.pixel_unshuffle(F.pad(pixels, padding, mode="replicate"), planes)


def _initial_weight(layer: LayerSpec) -> nn.Parameter:
    """Initial weight (C_out, C_in, 3, 3), channels last.

    Hidden layers start as the identity plus some noise, like those of `sw_model.network.dncnn`.
    A few values cannot represent both a pixel's brightness and its noise: the encoding layer's
    first channels take the pixels, all others the difference from the local mean, of either sign.
    """
    weight = torch.empty(layer.weight_shape)
    nn.init.kaiming_normal_(weight, nonlinearity="relu")
    if layer.kind == "output":
        weight *= OUTPUT_NOISE
    else:
        weight *= HIDDEN_NOISE
        channels = torch.arange(layer.out_channels)
        weight[channels, channels % layer.in_channels, 1, 1] += 1
    if layer.kind == "encoding":
        group = (channels // layer.in_channels)[:, None, None, None]
        centred = weight - weight.mean((1, 2, 3), keepdim=True)
        weight = torch.where(group < PHASE_GROUPS, weight, centred)
        weight *= 1 - 2 * (group % 2)
    return nn.Parameter(weight.contiguous(memory_format=torch.channels_last))
