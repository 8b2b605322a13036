"""Activations without time: firing rates of spiking neurons, and ReLU.

A neuron without leak, with soft reset and an initial membrane of half a threshold fires
floor(T * x + 1/2) times in T steps of the constant current x: it rounds x, clipped to 0..1, to T
levels. A network of such activations costs 1/T of the spiking one, and its gradient is that of a
clipped identity. Fine-tuning with `spikes_by_rate`, spikes forward and the gradient of rates back,
then adapts the network to currents that change over time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .neurons import Constants, FloatNeuron, activate, backward_kernel, kernel
from .ops import convolve, convolve_spikes, round_through


@dataclass(frozen=True, kw_only=True)
class Relu:
    """The activation of DnCNN."""

    def forward(
        self, y: Tensor, scale: Tensor, offset: Tensor, constants: Constants, dtype: torch.dtype
    ) -> Tensor:
        """See `sw_model.network.neurons.Activation`."""
        return (y.float() * scale[:, None, None] + offset[:, None, None]).clamp(min=0).to(dtype)

    def current_gradient(
        self, y: Tensor, scale: Tensor, offset: Tensor, constants: Constants, grad: Tensor
    ) -> Tensor:
        """See `sw_model.network.neurons.Activation`."""
        current = y.float() * scale[:, None, None] + offset[:, None, None]
        return torch.where(current > 0, grad.float(), 0.0)


@dataclass(frozen=True, kw_only=True)
class Levels:
    """Rates k / T of neurons without leak and with soft reset, for a constant current.

    Parameters
    ----------
    timesteps
        T, the number of levels above zero.
    integers
        As in `sw_model.network.neurons.FloatNeuron`.
    """

    timesteps: int
    integers: bool = False

    def _charge(self, y: Tensor, scale: Tensor, offset: Tensor, constants: Constants) -> Tensor:
        """Total charge of a neuron in thresholds; rounded down it is the number of spikes."""
        current = y.float() * scale[:, None, None] + offset[:, None, None]
        charge = self.timesteps * current + constants.init[:, None, None]
        if self.integers:  # floats of an integer charge may lie just below it
            charge = torch.floor(charge + 0.5) + 0.5
        return charge / constants.threshold[:, None, None]

    def forward(
        self, y: Tensor, scale: Tensor, offset: Tensor, constants: Constants, dtype: torch.dtype
    ) -> Tensor:
        """See `sw_model.network.neurons.Activation`."""
        count = torch.floor(self._charge(y, scale, offset, constants))
        return (count.clamp(0, self.timesteps) / self.timesteps).to(dtype)

    def current_gradient(
        self, y: Tensor, scale: Tensor, offset: Tensor, constants: Constants, grad: Tensor
    ) -> Tensor:
        """See `sw_model.network.neurons.Activation`; the gradient of the unrounded rate."""
        charge = self._charge(y, scale, offset, constants)
        inside = (charge > 0) & (charge < self.timesteps + 1)
        return torch.where(inside, grad.float() / constants.threshold[:, None, None], 0.0)


def mean_over_time(x: Tensor) -> Tensor:
    """Mean of (T, B, C, H, W) over time, (1, B, C, H, W), of the same type."""
    return x.float().mean(0, keepdim=True).to(x.dtype)


class _SpikesByRate(torch.autograd.Function):
    """See `spikes_by_rate`."""

    @staticmethod
    def forward(
        ctx: Any,
        rates: Tensor,
        spikes: Tensor | None,
        weight: Tensor,
        scale: Tensor,
        offset: Tensor,
        constants: Constants,
        neuron: FloatNeuron,
        dtype: torch.dtype,
        compiled: bool,
        shift: int,
    ) -> tuple[Tensor, Tensor]:
        if spikes is None:  # encoding layer: ``rates`` holds the pixels
            y = convolve(rates[0], weight, torch.float32)[None]
            y = mean = round_through(y / 2.0**shift) if shift else y
        else:
            y = convolve_spikes(spikes, weight, dtype)
            mean = kernel(mean_over_time, None, compiled)(y)
        fired = kernel(activate, neuron, compiled)(y, scale, offset, constants, dtype)
        ctx.save_for_backward(rates, weight, mean, scale, offset)
        ctx.options = constants, neuron, torch.float32 if spikes is None else dtype, compiled, shift
        ctx.mark_non_differentiable(fired)
        return fired, kernel(mean_over_time, None, compiled)(fired)

    @staticmethod
    def backward(ctx: Any, _: Tensor, grad: Tensor) -> Any:
        rates, weight, mean, scale, offset = ctx.saved_tensors
        constants, neuron, dtype, compiled, shift = ctx.options
        levels = Levels(timesteps=neuron.timesteps, integers=neuron.integers)
        ones, zeros = torch.ones_like(scale), torch.zeros_like(scale)
        run = kernel(backward_kernel, levels, compiled)
        grad_y, grad_scale, grad_offset = run(
            mean, scale, offset, zeros, ones, constants, grad, False
        )
        grad_rates, grad_weight, _ = torch.ops.aten.convolution_backward(
            (grad_y[0] / 2.0**shift).to(dtype),
            rates[0].to(dtype),
            weight.to(dtype),
            None,
            [1, 1],
            [1, 1],
            [1, 1],
            False,
            [0, 0],
            1,
            [ctx.needs_input_grad[0], True, False],
        )
        grad_rates = None if grad_rates is None else grad_rates[None]
        return grad_rates, None, grad_weight.float(), grad_scale, grad_offset, *[None] * 5


def spikes_by_rate(
    rates: Tensor,
    spikes: Tensor | None,
    weight: Tensor,
    scale: Tensor,
    offset: Tensor,
    constants: Constants,
    *,
    neuron: FloatNeuron,
    dtype: torch.dtype,
    compiled: bool = False,
    shift: int = 0,
) -> tuple[Tensor, Tensor]:
    """A spiking layer: spikes forward, the gradient of rates back.

    Parameters
    ----------
    rates
        Mean over time of the input spikes, (1, B, C_in, H, W); pixels in the encoding layer.
    spikes
        The input spikes, (T, B, C_in, H, W); None in the encoding layer.
    weight, scale, offset
        Current = scale * convolution + offset.
    shift
        Rounding right shift of the encoding layer's convolution.

    Returns
    -------
    tuple
        Spikes (T, B, C, H, W), without gradient, and their rates (1, B, C, H, W), whose gradient
        is that of `Levels` at the mean current.
    """
    result = _SpikesByRate.apply(
        rates, spikes, weight, scale, offset, constants, neuron, dtype, compiled, shift
    )
    assert isinstance(result, tuple)
    return result
