"""Batch norm and the spiking neuron as one differentiable function, with a surrogate gradient.

The two are fused because on a CPU they are bound by memory, not by arithmetic: the forward pass
reads the convolution's result once, the backward pass recomputes the membranes from it instead of
keeping them. `torch.compile` turns each of the kernels below into one loop; without a C++ compiler
they run eagerly, several times slower, with the same results up to rounding.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sw_model.spec.neuron import NeuronSpec

THRESHOLD = 1.0
"""Vth of the float neuron. Any other value is a rescaling of weights and biases."""


def surrogate_gradient(membrane: Tensor, width: float) -> Tensor:
    """Stand-in for the derivative of the step ``membrane >= Vth``: a triangle of area 1.

    Parameters
    ----------
    membrane
        Membrane before the reset, any shape.
    width
        Distance from Vth at which the gradient vanishes; the peak is 1 / width.
    """
    return torch.clamp(1 - (membrane - THRESHOLD).abs() / width, min=0) / width


@dataclass(frozen=True, kw_only=True)
class FloatNeuron:
    """The spec's neuron in floats: charge, fire, reset (paper, eq. 1, with V_reset = 0).

    Parameters
    ----------
    spec
        Leak and reset. Its fractional bits concern integers only.
    timesteps
        T.
    init
        V before t = 0, in units of Vth.
    surrogate_width
        See `surrogate_gradient`.
    """

    spec: NeuronSpec
    timesteps: int
    init: float = 0.0
    surrogate_width: float = 1.0

    @property
    def gain(self) -> float:
        """What a current of 1 adds to the membrane: 1 / tau, or 1 without leak."""
        return 1.0 if self.spec.leak is None else 2.0**-self.spec.leak

    @property
    def keep(self) -> float:
        """What is left of the membrane after a timestep: 1 - 1 / tau, or 1 without leak."""
        return 1.0 if self.spec.leak is None else 1 - self.gain

    def membranes(self, y: Tensor, scale: Tensor, offset: Tensor) -> list[Tensor]:
        """Membranes of all timesteps between charge and reset, for currents scale * y + offset.

        Parameters
        ----------
        y
            (T, B, C, H, W), or (1, B, C, H, W) for a constant current.
        scale, offset
            (C,)

        Returns
        -------
        list of Tensor
            T tensors (B, C, H, W) in float32.
        """
        membranes = []
        rest: Tensor | float = self.init  # what the reset of the step before left
        for t in range(self.timesteps):
            current = y[t if len(y) > 1 else 0].float() * scale[:, None, None]
            current = current + offset[:, None, None]
            membrane = rest * self.keep + current * self.gain
            membranes.append(membrane)
            spike = membrane >= THRESHOLD
            if self.spec.reset == "hard":
                rest = torch.where(spike, 0.0, membrane)
            else:
                rest = membrane - spike * THRESHOLD
        return membranes

    def forward(self, y: Tensor, scale: Tensor, offset: Tensor, dtype: torch.dtype) -> Tensor:
        """Spikes (T, B, C, H, W), zeros and ones in ``dtype``; arguments as in `membranes`."""
        spikes = [(v >= THRESHOLD).to(dtype) for v in self.membranes(y, scale, offset)]
        return torch.stack(spikes)

    def current_gradient(self, y: Tensor, scale: Tensor, offset: Tensor, grad: Tensor) -> Tensor:
        """Gradient of the currents, in float32 and y's shape, from that of the spikes.

        The reset is detached: that a spike clears the membrane is taken as given, not as a
        function of the membrane. Through a hard reset nothing flows back, through a soft one all.
        """
        gradients = []
        carried: Tensor | None = None  # gradient of the membrane that the reset left
        for t, v in reversed(list(enumerate(self.membranes(y, scale, offset)))):
            gradient = grad[t].float() * surrogate_gradient(v, self.surrogate_width)
            if carried is not None:
                if self.spec.reset == "hard":
                    carried = torch.where(v >= THRESHOLD, 0.0, carried)
                gradient = gradient + carried
            carried = gradient * self.keep
            gradients.append(gradient * self.gain)
        gradients.reverse()
        if len(y) == 1:
            return functools.reduce(torch.add, gradients)[None]
        return torch.stack(gradients)


def channel_statistics(y: Tensor) -> tuple[Tensor, Tensor]:
    """Biased variance and mean (C,) of y (T, B, C, H, W) in float32."""
    variance, mean = torch.var_mean(y.float(), dim=(0, 1, 3, 4), correction=0)
    return variance, mean


def backward_kernel(
    neuron: FloatNeuron,
    y: Tensor,
    gamma: Tensor,
    beta: Tensor,
    mean: Tensor,
    inv_std: Tensor,
    grad: Tensor,
    through_statistics: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of y, gamma and beta of `normalised_spikes` from those of its spikes."""
    scale = gamma * inv_std
    current = neuron.current_gradient(y, scale, beta - mean * scale, grad)
    normalised = (y.float() - mean[:, None, None]) * inv_std[:, None, None]
    grad_beta = current.sum((0, 1, 3, 4))
    grad_gamma = (current * normalised).sum((0, 1, 3, 4))
    if through_statistics:  # mean and variance of the batch are themselves functions of y
        count = y.numel() // y.shape[2]
        current = current - (grad_beta / count)[:, None, None]
        current = current - normalised * (grad_gamma / count)[:, None, None]
    return (current * scale[:, None, None]).to(y.dtype), grad_gamma, grad_beta


