"""The golden model of the few-spike code in compiled loops: the same integers, many times faster.

A deployment whose numbers could leave the integers that are used here is left to
`sw_model.golden.few_spikes.ValueNetwork`; the bounds are taken from the frozen numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from sw_model.spec import PIXEL_MIN, Deployment

from .few_spikes import WideArray, told_biases
from .kernel_cache import compiles
from .products import (
    GROUP,
    PAIR_LIMIT,
    PAIRS,
    PLAIN,
    VERSION,
    best_method,
    chunks_at_once,
    pixels_of,
)
from .result import LayerTrace, Visit
from .simd import CHUNK, WORD, shape_of
from .tiling import Work, pieces
from .value_kernels import encoding_values, hidden_values, output_values

Method = tuple[int, ...]
BAND = 4
"""Rows that a thread takes at a time."""
INT8 = int(np.iinfo(np.int8).max)
INT32 = int(np.iinfo(np.int32).max)


def supports_values(deployment: Deployment, level: int | None) -> bool:
    """Whether no weight of this network can leave 8 bits, and no sum or membrane 32, at this level.

    No network is supported where numba does not compile.
    """
    if not compiles():
        return False
    deep = deployment.weights[1:]
    return all(np.abs(weight.astype(np.int64)).max() <= INT8 for weight in deep) and all(
        _bound(deployment, level, index) <= INT32 for index in range(len(deployment.spec.layers))
    )


class CompiledValueNetwork:
    """A frozen network of the few-spike code as the compiled loops want it.

    Parameters
    ----------
    deployment
        A network that `supports_values` accepts.
    level
        As in `sw_model.golden.few_spikes.ValueNetwork`.
    method
        How products are summed, see `sw_model.golden.products`; the fastest by default.
    """

    def __init__(
        self, deployment: Deployment, level: int | None, method: Method | None = None
    ) -> None:
        self.deployment = deployment
        spec = deployment.spec
        self.timesteps = spec.timesteps_max
        self.lanes = CHUNK * len(shape_of(spec.channels))
        self.biases = told_biases(deployment, level)
        method = best_method() if method is None else method
        encoding, *deep = deployment.weights
        taps = encoding.transpose(2, 3, 1, 0).astype(np.int32)
        self._encoding = np.ascontiguousarray(_padded(taps, 3, CHUNK))
        largest = (1 << self.timesteps) - 1
        *self._hidden, self._output = (
            ValueWeights.of(weight, self.lanes, largest, method) for weight in deep
        )

    def run(self, planes: WideArray, work: Work, visit: Visit) -> WideArray:
        """See `sw_model.golden.Network`."""
        height, width = planes.shape[1:]
        spec, steps = self.deployment.spec, (0,) * self.timesteps
        shape = shape_of(spec.channels)
        # What pixels beyond the width would see is read, and their sums are left.
        columns = 2 + max(
            -(-width // len(weights.pixels)) * len(weights.pixels)
            for weights in (*self._hidden, self._output)
        )
        source, target = (np.zeros((height + 2, columns, self.lanes), np.uint8) for _ in range(2))
        words = np.zeros((height, width, self.timesteps, -(-spec.channels // WORD)), np.uint64)
        bands = [
            ((rows.start, rows.stop), (rows.stop - rows.start) * width)
            for rows in pieces(height, BAND)
        ]
        pixels = np.ascontiguousarray(
            np.pad(planes.transpose(1, 2, 0), ((1, 1), (1, 1), (0, 0))).astype(np.int32)
        )
        for index, layer in enumerate(spec.spiking_layers):
            constants = self._constants(index)
            if index == 0:
                encoding = (pixels, target, words, self._encoding, layer.shift, constants)
                task = partial(encoding_values, VERSION, shape, steps, *encoding)
            else:
                found = self._hidden[index - 1]
                hidden = (source, target, words, found.values, constants)
                task = partial(hidden_values, VERSION, *found.types, steps, *hidden)
            work.over(bands, task)
            visit(index, LayerTrace(channels=layer.out_channels, words=words))
            source, target = target, source
        return self._sums(source, width, bands, work)

    def _sums(
        self, source: npt.NDArray[np.uint8], width: int, bands: list[Any], work: Work
    ) -> WideArray:
        """R of every position, (P, H, W)."""
        output = self._output
        count = len(output.pixels)
        lanes = CHUNK * len(output.shape)
        total = np.empty((len(source) - 2, -(-width // count) * count, lanes), np.int32)
        work.over(
            bands, partial(output_values, VERSION, *output.types, source, total, output.values)
        )
        bias = self.biases[-1]
        return total[:, :width, : len(bias)].transpose(2, 0, 1) + bias[:, np.newaxis, np.newaxis]

    def _constants(self, index: int) -> npt.NDArray[np.int32]:
        """What membranes start with, and the limits of each step, (1 + T, lanes)."""
        # A lane without a neuron never fires.
        constants = np.full((1 + self.timesteps, self.lanes), INT32, np.int32)
        constants[0] = 0
        channels = self.deployment.spec.channels
        constants[0, :channels] = self.biases[index] + self.deployment.inits[index]
        threshold = self.deployment.thresholds[index].astype(np.int64)
        for row, step in enumerate(range(self.timesteps - 1, -1, -1), 1):
            constants[row, :channels] = threshold << step
        return constants


@dataclass(frozen=True)
class ValueWeights:
    """A layer's weights as `sw_model.golden.value_kernels` wants them.

    Attributes
    ----------
    values
        (passes, 3, groups, lanes of a pass, 4) int8.
    method, pixels, shape
        See `sw_model.golden.products`.
    """

    values: npt.NDArray[np.int8]
    method: Method
    pixels: Method
    shape: Method

    @property
    def types(self) -> tuple[Method, Method, Method]:
        """The kernels' arguments of these names."""
        return self.method, self.pixels, self.shape

    @classmethod
    def of(
        cls, weight: npt.NDArray[np.integer], lanes: int, largest: int, method: Method
    ) -> ValueWeights:
        """Of (out_channels, in_channels, 3, 3) for maps of ``lanes`` values up to ``largest``."""
        magnitude = int(np.abs(weight.astype(np.int64)).max())
        if method == PAIRS and 2 * magnitude * largest > PAIR_LIMIT:
            method = PLAIN
        taps = _padded(_padded(weight.transpose(2, 3, 1, 0), 2, lanes), 3, CHUNK)
        chunks = taps.shape[3] // CHUNK
        once = chunks_at_once(method, chunks)
        grouped = taps.reshape(3, 3 * lanes // GROUP, GROUP, chunks // once, CHUNK * once)
        values = np.ascontiguousarray(grouped.transpose(3, 0, 1, 4, 2).astype(np.int8))
        return cls(values, method, pixels_of(method, once), (0,) * once)


def _padded(array: npt.NDArray[Any], axis: int, multiple: int) -> npt.NDArray[Any]:
    """With zeros at an axis' end, up to a multiple."""
    widths = [(0, 0)] * array.ndim
    widths[axis] = (0, -array.shape[axis] % multiple)
    return np.pad(array, widths)


def _bound(deployment: Deployment, level: int | None, index: int) -> int:
    """What no sum, membrane or limit of a layer exceeds in magnitude."""
    spec = deployment.spec
    layer = spec.layers[index]
    largest = (1 << spec.timesteps_max) - 1 if index else -PIXEL_MIN
    sums = np.abs(deployment.weights[index].astype(np.int64)).sum(axis=(1, 2, 3)) * largest
    if layer.neuron is None:
        return int(sums.max())  # the bias comes in 64 bits
    start = np.abs(told_biases(deployment, level)[index] + deployment.inits[index])
    limits = deployment.thresholds[index].astype(np.int64) << (spec.timesteps_max - 1)
    return int((sums + (1 << layer.shift) + start + limits).max())
