"""Packing of spikes into words and of weights into memory rows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from .network import TAPS

WORD_BITS = 64
"""Width of a stored event word; more channels take more words, ascending."""

LANE_ORDER = "lane = (ky * 3 + kx) * out_channels + out_channel"
"""Order of the weights in a row of the weight memory, lane 0 in the least significant bits."""


def pack_spikes(spikes: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint64]:
    """Event words of an activation map.

    Parameters
    ----------
    spikes
        (T, C, H, W)

    Returns
    -------
    numpy.ndarray
        (H, W, T, ceil(C / 64)) uint64: raster order, time innermost; bit c of a word is channel
        c, missing channels are zero.
    """
    steps, channels, height, width = spikes.shape
    words = -(-channels // WORD_BITS)
    bits = np.zeros((height, width, steps, words * WORD_BITS), dtype=np.uint8)
    bits[..., :channels] = spikes.transpose(2, 3, 0, 1)
    return np.packbits(bits, axis=-1, bitorder="little").view("<u8").astype(np.uint64)


def unpack_spikes(words: npt.NDArray[np.uint64], channels: int) -> npt.NDArray[np.bool_]:
    """Inverse of `pack_spikes`: (H, W, T, words) to (T, C, H, W)."""
    octets = np.ascontiguousarray(words.astype("<u8")).view(np.uint8)
    bits = np.unpackbits(octets, axis=-1, bitorder="little")[..., :channels]
    return bits.transpose(2, 3, 0, 1).astype(np.bool_)


def weight_row(weight: npt.NDArray[np.integer], in_channel: int) -> list[int]:
    """The weights that one event of ``in_channel`` adds, in `LANE_ORDER`.

    Parameters
    ----------
    weight
        (out_channels, in_channels, 3, 3)
    """
    return [int(value) for value in weight[:, in_channel].reshape(-1, TAPS).T.reshape(-1)]


def channel_groups(channels: int, size: int) -> list[range]:
    """Split channels into groups of nearly the same size, at most ``size``."""
    count = -(-channels // size)
    bounds = [channels * group // count for group in range(count + 1)]
    return [range(low, high) for low, high in pairwise(bounds)]
