"""Batch norm and the spiking neuron as one differentiable function, with a surrogate gradient.

The two are fused because on a CPU they are bound by memory bandwidth: the forward pass reads the
convolution's result once, the backward pass recomputes the membranes instead of storing them.
`torch.compile` turns each kernel below into one loop. Without a C++ compiler the kernels run
eagerly, several times slower, with the same results up to rounding.
"""

from __future__ import annotations

import functools
import math
import shlex
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.utils import cpp_extension

from sw_model.spec.neuron import NeuronSpec

THRESHOLD = 1.0
"""Vth of the float neuron. Any other value is a rescaling of weights and biases."""


SHAPES = ("triangle", "rectangle", "arctan")
RESETS = ("detached", "attached")


@dataclass(frozen=True, kw_only=True)
class Surrogate:
    """Surrogate gradient: replaces the spike's derivative in the backward pass.

    Parameters
    ----------
    shape
        Shape of the surrogate for the derivative of the step ``membrane >= Vth``, one of `SHAPES`;
        all have an area of 1. ``"arctan"`` is the derivative of an arctangent.
    width
        Distance from Vth at which a triangle (peak 1 / width) or a rectangle (1 / (2 * width))
        ends, and at which an arctan (peak 1 / (pi * width)) has half its peak.
    reset
        ``"detached"``: no gradient flows through the reset; ``"attached"``: it flows through the
        reset with the same surrogate.
    """

    shape: str = "triangle"
    width: float = 1.0
    reset: str = "detached"

    def gradient(self, membrane: Tensor) -> Tensor:
        """Surrogate gradient at membranes before the reset, in thresholds, any shape."""
        distance = (membrane - THRESHOLD).abs() / self.width
        if self.shape == "triangle":
            return torch.clamp(1 - distance, min=0) / self.width
        if self.shape == "rectangle":
            return (distance < 1).to(membrane.dtype) / (2 * self.width)
        return 1 / (math.pi * self.width * (1 + distance * distance))


TRIANGLE = Surrogate()
"""The default."""


class Constants(NamedTuple):
    """Constants of each channel's neurons, (C,) each.

    Attributes
    ----------
    threshold
        Vth: 1 for neurons in floats, the integer threshold for neurons in integers.
    init
        Membrane before t = 0, in the same unit.
    """

    threshold: Tensor
    init: Tensor


class Activation(Hashable, Protocol):
    """Computes a layer's output from its currents, and the gradient.

    Currents are ``scale * y + offset``; y is (T, B, C, H, W), or (1, B, C, H, W) where it is the
    same in all timesteps; scale and offset are (C,).
    """

    def forward(
        self, y: Tensor, scale: Tensor, offset: Tensor, constants: Constants, dtype: torch.dtype
    ) -> Tensor:
        """The output (T or 1, B, C, H, W) in ``dtype``."""
        ...

    def current_gradient(
        self, y: Tensor, scale: Tensor, offset: Tensor, constants: Constants, grad: Tensor
    ) -> Tensor:
        """Gradient of the currents, in float32 and y's shape, from the output's gradient."""
        ...


@dataclass(frozen=True, kw_only=True)
class FloatNeuron:
    """The spec's neuron in floats: charge, fire, reset (paper, eq. 1, with V_reset = 0).

    Parameters
    ----------
    spec
        Leak and reset.
    timesteps
        T.
    surrogate
        Surrogate gradient through time.
    integers
        Currents and membranes are the integers of `sw_model.spec.neuron.EQUATION`, leak and
        rounding included; float32 holds them exactly below 2^24. Otherwise Vth is 1.
    """

    spec: NeuronSpec
    timesteps: int
    surrogate: Surrogate = TRIANGLE
    integers: bool = False

    @property
    def gain(self) -> float:
        """Membrane change for a current of 1: 1 / tau, or 1 without leak or in integers."""
        return 1.0 if self.spec.leak is None or self.integers else 2.0**-self.spec.leak

    @property
    def keep(self) -> float:
        """Share of the membrane left after a timestep: 1 - 1 / tau, or 1 without leak."""
        return 1.0 if self.spec.leak is None else 1 - 2.0**-self.spec.leak

    def _leaked(self, membrane: Tensor) -> Tensor:
        if self.spec.leak is None:
            return membrane
        if self.integers:
            return membrane - torch.floor(membrane * 2.0**-self.spec.leak)
        return membrane * self.keep

    def membranes(
        self, y: Tensor, scale: Tensor, offset: Tensor, constants: Constants
    ) -> list[Tensor]:
        """Membranes of all timesteps between charge and reset: T tensors (B, C, H, W), float32."""
        threshold = constants.threshold[:, None, None]
        membranes = []
        rest = constants.init[:, None, None]  # membrane after the previous step's reset
        for t in range(self.timesteps):
            current = y[t if len(y) > 1 else 0].float() * scale[:, None, None]
            current = current + offset[:, None, None]
            membrane = self._leaked(rest) + current * self.gain
            membranes.append(membrane)
            spike = membrane >= threshold
            if self.spec.reset == "hard":
                rest = torch.where(spike, 0.0, membrane)
            else:
                rest = membrane - spike * threshold
        return membranes

    def forward(
        self, y: Tensor, scale: Tensor, offset: Tensor, constants: Constants, dtype: torch.dtype
    ) -> Tensor:
        """Spikes (T, B, C, H, W), zeros and ones."""
        threshold = constants.threshold[:, None, None]
        membranes = self.membranes(y, scale, offset, constants)
        return torch.stack([(v >= threshold).to(dtype) for v in membranes])

    def current_gradient(
        self, y: Tensor, scale: Tensor, offset: Tensor, constants: Constants, grad: Tensor
    ) -> Tensor:
        """See `Activation`.

        With a detached reset, the gradient stops at a hard reset and passes a soft one unchanged.
        With an attached reset, the amount that a spike takes from the membrane contributes too.
        """
        threshold = constants.threshold[:, None, None]
        unit = 1 / threshold
        gradients = []
        carried: Tensor | None = None  # gradient of the membrane after the reset
        for t, membrane in reversed(list(enumerate(self.membranes(y, scale, offset, constants)))):
            v = membrane * unit
            slope = self.surrogate.gradient(v) * unit
            gradient = grad[t].float() * slope
            if carried is not None:
                kept = carried
                if self.spec.reset == "hard":
                    kept = torch.where(v >= THRESHOLD, 0.0, carried)
                gradient = gradient + kept
                if self.surrogate.reset == "attached":
                    taken = membrane if self.spec.reset == "hard" else threshold
                    gradient = gradient - carried * taken * slope
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


