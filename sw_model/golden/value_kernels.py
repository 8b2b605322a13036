"""Loops of the few-spike code over rows and columns, compiled by numba.

Activation maps are values, (H + 2, columns, lanes) uint8 with a border of zeros, wide enough that
whole groups of pixels can be worked on. A call works on a band of rows and lets other threads run.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .kernel_cache import compiled
from .products import GROUP, fire_values, sum_products
from .simd import CHUNK


@compiled
def hidden_values(
    version: Any,
    method: Any,
    pixels: Any,
    shape: Any,
    steps: Any,
    source: Any,
    target: Any,
    words: Any,
    weights: Any,
    constants: Any,
    rows: Any,
) -> None:
    """A hidden layer's values and event words in the rows ``rows[0]`` to ``rows[1]``.

    Parameters
    ----------
    version, method, pixels, shape, steps
        See `sw_model.golden.products`; the shape is that of one pass.
    source, target
        Activation maps.
    words
        (H, W, T, words) uint64.
    weights
        (passes, 3, groups, lanes of a pass, 4) int8.
    constants
        (1 + T, lanes) int32, see `sw_model.golden.products.fire_values`.
    """
    width, timesteps, word_count = words.shape[1:]
    columns, pitch = source.shape[1:]
    count, part = len(pixels), CHUNK * len(shape)
    groups, lanes = 3 * pitch // GROUP, constants.shape[1]
    weights_of_pass = 3 * groups * part * GROUP
    sums = np.empty((len(weights), count, part), np.int32)
    for y in range(rows[0], rows[1]):
        for x in range(0, width, count):
            for index in range(len(weights)):
                sum_products(
                    method,
                    pixels,
                    shape,
                    source.ctypes.data + np.uintp((y * columns + x) * pitch),
                    pitch,
                    columns * pitch,
                    groups,
                    weights.ctypes.data + np.uintp(index * weights_of_pass),
                    sums.ctypes.data + np.uintp(4 * index * count * part),
                )
            for pixel in range(min(count, width - x)):
                place = ((y + 1) * columns + x + 1 + pixel) * target.shape[2]
                word = 8 * word_count * timesteps * (y * width + x + pixel)
                for index in range(len(weights)):
                    first = part * index
                    fire_values(
                        shape,
                        steps,
                        sums.ctypes.data + np.uintp(4 * part * (index * count + pixel)),
                        constants.ctypes.data + np.uintp(4 * first),
                        lanes,
                        target.ctypes.data + np.uintp(place + first),
                        words.ctypes.data + np.uintp(word + first // 8),
                        8 * word_count,
                    )


@compiled
def encoding_values(
    version: Any,
    shape: Any,
    steps: Any,
    pixels: Any,
    target: Any,
    words: Any,
    weights: Any,
    shift: Any,
    constants: Any,
    rows: Any,
) -> None:
    """The encoding layer's values and event words in the rows ``rows[0]`` to ``rows[1]``.

    Parameters
    ----------
    pixels
        (H + 2, W + 2, planes) int32 with a border of zeros.
    weights
        (3, 3, planes, lanes) int32.
    shift
        Rounding right shift of the sums.

    The rest as in `hidden_values`, the shape being that of the layer.
    """
    width, timesteps, word_count = words.shape[1:]
    lanes, columns = constants.shape[1], target.shape[1]
    half = (1 << shift) >> 1
    sums = np.empty(lanes, np.int32)
    for y in range(rows[0], rows[1]):
        for x in range(width):
            sums[:] = half
            for ky in range(3):
                for kx in range(3):
                    for plane in range(pixels.shape[2]):
                        pixel = pixels[y + ky, x + kx, plane]
                        for lane in range(lanes):
                            sums[lane] += weights[ky, kx, plane, lane] * pixel
            for lane in range(lanes):
                sums[lane] >>= shift
            fire_values(
                shape,
                steps,
                sums.ctypes.data,
                constants.ctypes.data,
                lanes,
                target.ctypes.data + np.uintp(((y + 1) * columns + x + 1) * lanes),
                words.ctypes.data + np.uintp(8 * word_count * timesteps * (y * width + x)),
                8 * word_count,
            )


@compiled
def output_values(
    version: Any,
    method: Any,
    pixels: Any,
    shape: Any,
    source: Any,
    total: Any,
    weights: Any,
    rows: Any,
) -> None:
    """The output layer's sums in the rows ``rows[0]`` to ``rows[1]``.

    Parameters
    ----------
    total
        (H, columns, lanes) int32, what is asked for; columns in whole groups of pixels.
    weights
        (1, 3, groups, lanes, 4) int8.

    The rest as in `hidden_values`.
    """
    columns, pitch = source.shape[1:]
    wide, lanes = total.shape[1:]
    for y in range(rows[0], rows[1]):
        for x in range(0, wide, len(pixels)):
            sum_products(
                method,
                pixels,
                shape,
                source.ctypes.data + np.uintp((y * columns + x) * pitch),
                pitch,
                columns * pitch,
                3 * pitch // GROUP,
                weights.ctypes.data,
                total.ctypes.data + np.uintp(4 * lanes * (y * wide + x)),
            )
