"""The plain engine of the golden model: exact products of floats, and membranes of 64 bits.

Membranes have numpy's widest integers, so that a derived width that is too narrow shows as a
difference instead of wrapping here as well. Spikes are kept as trains: bit t of a number is the
spike at timestep t.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import repeat
from threading import Lock

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from sw_model.spec import PIXEL_MAX, PIXEL_MIN, Deployment, pack_spikes
from sw_model.support.forking import hold_while_forking

from .arithmetic import ExactConvolution, fire, rounding_shift
from .result import LayerTrace, Visit
from .tiling import Work

IntArray = npt.NDArray[np.integer]

BLOCK_COLUMNS = 512
BLOCK_PIXELS = 4096
"""Pixels of a block: their products fit a processor's cache."""


class _OneBlasThread:
    """Limits matrix products to one thread while any thread of the process is in the block."""

    def __init__(self) -> None:
        self._lock = Lock()
        hold_while_forking(self._lock)
        self._users = 0
        self._limits: threadpool_limits | None = None

    def __enter__(self) -> None:
        with self._lock:
            if not self._users:
                self._limits = threadpool_limits(1, "blas")
            self._users += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._users -= 1
            if not self._users and self._limits is not None:
                self._limits.restore_original_limits()


one_blas_thread = _OneBlasThread()


class ReferenceNetwork:
    """A frozen network, layer by layer, in numpy.

    Parameters
    ----------
    deployment
        Any network.
    timesteps
        T.
    keep
        Trace currents and membranes too.
    """

    def __init__(self, deployment: Deployment, timesteps: int, *, keep: bool) -> None:
        self.deployment, self.timesteps, self.keep = deployment, timesteps, keep

    def run(self, planes: npt.NDArray[np.int64], work: Work, visit: Visit) -> npt.NDArray[np.int64]:
        """See `sw_model.golden.Network`."""
        source: IntArray = np.pad(planes, ((0, 0), (1, 1), (1, 1)))
        # BLAS's own threads spin while they wait for each other: on a busy machine with two cores,
        # 512x512 pixels of `compact` took 76 s, not 15 s.
        with one_blas_thread:
            return self._run(source, work, visit)

    def _run(self, source: IntArray, work: Work, visit: Visit) -> npt.NDArray[np.int64]:
        for index in range(len(self.deployment.spec.spiking_layers)):
            source, trace = _spiking_layer(
                self.deployment, index, source, self.timesteps, self.keep, work
            )
            visit(index, trace)
        return _output_sums(self.deployment, source, self.timesteps, work)


def _spiking_layer(
    deployment: Deployment,
    index: int,
    source: IntArray,
    timesteps: int,
    keep: bool,
    work: Work,
) -> tuple[npt.NDArray[np.unsignedinteger], LayerTrace]:
    """Run layer ``index`` over ``source``, (C_in, H + 2, W + 2) pixels or spike trains.

    The spike trains that it returns, (C, H + 2, W + 2), are the next layer's source: bit t is the
    neuron's spike at timestep t.
    """
    layer = deployment.spec.layers[index]
    neuron = layer.neuron
    assert neuron is not None, "the output layer has no neuron"
    height, width = source.shape[1] - 2, source.shape[2] - 2
    trains = np.zeros(
        (layer.out_channels, height + 2, width + 2), np.min_scalar_type((1 << timesteps) - 1)
    )
    shape = (timesteps, layer.out_channels, height, width)
    currents, charged, membranes = (
        np.zeros(shape if keep else 0, dtype=np.int64) for _ in range(3)
    )
    threshold, init = (
        constants[index].astype(np.int64)[:, np.newaxis, np.newaxis]
        for constants in (deployment.thresholds, deployment.inits)
    )
    currents_of = _currents(deployment, index, timesteps)

    def block(rows: slice, columns: slice) -> None:
        membrane = init
        train = trains[:, 1:-1, 1:-1][:, rows, columns]
        for t, current in enumerate(currents_of(window_of(source, rows, columns))):
            charge, spikes, membrane = fire(neuron, membrane, current, threshold)
            train |= spikes.astype(trains.dtype) << t
            if keep:
                currents[t, :, rows, columns] = current
                charged[t, :, rows, columns] = charge
                membranes[t, :, rows, columns] = membrane

    work.over(blocks(height, width), lambda part: block(*part))
    inside = trains[:, 1:-1, 1:-1]
    words = pack_spikes(np.stack([spikes_at(inside, t) for t in range(timesteps)]).astype(bool))
    channels = layer.out_channels
    if not keep:
        return trains, LayerTrace(channels=channels, words=words)
    return trains, LayerTrace(
        channels=channels,
        words=words,
        currents=currents,
        charged=charged,
        membranes=membranes,
    )


def _currents(
    deployment: Deployment, index: int, timesteps: int
) -> Callable[[IntArray], Iterator[npt.NDArray[np.int64]]]:
    """Return a function from a window of the source to the layer's T currents, (C, h, w) each."""
    layer = deployment.spec.layers[index]
    assert layer.neuron is not None, "the output layer has no neuron"
    fraction = layer.neuron.fractional_bits
    bias = deployment.biases[index].astype(np.int64)[:, np.newaxis, np.newaxis]
    encoding = layer.kind == "encoding"
    convolve = ExactConvolution(
        deployment.weights[index], largest=max(-PIXEL_MIN, PIXEL_MAX) if encoding else 1
    )

    def encode(window: IntArray) -> Iterator[npt.NDArray[np.int64]]:
        sums = rounding_shift(convolve(window), layer.shift)
        return repeat((sums + bias) << fraction, timesteps)

    def spike(window: IntArray) -> Iterator[npt.NDArray[np.int64]]:
        for t in range(timesteps):
            yield (convolve(spikes_at(window, t)) + bias) << fraction

    return encode if encoding else spike


def _output_sums(
    deployment: Deployment, source: IntArray, timesteps: int, work: Work
) -> npt.NDArray[np.int64]:
    """R of every position, (P, H, W), from the last spiking layer's trains with their border."""
    convolve = ExactConvolution(deployment.weights[-1], largest=timesteps)
    height, width = source.shape[1] - 2, source.shape[2] - 2
    total = np.empty((len(deployment.biases[-1]), height, width), dtype=np.int64)
    bias = timesteps * deployment.biases[-1].astype(np.int64)[:, np.newaxis, np.newaxis]

    def block(rows: slice, columns: slice) -> None:
        # The products summed over time are the product with the number of spikes.
        spikes = np.bitwise_count(window_of(source, rows, columns))
        total[:, rows, columns] = convolve(spikes) + bias

    work.over(blocks(height, width), lambda part: block(*part))
    return total


def window_of(source: IntArray, rows: slice, columns: slice) -> IntArray:
    """Part of a bordered source: a block of pixels with its halo."""
    return source[:, rows.start : rows.stop + 2, columns.start : columns.stop + 2]


def blocks(height: int, width: int) -> Iterator[tuple[tuple[slice, slice], int]]:
    """Rows and columns of the pieces that cover a picture, and the pixels of each."""
    columns = min(width, BLOCK_COLUMNS)
    rows = max(1, BLOCK_PIXELS // columns)
    for y in range(0, height, rows):
        for x in range(0, width, columns):
            down, right = min(y + rows, height), min(x + columns, width)
            yield (slice(y, down), slice(x, right)), (down - y) * (right - x)


def spikes_at(trains: npt.NDArray[np.integer], timestep: int) -> npt.NDArray[np.integer]:
    """The spikes, 0 or 1, that spike trains hold for a timestep."""
    return (trains >> trains.dtype.type(timestep)) & trains.dtype.type(1)