def activate(
    activation: Activation,
    y: Tensor,
    scale: Tensor,
    offset: Tensor,
    constants: Constants,
    dtype: torch.dtype,
) -> Tensor:
    """The activation's output; a plain function, which `torch.compile` accepts."""
    return activation.forward(y, scale, offset, constants, dtype)


def backward_kernel(
    activation: Activation,
    y: Tensor,
    gamma: Tensor,
    beta: Tensor,
    mean: Tensor,
    inv_std: Tensor,
    constants: Constants,
    grad: Tensor,
    through_statistics: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of y, gamma and beta of `normalised_activation` from its output's gradient."""
    scale = gamma * inv_std
    current = activation.current_gradient(y, scale, beta - mean * scale, constants, grad)
    normalised = (y.float() - mean[:, None, None]) * inv_std[:, None, None]
    grad_beta = current.sum((0, 1, 3, 4))
    grad_gamma = (current * normalised).sum((0, 1, 3, 4))
    if through_statistics:  # mean and variance of the batch depend on y
        count = y.numel() // y.shape[2]
        current = current - (grad_beta / count)[:, None, None]
        current = current - normalised * (grad_gamma / count)[:, None, None]
    return (current * scale[:, None, None]).to(y.dtype), grad_gamma, grad_beta


@functools.cache
def _quote_library_folder() -> None:
    """Make linking of compiled kernels work if PyTorch's folder has a space in its name.

    PyTorch puts its library folder into the compiler's command line without quotes.
    """
    cpp_extension.TORCH_LIB_PATH = shlex.quote(cpp_extension.TORCH_LIB_PATH)


@functools.cache
def kernel(
    function: Callable[..., Any], activation: Activation | None, compiled: bool
) -> Callable[..., Any]:
    """``function`` bound to its activation, compiled on request; cached for equal layers."""
    bound = function if activation is None else functools.partial(function, activation)
    if not compiled:
        return bound
    _quote_library_folder()
    return torch.compile(bound, dynamic=False)


class _NormalisedActivation(torch.autograd.Function):
    """See `normalised_activation`; ``mean`` and ``inv_std`` get no gradient of their own."""

    @staticmethod
    def forward(
        ctx: Any,
        y: Tensor,
        gamma: Tensor,
        beta: Tensor,
        mean: Tensor,
        inv_std: Tensor,
        constants: Constants,
        activation: Activation,
        through_statistics: bool,
        dtype: torch.dtype,
        compiled: bool,
    ) -> Tensor:
        ctx.save_for_backward(y, gamma, beta, mean, inv_std)
        ctx.options = constants, activation, through_statistics, compiled
        scale = gamma * inv_std
        run = kernel(activate, activation, compiled)
        output: Tensor = run(y, scale, beta - mean * scale, constants, dtype)
        return output

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        constants, activation, through_statistics, compiled = ctx.options
        run = kernel(backward_kernel, activation, compiled)
        gradients = run(*ctx.saved_tensors, constants, grad, through_statistics)
        return (*gradients, None, None, None, None, None, None, None)


def normalised_activation(
    y: Tensor,
    gamma: Tensor,
    beta: Tensor,
    mean: Tensor,
    inv_std: Tensor,
    constants: Constants,
    *,
    activation: Activation,
    through_statistics: bool,
    dtype: torch.dtype,
    compiled: bool = False,
) -> Tensor:
    """Output of an activation whose current is batch norm of y.

    Parameters
    ----------
    y
        (T, B, C, H, W), or (1, B, C, H, W) for the same current in all timesteps.
    gamma, beta, mean, inv_std
        (C,): the current is ``gamma * (y - mean) * inv_std + beta``.
    through_statistics
        Whether ``mean`` and ``inv_std`` are those of y itself, so that the gradient flows through
        them too.
    dtype
        Type of the output.
    compiled
        Run the kernels through `torch.compile`, which needs a C++ compiler.

    Returns
    -------
    Tensor
        (T, B, C, H, W) of spikes; (1, B, C, H, W) of rates.
    """
    output = _NormalisedActivation.apply(
        y, gamma, beta, mean, inv_std, constants, activation, through_statistics, dtype, compiled
    )
    assert isinstance(output, Tensor)
    return output
