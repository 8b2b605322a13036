"""The golden model: the integers that every target must give, whatever its order of work.

It follows `sw_model.spec.neuron.EQUATION` and `sw_model.spec.fixed_point.ROUNDING_SHIFT` and knows
nothing of hardware: no words, lanes, strips or derived widths. Membranes are 64 bits wide, so that
a derived width that is too narrow shows as a difference instead of wrapping here as well.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from itertools import repeat
from typing import Literal

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from .activity import Activity
from .golden_arithmetic import ExactConvolution, fire, rounding_shift
from .golden_result import GoldenResult, LayerTrace, spikes_at
from .spec import GREY_MAX, PIXEL_MAX, PIXEL_MIN, Deployment

IntArray = npt.NDArray[np.integer]
Progress = Callable[[int, int], None]

BLOCK_COLUMNS = 512
BLOCK_PIXELS = 4096
"""Pixels that are worked on at once: the products of so many fit a processor's cache."""


def denoise(
    deployment: Deployment,
    pixels: IntArray,
    timesteps: int | None = None,
    *,
    trace: bool | Literal["spikes"] = False,
    progress: Progress | None = None,
) -> GoldenResult:
    """Denoise a picture with the frozen network.

    Memory besides the trace: two maps of C * H * W spike trains (a byte each up to T = 8) and some
    ten megabytes for each of the processor's threads. A full trace takes 24 * T bytes per neuron
    and layer more, so it is for crops.

    Parameters
    ----------
    pixels
        (H, W) integers in -512..511, at least one.
    timesteps
        T, one of those that the deployment allows; the largest by default.
    trace
        Keep every layer's spikes (``"spikes"``), and its currents and membranes too (True).
    progress
        Called after each piece of work with what is done and the whole, in pixels times layers.

    Raises
    ------
    UsageError
        The deployment does not allow this T.
    ValueError
        The pixels are not such an array.
    """
    spec = deployment.spec
    timesteps = spec.timesteps_max if timesteps is None else timesteps
    mult = deployment.mult(timesteps)
    _check_pixels(pixels)
    pixels = pixels.astype(np.int64)

    source: IntArray = np.pad(pixels, 1)[np.newaxis]
    counts, traces = [], []
    # The threads are ours. Those of the matrix products spin while they wait for each other: on a
    # busy machine with two cores, 512x512 pixels of `compact` took 76 s instead of 15 s.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        work = _Work(pool, pixels.size * len(spec.layers), progress)
        for index in range(len(spec.spiking_layers)):
            layer = _spiking_layer(deployment, index, source, timesteps, trace is True, work)
            source = layer.trains
            inside = source[:, 1:-1, 1:-1]
            counts.append(int(np.bitwise_count(inside).sum(dtype=np.int64)))
            if trace:
                # The trains are kept without their border of zeros.
                traces.append(replace(layer, trains=inside))
        total = _output_sums(deployment, source, timesteps, work)
    residual = rounding_shift(total * mult, spec.layers[-1].shift)
    return GoldenResult(
        denoised=np.clip(pixels - residual, 0, GREY_MAX).astype(np.uint8),
        residual=residual,
        total=total,
        activity=Activity(spike_counts=tuple(counts), neurons=spec.channels * pixels.size),
        timesteps=timesteps,
        layers=tuple(traces),
    )


def _spiking_layer(
    deployment: Deployment,
    index: int,
    source: IntArray,
    timesteps: int,
    keep: bool,
    work: _Work,
) -> LayerTrace:
    """Run layer ``index`` over ``source``, (C_in, H + 2, W + 2) pixels or spike trains.

    The trains that it returns have a border of zeros, ready to be the next layer's source;
    currents and membranes have none.
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
    flow = _currents(deployment, index, timesteps)

    def block(rows: slice, columns: slice) -> None:
        membrane = init
        train = trains[:, 1:-1, 1:-1][:, rows, columns]
        for t, current in enumerate(flow(_window(source, rows, columns))):
            charge, spikes, membrane = fire(neuron, membrane, current, threshold)
            train |= spikes.astype(trains.dtype) << t
            if keep:
                currents[t, :, rows, columns] = current
                charged[t, :, rows, columns] = charge
                membranes[t, :, rows, columns] = membrane

    work.over(height, width, block)
    if not keep:
        return LayerTrace(timesteps=timesteps, trains=trains)
    return LayerTrace(
        timesteps=timesteps,
        trains=trains,
        currents=currents,
        charged=charged,
        membranes=membranes,
    )


def _currents(
    deployment: Deployment, index: int, timesteps: int
) -> Callable[[IntArray], Iterator[npt.NDArray[np.int64]]]:
    """What turns a window of the source into the layer's T currents, (C, h, w) each."""
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
    deployment: Deployment, source: IntArray, timesteps: int, work: _Work
) -> npt.NDArray[np.int64]:
    """R of every pixel, (H, W), from the last spiking layer's trains with their border."""
    convolve = ExactConvolution(deployment.weights[-1], largest=timesteps)
    height, width = source.shape[1] - 2, source.shape[2] - 2
    total = np.empty((height, width), dtype=np.int64)
    bias = timesteps * int(deployment.biases[-1][0])

    def block(rows: slice, columns: slice) -> None:
        # A sum over time of products is the product with the number of spikes.
        spikes = np.bitwise_count(_window(source, rows, columns))
        total[rows, columns] = convolve(spikes)[0] + bias

    work.over(height, width, block)
    return total


def _window(source: IntArray, rows: slice, columns: slice) -> IntArray:
    """The part of a bordered source that a block of pixels and its neighbours lie in."""
    return source[:, rows.start : rows.stop + 2, columns.start : columns.stop + 2]


class _Work:
    """Does the blocks of a picture side by side, counts them, and tells whoever asked."""

    def __init__(self, pool: Executor, whole: int, progress: Progress | None) -> None:
        self._pool, self._progress = pool, progress
        self._finished, self._whole = 0, whole

    def over(self, height: int, width: int, task: Callable[[slice, slice], None]) -> None:
        """Call ``task`` with the rows and columns of each block; no two overlap."""
        blocks = list(_blocks(height, width))
        # numpy lets other threads run while it computes.
        done = self._pool.map(lambda block: task(*block), blocks)
        for (rows, columns), _ in zip(blocks, done, strict=True):
            self._finished += (rows.stop - rows.start) * (columns.stop - columns.start)
            if self._progress is not None:
                self._progress(self._finished, self._whole)


def _blocks(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of the pieces that cover a picture."""
    columns = min(width, BLOCK_COLUMNS)
    rows = max(1, BLOCK_PIXELS // columns)
    for y in range(0, height, rows):
        for x in range(0, width, columns):
            yield slice(y, min(y + rows, height)), slice(x, min(x + columns, width))


def _check_pixels(pixels: IntArray) -> None:
    if pixels.ndim != 2 or not pixels.size or not np.issubdtype(pixels.dtype, np.integer):
        raise ValueError(
            f"pixels are {pixels.dtype} {list(pixels.shape)}, not integers of shape [H, W], "
            f"each at least 1"
        )
    if pixels.min() < PIXEL_MIN or pixels.max() > PIXEL_MAX:
        raise ValueError(
            f"pixels reach from {pixels.min()} to {pixels.max()}, "
            f"outside of {PIXEL_MIN}..{PIXEL_MAX}"
        )
