"""Loops of the event-driven golden model over rows, columns and timesteps, compiled by numba.

Activation maps are event words, (H + 2, W + 2, T, words) uint64 with a border of zeros: time
innermost, bit c is channel c. A call works on a band of rows and lets other threads run.

For each pixel and timestep the events of the nine words around it become one list of weight rows.
A single long loop over it costs one mispredicted branch; a loop for each word would cost nine.

numba frees an array after the last line that names it, even if its address is still in use. So the
loops read the address of a local array in every iteration.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .kernel_cache import compiled
from .simd import ALIGNMENT, BLOCK, CHUNK, WORD, fire_word, list_events, sum_events


@compiled
def hidden_rows(
    version: Any,
    shape: Any,
    compress: Any,
    wide: Any,
    source: Any,
    target: Any,
    weights: Any,
    constants: Any,
    fraction: Any,
    leak: Any,
    leaky: Any,
    hard: Any,
    rows: Any,
) -> None:
    """A hidden layer's event words in the rows ``rows[0]`` to ``rows[1]``.

    Parameters
    ----------
    version, shape, compress, wide
        See `sw_model.golden.simd`.
    source, target
        Activation maps.
    weights
        (9 * 64 * words + 1, lanes): a row for each tap, 3 * ky + kx, and input channel; the last
        one is zero.
    constants
        (3, lanes) of the type of ``wide``: bias, threshold, init.
    fraction, leak, leaky, hard
        As in `sw_model.golden.simd.fire_word`.
    """
    width, steps = source.shape[1:3]
    words = (CHUNK * len(shape) + WORD - 1) // WORD  # known to the compiler
    lane, lanes = weights[0, 0], weights.shape[1]
    zero_row = len(weights) - 1
    events = np.empty((steps, len(weights) + WORD + BLOCK), np.uint16)
    counts = np.empty(steps, np.int64)
    scratch = np.empty(2 * lanes + ALIGNMENT, constants.dtype)
    # Addresses are computed by hand: a view of an array costs atomic reference counting.
    weight_address = weights.ctypes.data
    bias, threshold, init = (
        constants.ctypes.data,
        constants[1].ctypes.data,
        constants[2].ctypes.data,
    )
    word_bytes, list_bytes = 8 * words, 2 * events.shape[1]
    for y in range(rows[0], rows[1]):
        for x in range(width - 2):
            listed = events.ctypes.data
            # The next address at which vectors do not cross cache lines.
            summed = (scratch.ctypes.data + np.uintp(ALIGNMENT - 1)) & ~np.uintp(ALIGNMENT - 1)
            charge = summed + np.uintp(lanes * scratch.itemsize)
            corner = word_bytes * steps * (y * width + x)
            # All lists come before the first sum: single values are slow to read just after they
            # were written as vectors.
            for t in range(steps):
                count = 0
                first = 0
                for ky in range(3):
                    for kx in range(3):
                        offset = corner + word_bytes * (steps * (ky * width + kx) + t)
                        for index in range(words):
                            count += list_events(
                                compress,
                                shape,
                                lane,
                                source.ctypes.data + np.uintp(offset + 8 * index),
                                first,
                                listed + np.uintp(list_bytes * t + 2 * count),
                            )
                            first += WORD
                counts[t] = count
            before = init
            for t in range(steps):
                sum_events(
                    shape,
                    lane,
                    wide,
                    listed + np.uintp(list_bytes * t),
                    counts[t],
                    weight_address,
                    zero_row,
                    summed,
                )
                centre = corner + word_bytes * (steps * (width + 1) + t)
                fire_word(
                    shape,
                    wide,
                    summed,
                    bias,
                    threshold,
                    before,
                    charge,
                    fraction,
                    leak,
                    leaky,
                    hard,
                    target.ctypes.data + np.uintp(centre),
                )
                before = charge


@compiled
def encoding_rows(
    version: Any,
    shape: Any,
    pixels: Any,
    target: Any,
    weights: Any,
    shift: Any,
    constants: Any,
    fraction: Any,
    leak: Any,
    leaky: Any,
    hard: Any,
    rows: Any,
) -> None:
    """The encoding layer's event words in the rows ``rows[0]`` to ``rows[1]``.

    Parameters
    ----------
    pixels
        (H + 2, W + 2) int32 with a border of zeros.
    weights
        (3, 3, lanes) int32.
    shift
        Rounding right shift of the sums.
    constants
        (3, lanes) int32: bias, threshold, init.

    The rest as in `hidden_rows`.
    """
    lanes = CHUNK * len(shape)
    width, steps, words = target.shape[1:]
    half = (1 << shift) >> 1
    sums = np.empty(lanes, np.int32)
    membrane = np.empty(lanes, np.int32)
    bias, threshold, init = (
        constants.ctypes.data,
        constants[1].ctypes.data,
        constants[2].ctypes.data,
    )
    for y in range(rows[0], rows[1]):
        for x in range(width - 2):
            sums[:] = half
            for ky in range(3):
                for kx in range(3):
                    pixel = pixels[y + ky, x + kx]
                    for c in range(lanes):
                        sums[c] += weights[ky, kx, c] * pixel
            for c in range(lanes):
                sums[c] >>= shift
            before = init
            for t in range(steps):
                offset = 8 * words * (steps * ((y + 1) * width + x + 1) + t)
                fire_word(
                    shape,
                    np.int32(0),
                    sums.ctypes.data,
                    bias,
                    threshold,
                    before,
                    membrane.ctypes.data,
                    fraction,
                    leak,
                    leaky,
                    hard,
                    target.ctypes.data + np.uintp(offset),
                )
                before = membrane.ctypes.data


@compiled
def output_rows(
    version: Any,
    shape: Any,
    compress: Any,
    wide: Any,
    source: Any,
    weights: Any,
    taps: Any,
    rows: Any,
) -> None:
    """Sum each pixel's events for each of the nine outputs around it, in the given rows.

    Parameters
    ----------
    version, shape, compress, wide
        See `sw_model.golden.simd`; the shape is that of nine lanes.
    source
        Activation map.
    weights
        (64 * words + 1, lanes): a row for each channel, of lanes 3 * ky + kx; the last is zero.
    taps
        (H, W, lanes) int32: the result, summed over the timesteps.
    """
    width, steps, words = source.shape[1:]
    lane = weights[0, 0]
    zero_row = len(weights) - 1
    events = np.empty(steps * len(weights) + WORD + BLOCK, np.uint16)
    for y in range(rows[0], rows[1]):
        for x in range(width - 2):
            listed = events.ctypes.data
            count = 0
            offset = 8 * words * steps * ((y + 1) * width + x + 1)
            for _ in range(steps):
                for index in range(words):
                    count += list_events(
                        compress,
                        shape,
                        lane,
                        source.ctypes.data + np.uintp(offset),
                        WORD * index,
                        listed + np.uintp(2 * count),
                    )
                    offset += 8
            sum_events(
                shape,
                lane,
                wide,
                listed,
                count,
                weights.ctypes.data,
                zero_row,
                taps[y, x].ctypes.data,
            )
