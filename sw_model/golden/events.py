"""The event-driven golden model: the same integers as the reference, many times faster.

A deployment whose sums or membranes could overflow the integers used here needs the reference. The
bounds follow from the frozen numbers, not from the spec's derived widths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sw_model.spec import KERNEL, PIXEL_MIN, TAPS, Deployment

from .kernel_cache import compiles
from .kernels import encoding_rows, hidden_rows, output_rows
from .result import LayerTrace, Visit
from .simd import ALIGNMENT, BLOCK, CHUNK, COMPRESSES, UNIT, VERSION, WORD, shape_of
from .tiling import Work, pieces

IntArray = npt.NDArray[np.integer]
Wide = type[np.int16] | type[np.int32]
Map = npt.NDArray[np.uint64]
Rows = Callable[[tuple[int, int]], None]
"""Computes the rows from the first up to, not including, the second."""

BAND = 8
"""Rows that a thread takes at a time."""
INT8 = int(np.iinfo(np.int8).max)
INT16 = int(np.iinfo(np.int16).max)
UINT16 = int(np.iinfo(np.uint16).max)
INT32 = int(np.iinfo(np.int32).max)


def supports(deployment: Deployment, timesteps: int) -> bool:
    """Whether all sums and membranes of this network fit 32 bits, and all lists of events 16.

    No network is supported where numba does not compile.
    """
    if not compiles():
        return False
    spec = deployment.spec
    largest_row = 2 * CHUNK * len(shape_of(spec.channels)) // UNIT
    rows = TAPS * -(-spec.channels // WORD) * WORD
    return rows * largest_row <= UINT16 and all(
        _bound(deployment, index, timesteps) <= INT32 for index in range(len(spec.layers))
    )


class EventNetwork:
    """A frozen network in the layout of the compiled loops.

    Parameters
    ----------
    deployment
        A network that `supports` accepts.
    timesteps
        T.
    """

    def __init__(self, deployment: Deployment, timesteps: int) -> None:
        self.timesteps = timesteps
        self.deployment = deployment
        self.shape = shape_of(deployment.spec.channels)
        self.words = -(-deployment.spec.channels // WORD)
        encoding, *hidden, output = deployment.weights
        # Lanes are output channels.
        missing = -deployment.spec.channels % CHUNK
        taps = encoding[:, 0].transpose(1, 2, 0).astype(np.int32)
        self._encoding = np.pad(taps, [(0, 0), (0, 0), (0, missing)])
        self._hidden = [
            EventWeights.of(
                weight.transpose(2, 3, 1, 0),
                np.int16 if _bound(deployment, index, timesteps) <= INT16 else np.int32,
            )
            for index, weight in enumerate(hidden, 1)
        ]
        self._output = EventWeights.of(output[0].reshape(-1, TAPS), np.int32)

    def run(self, planes: npt.NDArray[np.int64], work: Work, visit: Visit) -> npt.NDArray[np.int64]:
        """See `sw_model.golden.Network`."""
        (pixels,) = planes
        height, width = pixels.shape
        source, target = (
            np.zeros((height + 2, width + 2, self.timesteps, self.words), np.uint64)
            for _ in range(2)
        )
        bands = [
            ((rows.start, rows.stop), (rows.stop - rows.start) * width)
            for rows in pieces(height, BAND)
        ]
        channels = self.deployment.spec.channels
        for index in range(len(self.deployment.spec.spiking_layers)):
            task = (
                self._hidden_task(index, source, target)
                if index
                else self._encoding_task(pixels, target)
            )
            work.over(bands, task)
            visit(index, LayerTrace(channels=channels, words=target[1:-1, 1:-1]))
            source, target = target, source
        taps = np.empty((height, width, CHUNK * len(shape_of(TAPS))), np.int32)
        output = self._output
        work.over(bands, lambda rows: output_rows(*output.types, source, output.rows, taps, rows))
        return self._add_taps(taps)

    def _encoding_task(self, pixels: npt.NDArray[np.int64], target: Map) -> Rows:
        bordered = np.pad(pixels.astype(np.int32), 1)
        shift = self.deployment.spec.layers[0].shift
        settings = (self._constants(0, np.int32), *self._neuron(0))
        return lambda rows: encoding_rows(
            VERSION, self.shape, bordered, target, self._encoding, shift, *settings, rows
        )

    def _hidden_task(self, index: int, source: Map, target: Map) -> Rows:
        weights = self._hidden[index - 1]
        settings = (self._constants(index, weights.wide), *self._neuron(index))
        return lambda rows: hidden_rows(
            *weights.types, source, target, weights.rows, *settings, rows
        )

    def _add_taps(self, taps: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
        """R of every pixel, (1, H, W), from the sums of `output_rows`, (H, W, lanes)."""
        height, width = taps.shape[:2]
        total = np.zeros((height + 2, width + 2), np.int64)
        for ky in range(KERNEL):
            for kx in range(KERNEL):
                # The input at (y, x) reaches the output at (y + 1 - ky, x + 1 - kx).
                to = np.s_[2 - ky : 2 - ky + height, 2 - kx : 2 - kx + width]
                total[to] += taps[..., KERNEL * ky + kx]
        inside = total[1:-1, 1:-1] + self.timesteps * int(self.deployment.biases[-1][0])
        return inside[np.newaxis]

    def _constants(self, index: int, wide: Wide) -> npt.NDArray[np.signedinteger]:
        deployment = self.deployment
        constants = np.zeros((3, CHUNK * len(self.shape)), wide)
        # A lane without a neuron never fires.
        constants[1] = np.iinfo(wide).max
        for row, values in enumerate((deployment.biases, deployment.thresholds, deployment.inits)):
            constants[row, : deployment.spec.channels] = values[index]
        return _aligned(constants)

    def _neuron(self, index: int) -> tuple[Any, ...]:
        neuron = self.deployment.spec.layers[index].neuron
        assert neuron is not None, "the output layer has no neuron"
        return (
            neuron.fractional_bits,
            neuron.leak or 0,
            neuron.leak is not None,
            neuron.reset == "hard",
        )


@dataclass(frozen=True)
class EventWeights:
    """Weights in the layout of `sw_model.golden.kernels`.

    Attributes
    ----------
    rows
        (events + 1, lanes): what an event adds to every lane. The last row is zero.
    types
        The kernels' arguments ``version``, ``shape``, ``compress`` and ``wide``.
    """

    rows: npt.NDArray[np.signedinteger]
    types: tuple[Any, ...]

    @property
    def wide(self) -> Wide:
        """Type of the sums."""
        return type(self.types[3])

    @classmethod
    def of(cls, weight: IntArray, wide: Wide) -> EventWeights:
        """Return the rows of (..., in_channels, lanes), for sums of type ``wide``."""
        *positions, channels, lanes = weight.shape
        padding = [(0, 0)] * len(positions) + [(0, -channels % WORD), (0, -lanes % CHUNK)]
        rows = np.pad(weight, padding).reshape(-1, lanes + padding[-1][1])
        largest = int(np.abs(weight.astype(np.int64)).max())
        lane = np.int8 if largest * BLOCK <= INT8 else np.int16
        return cls(
            rows=_aligned(np.vstack([rows, np.zeros_like(rows[:1])]).astype(lane)),
            types=(VERSION, shape_of(lanes), () if COMPRESSES else (0,), wide(0)),
        )


def _aligned(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a copy that starts at a cache line."""
    room = np.empty(array.nbytes + ALIGNMENT, np.uint8)
    start = -room.ctypes.data % ALIGNMENT
    copy = room[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[:] = array
    return copy


def _sums(weight: IntArray) -> npt.NDArray[np.int64]:
    return np.abs(weight.astype(np.int64)).sum(axis=(1, 2, 3))


def _bound(deployment: Deployment, index: int, timesteps: int) -> int:
    """Bound of the magnitudes of a layer's sums and membranes."""
    layer = deployment.spec.layers[index]
    bias = np.abs(deployment.biases[index].astype(np.int64))
    sums = _sums(deployment.weights[index])
    if layer.neuron is None:
        return int((sums + bias).max()) * timesteps
    if layer.kind == "encoding":
        # The products, and the half that rounding adds.
        sums = sums * -PIXEL_MIN + (1 << layer.shift)
    # A leak only shrinks a membrane, and a threshold is only subtracted from a larger one.
    current = (sums + bias) << layer.neuron.fractional_bits
    init = np.abs(deployment.inits[index].astype(np.int64))
    threshold = deployment.thresholds[index].astype(np.int64)
    return int(((current + 1) * timesteps + init + threshold).max())
