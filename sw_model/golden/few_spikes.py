"""The engines of the few-spike code: spike by spike, as it is defined, and by values.

`SpikeNetwork` follows `sw_model.spec.neuron.BINARY_EQUATION` literally. `ValueNetwork` takes a
neuron's spikes as the binary digits of one number and convolves that number: 1/T of the work, and
the same integers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from sw_model.spec import PIXEL_MAX, PIXEL_MIN, Deployment, pack_spikes

from .arithmetic import ExactConvolution, rounding_shift
from .reference import blocks, one_blas_thread, window_of
from .result import LayerTrace, Visit
from .tiling import Work

IntArray = npt.NDArray[np.integer]
WideArray = npt.NDArray[np.int64]


class ValueNetwork:
    """A frozen network of the few-spike code, layer by layer, in numpy.

    Parameters
    ----------
    deployment
        Its spec has the code ``"binary"``.
    level
        Noise level in sixteenths of a grey level; None if the network takes none.
    """

    def __init__(self, deployment: Deployment, level: int | None) -> None:
        self.deployment = deployment
        self.timesteps = deployment.spec.timesteps_max
        self.largest = (1 << self.timesteps) - 1
        self.biases = told_biases(deployment, level)

    def run(self, planes: WideArray, work: Work, visit: Visit) -> WideArray:
        """See `sw_model.golden.Network`."""
        source: IntArray = np.pad(planes, ((0, 0), (1, 1), (1, 1)))
        with one_blas_thread:
            for index in range(len(self.deployment.spec.spiking_layers)):
                source, trace = self._layer(index, source, work)
                visit(index, trace)
            return self._output(source, work)

    def _layer(self, index: int, source: IntArray, work: Work) -> tuple[IntArray, LayerTrace]:
        """Return values (C, H + 2, W + 2) with a border of zeros; ``source`` is such, or pixels."""
        layer = self.deployment.spec.layers[index]
        height, width = source.shape[1] - 2, source.shape[2] - 2
        values = np.zeros((layer.out_channels, height + 2, width + 2), np.uint8)
        words = np.empty((height, width, self.timesteps, -(-layer.out_channels // 64)), np.uint64)
        convolve = self._convolution(index)
        bias, threshold, init = (
            constants[index].astype(np.int64)[:, np.newaxis, np.newaxis]
            for constants in (self.biases, self.deployment.thresholds, self.deployment.inits)
        )

        def block(rows: slice, columns: slice) -> None:
            sums = rounding_shift(convolve(window_of(source, rows, columns)), layer.shift)
            found = self._fire(sums + bias + init, threshold)
            values[:, 1:-1, 1:-1][:, rows, columns] = found
            steps = range(self.timesteps - 1, -1, -1)  # the most significant spike first
            words[rows, columns] = pack_spikes(
                np.stack([(found >> step) & 1 for step in steps]).astype(bool)
            )

        work.over(blocks(height, width), lambda part: block(*part))
        return values, LayerTrace(channels=layer.out_channels, words=words)

    def _output(self, source: IntArray, work: Work) -> WideArray:
        """R of every position, (P, H, W)."""
        convolve = self._convolution(len(self.biases) - 1)
        height, width = source.shape[1] - 2, source.shape[2] - 2
        total = np.empty((len(self.biases[-1]), height, width), np.int64)
        bias = self.biases[-1][:, np.newaxis, np.newaxis]

        def block(rows: slice, columns: slice) -> None:
            total[:, rows, columns] = convolve(window_of(source, rows, columns)) + bias

        work.over(blocks(height, width), lambda part: block(*part))
        return total

    def _fire(self, membrane: WideArray, threshold: WideArray) -> WideArray:
        """Values of neurons from their charged membranes."""
        return np.clip(membrane // threshold, 0, self.largest)

    def _convolution(self, index: int) -> Callable[[IntArray], WideArray]:
        """Return a function from a window of pixels or values to a layer's sums."""
        largest = max(-PIXEL_MIN, PIXEL_MAX) if index == 0 else self.largest
        return ExactConvolution(self.deployment.weights[index], largest=largest)


def told_biases(deployment: Deployment, level: int | None) -> list[WideArray]:
    """The biases of all layers; the first ones contain the noise level, see `ValueNetwork`."""
    biases = [bias.astype(np.int64) for bias in deployment.biases]
    if level is not None:
        assert deployment.noise_weight is not None
        product = deployment.noise_weight.astype(np.int64) * level
        biases[0] = biases[0] + rounding_shift(product, deployment.spec.noise_shift)
    return biases


class SpikeNetwork(ValueNetwork):
    """The same network, spike by spike, with 64-bit membranes."""

    def _fire(self, membrane: WideArray, threshold: WideArray) -> WideArray:
        values = np.zeros_like(membrane)
        for step in range(self.timesteps - 1, -1, -1):
            spikes = membrane >= threshold << step
            membrane = membrane - np.where(spikes, threshold << step, 0)
            values = 2 * values + spikes
        return values

    def _convolution(self, index: int) -> Callable[[IntArray], WideArray]:
        if index == 0:
            return super()._convolution(index)
        convolve = ExactConvolution(self.deployment.weights[index], largest=1)

        def horner(window: IntArray) -> WideArray:
            sums = convolve((window >> (self.timesteps - 1)) & 1)
            for step in range(self.timesteps - 2, -1, -1):
                sums = 2 * sums + convolve((window >> step) & 1)
            return sums

        return horner
