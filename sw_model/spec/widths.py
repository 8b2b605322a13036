"""Widths derived from the frozen numbers, so that nothing ever overflows or saturates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .fixed_point import PIXEL_MAX, PIXEL_MIN, signed_width, unsigned_width
from .network import NOISE_UNITS, LayerSpec, NetworkSpec
from .neuron import NeuronSpec


@dataclass(frozen=True)
class LayerWidths:
    """Bits that the numbers of one layer need, all signed but the threshold.

    Attributes
    ----------
    lane
        One accumulator of the synapse array: one tap of one output channel. The output layer's
        lanes add up all T timesteps of a pixel.
    sum
        A sum over the taps, complete or partial (line buffers).
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


def layer_widths(
    layer: LayerSpec,
    steps: int,
    weight: npt.NDArray[np.int64],
    bias: npt.NDArray[np.int64],
    threshold: npt.NDArray[np.int64] | None = None,
    init: npt.NDArray[np.int64] | None = None,
    *,
    binary: bool = False,
    level_biases: Sequence[npt.NDArray[np.int64]] = (),
) -> LayerWidths:
    """Widths of a layer.

    Parameters
    ----------
    steps
        The largest allowed T.
    weight, bias
        (C_out, C_in, 3, 3) and (C_out,).
    threshold, init
        (C_out,) of a spiking layer.
    binary
        The network has the few-spike code.
    level_biases
        (C_out,) each: the layer's biases at the lowest and the highest noise level.
    """
    # The most that a pixel's spikes count in a lane that adds them all up, and how often a bias
    # is added.
    counts, times = ((1 << steps) - 1, 1) if binary else (steps, steps)
    # (out, in, 3, 3) to (out, taps): the bounds of a lane when only one sign of weight fires.
    negative = np.minimum(weight, 0).sum(axis=1).reshape(len(weight), -1)
    positive = np.maximum(weight, 0).sum(axis=1).reshape(len(weight), -1)
    if layer.kind == "encoding":
        # A bit-serial partial sum has a prefix of the pixel's bits: never beyond the product.
        negative, positive = (
            positive * PIXEL_MIN + negative * PIXEL_MAX,
            positive * PIXEL_MAX + negative * PIXEL_MIN,
        )
    elif layer.kind == "output" or binary:
        negative, positive = negative * counts, positive * counts
    lane = _width(negative, positive)
    low, high = negative.sum(axis=1), positive.sum(axis=1)
    sums = _width(low, high)
    if layer.neuron is None or threshold is None or init is None:
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
    bias_low, bias_high = (
        (np.minimum(*level_biases), np.maximum(*level_biases)) if level_biases else (bias, bias)
    )
    low, high = (low + bias_low) << fraction, (high + bias_high) << fraction
    return LayerWidths(
        lane=lane,
        sum=sums,
        current=_width(low, high),
        membrane=_width(np.minimum(low + init, init), np.maximum(high + init, init))
        if binary
        else _width(*membrane_range(layer.neuron, low, high, threshold, init, steps)),
        bias=_width(np.minimum(bias, bias_low), np.maximum(bias, bias_high)),
        threshold=unsigned_width(int(threshold.max())),
    )


def membrane_range(
    neuron: NeuronSpec,
    low: npt.NDArray[np.int64],
    high: npt.NDArray[np.int64],
    threshold: npt.NDArray[np.int64],
    init: npt.NDArray[np.int64],
    steps: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Smallest and largest membrane over ``steps`` timesteps of currents in ``low`` to ``high``.

    All arrays are per channel. M - (M >> k) never falls when M rises, so the two ends of the
    interval, carried through charge and reset, bound everything between them.
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
    """Widths of every layer, and of a datapath that all layers share."""

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


def network_widths(
    spec: NetworkSpec,
    weights: Sequence[npt.NDArray[np.integer]],
    biases: Sequence[npt.NDArray[np.integer]],
    thresholds: Sequence[npt.NDArray[np.integer]],
    inits: Sequence[npt.NDArray[np.integer]],
    noise_weight: npt.NDArray[np.integer] | None = None,
) -> NetworkWidths:
    """Widths of all layers; tensors as in `sw_model.spec.deployment.Deployment`."""
    layers = []
    level_biases = _level_biases(spec, biases[0], noise_weight)
    for index, layer in enumerate(spec.layers):
        tensors = (
            (weights, biases) if layer.neuron is None else (weights, biases, thresholds, inits)
        )
        numbers = [values[index].astype(np.int64) for values in tensors]
        layers.append(
            layer_widths(
                layer,
                spec.timesteps_max,
                *numbers,
                binary=spec.code == "binary",
                level_biases=level_biases if index == 0 else (),
            )
        )
    return NetworkWidths(tuple(layers))


def _level_biases(
    spec: NetworkSpec,
    bias: npt.NDArray[np.integer],
    noise_weight: npt.NDArray[np.integer] | None,
) -> list[npt.NDArray[np.int64]]:
    """The encoding layer's biases at the lowest and highest noise level; they bound all others."""
    if spec.noise_levels is None or noise_weight is None:
        return []
    half = 1 << (spec.noise_shift - 1)
    products = [noise_weight.astype(np.int64) * NOISE_UNITS * level for level in spec.noise_levels]
    return [bias.astype(np.int64) + ((product + half) >> spec.noise_shift) for product in products]


def _width(low: npt.NDArray[np.int64], high: npt.NDArray[np.int64]) -> int:
    return signed_width(int(low.min()), int(high.max()))
