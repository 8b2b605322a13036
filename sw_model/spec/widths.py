"""Widths that follow from the frozen numbers, so that nothing ever overflows or saturates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .fixed_point import PIXEL_MAX, PIXEL_MIN, signed_width, unsigned_width
from .network import NOISE_UNITS
from .neuron import NeuronSpec

if TYPE_CHECKING:
    from .deployment import Deployment


@dataclass(frozen=True)
class LayerWidths:
    """Bits that the numbers of one layer need, all signed but the threshold.

    Attributes
    ----------
    lane
        One accumulator of the synapse array: one tap of one output channel. The output layer's
        lanes add up all T timesteps of a pixel.
    sum
        A sum over the taps, whole or partial (line buffers).
    current
        What a neuron receives in a timestep, or R of the output layer.
    membrane
        The membrane before and after the reset, init included.
    bias, threshold
        The constants.
    """

    lane: int
    sum: int
    current: int
    membrane: int
    bias: int
    threshold: int


def layer_widths(deployment: Deployment, index: int) -> LayerWidths:
    """Widths of layer ``index``, from its weights, constants and the largest allowed T."""
    layer = deployment.spec.layers[index]
    binary = deployment.spec.code == "binary"
    # What a pixel's spikes count at most, in a lane that adds them all up.
    steps = deployment.spec.timesteps_max
    counts = (1 << steps) - 1 if binary else steps
    bias = deployment.biases[index].astype(np.int64)
    # (out, in, 3, 3) to (out, taps): what a lane can reach when only one sign of weight fires.
    weight = deployment.weights[index].astype(np.int64)
    negative = np.minimum(weight, 0).sum(axis=1).reshape(len(weight), -1)
    positive = np.maximum(weight, 0).sum(axis=1).reshape(len(weight), -1)
    if layer.kind == "encoding":
        # Bit-serially a prefix of the pixel's bits times the weight: never beyond the product.
        negative, positive = (
            positive * PIXEL_MIN + negative * PIXEL_MAX,
            positive * PIXEL_MAX + negative * PIXEL_MIN,
        )
    elif layer.kind == "output" or binary:
        negative, positive = negative * counts, positive * counts
    lane = _width(negative, positive)
    low, high = negative.sum(axis=1), positive.sum(axis=1)
    sums = _width(low, high)
    if layer.neuron is None:
        times = 1 if binary else steps  # that the bias is added
        return LayerWidths(
            lane=lane,
            sum=sums,
            current=_width(low + times * np.minimum(bias, 0), high + times * np.maximum(bias, 0)),
            membrane=0,
            bias=_width(bias, bias),
            threshold=0,
        )
    if layer.shift:
        half = 1 << (layer.shift - 1)
        low, high = (low + half) >> layer.shift, (high + half) >> layer.shift
    fraction = layer.neuron.fractional_bits
    bias_low, bias_high = bias, bias
    if index == 0 and deployment.spec.noise_levels is not None:
        told = [
            level_bias(deployment, level * NOISE_UNITS) for level in deployment.spec.noise_levels
        ]
        bias_low, bias_high = np.minimum(*told), np.maximum(*told)
    low, high = (low + bias_low) << fraction, (high + bias_high) << fraction
    threshold = deployment.thresholds[index].astype(np.int64)
    init = deployment.inits[index].astype(np.int64)
    return LayerWidths(
        lane=lane,
        sum=sums,
        current=_width(low, high),
        membrane=_width(low + init, high + init)
        if binary
        else _width(*membrane_range(layer.neuron, low, high, threshold, init, steps)),
        bias=_width(np.minimum(bias, bias_low), np.maximum(bias, bias_high)),
        threshold=unsigned_width(int(threshold.max())),
    )


def level_bias(deployment: Deployment, level: int) -> npt.NDArray[np.int64]:
    """The encoding layer's biases at a noise level, (channels,).

    Parameters
    ----------
    level
        In sixteenths of a grey level. What lies between two levels has biases between theirs.
    """
    assert deployment.noise_weight is not None
    shift = deployment.spec.noise_shift
    product = deployment.noise_weight.astype(np.int64) * level
    return deployment.biases[0].astype(np.int64) + ((product + (1 << (shift - 1))) >> shift)


def membrane_range(
    neuron: NeuronSpec,
    low: npt.NDArray[np.int64],
    high: npt.NDArray[np.int64],
    threshold: npt.NDArray[np.int64],
    init: npt.NDArray[np.int64],
    steps: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Smallest and largest membrane over ``steps`` timesteps of currents in ``low`` to ``high``.

    All arrays are per channel. M - (M >> k) never falls when M rises, so that carrying the two
    ends of the interval through charge and reset bounds everything between them.
    """
    state_low, state_high = init.copy(), init.copy()
    seen_low, seen_high = init.copy(), init.copy()
    for _ in range(steps):
        if neuron.leak is not None:
            state_low = state_low - (state_low >> neuron.leak)
            state_high = state_high - (state_high >> neuron.leak)
        state_low, state_high = state_low + low, state_high + high
        seen_low, seen_high = np.minimum(seen_low, state_low), np.maximum(seen_high, state_high)
        silent, fires = state_low < threshold, state_high >= threshold
        if neuron.reset == "hard":
            reset_low = reset_high = np.zeros_like(init)
        else:
            reset_low = np.maximum(state_low - threshold, 0)
            reset_high = state_high - threshold
        kept_high = np.minimum(state_high, threshold - 1)
        state_low, state_high = (
            np.where(
                fires, np.where(silent, np.minimum(state_low, reset_low), reset_low), state_low
            ),
            np.where(
                fires, np.where(silent, np.maximum(kept_high, reset_high), reset_high), kept_high
            ),
        )
        seen_low, seen_high = np.minimum(seen_low, state_low), np.maximum(seen_high, state_high)
    return seen_low, seen_high


@dataclass(frozen=True)
class NetworkWidths:
    """Widths of every layer, and what a datapath that all layers share needs."""

    layers: tuple[LayerWidths, ...]

    @property
    def lane(self) -> int:
        """Widest accumulator of the synapse array."""
        return max(layer.lane for layer in self.layers)

    @property
    def sum(self) -> int:
        """Widest sum over the taps."""
        return max(layer.sum for layer in self.layers)

    @property
    def current(self) -> int:
        """Widest current of a spiking layer."""
        return max(layer.current for layer in self.layers[:-1])

    @property
    def membrane(self) -> int:
        """Widest membrane."""
        return max(layer.membrane for layer in self.layers[:-1])

    @property
    def bias(self) -> int:
        """Widest bias of a spiking layer."""
        return max(layer.bias for layer in self.layers[:-1])

    @property
    def threshold(self) -> int:
        """Widest threshold."""
        return max(layer.threshold for layer in self.layers[:-1])


def network_widths(deployment: Deployment) -> NetworkWidths:
    """Widths of all layers of ``deployment``."""
    return NetworkWidths(
        tuple(layer_widths(deployment, index) for index in range(len(deployment.spec.layers)))
    )


def _width(low: npt.NDArray[np.int64], high: npt.NDArray[np.int64]) -> int:
    return signed_width(int(low.min()), int(high.max()))