@functools.cache
def kernel(function: Callable[..., Any], neuron: FloatNeuron | None, compiled: bool) -> Any:
    """``function`` bound to its neuron, compiled on request; one per neuron, for all layers."""
    bound = function if neuron is None else functools.partial(function, neuron)
    return torch.compile(bound, dynamic=False) if compiled else bound


class _NormalisedSpikes(torch.autograd.Function):
    """See `normalised_spikes`; ``mean`` and ``inv_std`` get no gradient of their own."""

    @staticmethod
    def forward(
        ctx: Any,
        y: Tensor,
        gamma: Tensor,
        beta: Tensor,
        mean: Tensor,
        inv_std: Tensor,
        neuron: FloatNeuron,
        through_statistics: bool,
        dtype: torch.dtype,
        compiled: bool,
    ) -> Tensor:
        ctx.save_for_backward(y, gamma, beta, mean, inv_std)
        ctx.options = neuron, through_statistics, compiled
        scale = gamma * inv_std
        run = kernel(FloatNeuron.forward, neuron, compiled)
        return run(y, scale, beta - mean * scale, dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        neuron, through_statistics, compiled = ctx.options
        run = kernel(backward_kernel, neuron, compiled)
        gradients = run(*ctx.saved_tensors, grad, through_statistics)
        return (*gradients, None, None, None, None, None, None)


def normalised_spikes(
    y: Tensor,
    gamma: Tensor,
    beta: Tensor,
    mean: Tensor,
    inv_std: Tensor,
    *,
    neuron: FloatNeuron,
    through_statistics: bool,
    dtype: torch.dtype,
    compiled: bool = False,
) -> Tensor:
    """Spikes of neurons whose current is the batch norm of y.

    Parameters
    ----------
    y
        (T, B, C, H, W), or (1, B, C, H, W) for the same current in all timesteps.
    gamma, beta, mean, inv_std
        (C,): the current is ``gamma * (y - mean) * inv_std + beta``.
    through_statistics
        Whether ``mean`` and ``inv_std`` are those of y itself, so that the gradient has to flow
        through them too.
    dtype
        Of the spikes.
    compiled
        Run the kernels through `torch.compile`, which needs a C++ compiler.

    Returns
    -------
    Tensor
        (T, B, C, H, W), zeros and ones.
    """
    spikes = _NormalisedSpikes.apply(
        y, gamma, beta, mean, inv_std, neuron, through_statistics, dtype, compiled
    )
    assert isinstance(spikes, Tensor)
    return spikes
