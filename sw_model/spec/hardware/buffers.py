"""Layout of images and activation maps in external memory, and the bursts that cover them.

All buffers are rows of little-endian 64-bit words, and every row starts with a new word:

- the noisy image: signed 16-bit pixels, four per word;
- the denoised image: bytes, eight per word;
- an activation map: the event words of a row, pixel after pixel, time innermost; more than 64
  channels take several words, ascending.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sw_model.spec.packing import WORD_BITS

from .strips import Strip

WORD_BYTES = WORD_BITS // 8
ADDRESS_BITS = 32
WORD_ADDRESS_BITS = ADDRESS_BITS - (WORD_BYTES - 1).bit_length()
PAGE_WORDS = 4096 // WORD_BYTES
"""No AXI burst crosses an address that is a multiple of 4096 bytes."""
BURST_WORDS = 64
"""Words of the longest burst."""
QUEUE_WORDS = 512
"""Words of the read queue and of the write queue: the depth of block RAM."""
NOISY_PIXELS = 4
DENOISED_PIXELS = 8
"""Pixels per word of the two images."""


@dataclass(frozen=True)
class FrameBuffers:
    """Strides, sizes and contents of a frame's buffers.

    Parameters
    ----------
    height, width
        Size of the frame, in pixels.
    timesteps
        T.
    channels
        Channels C.
    planes
        Side of a position of the maps, in pixels: 1, or 2 for a network of four planes. Strips are
        of positions.
    """

    height: int
    width: int
    timesteps: int
    channels: int
    planes: int = 1

    @property
    def map_height(self) -> int:
        """Rows of positions."""
        return -(-self.height // self.planes)

    @property
    def map_width(self) -> int:
        """Positions of a row."""
        return -(-self.width // self.planes)

    @property
    def pixel_words(self) -> int:
        """Words per position of a map."""
        return self.timesteps * map_words(self.channels)

    @property
    def noisy_stride(self) -> int:
        """Words of a row of the noisy image."""
        return -(-self.width // NOISY_PIXELS)

    @property
    def denoised_stride(self) -> int:
        """Words of a row of the denoised image."""
        return -(-self.width // DENOISED_PIXELS)

    @property
    def map_stride(self) -> int:
        """Words of a row of a map."""
        return self.map_width * self.pixel_words

    @property
    def sizes(self) -> dict[str, int]:
        """Bytes of each buffer, by the name of the register that has its address."""
        words = {
            "NOISY": self.noisy_stride * self.height,
            "DENOISED": self.denoised_stride * self.height,
            "MAP_A": self.map_stride * self.map_height,
            "MAP_B": self.map_stride * self.map_height,
        }
        return {name: count * WORD_BYTES for name, count in words.items()}

    def noisy_words(self, strip: Strip) -> int:
        """Words of the noisy image that a strip reads in a row of pixels."""
        return self._span(strip.start, strip.columns, NOISY_PIXELS)

    def denoised_words(self, strip: Strip) -> int:
        """Words of the denoised image that a strip writes in a row of pixels."""
        return self._span(strip.output_start, strip.outputs, DENOISED_PIXELS)

    def pack_noisy(self, pixels: npt.NDArray[np.integer]) -> bytes:
        """The noisy image's buffer from (H, W) signed pixels."""
        rows = np.zeros((self.height, self.noisy_stride * NOISY_PIXELS), dtype="<i2")
        rows[:, : self.width] = pixels
        return rows.tobytes()

    def unpack_denoised(self, buffer: bytes) -> npt.NDArray[np.uint8]:
        """(H, W) denoised pixels from their buffer."""
        rows = np.frombuffer(buffer, dtype=np.uint8)
        return rows.reshape(self.height, self.denoised_stride * DENOISED_PIXELS)[:, : self.width]

    def unpack_map(self, buffer: bytes) -> npt.NDArray[np.uint64]:
        """(H, W, T, words) event words from a map's buffer; H and W in positions."""
        words = np.frombuffer(buffer, dtype="<u8").astype(np.uint64)
        return words.reshape(self.map_height, self.map_width, self.timesteps, -1)

    def _span(self, start: int, count: int, pixels: int) -> int:
        """Words that hold the pixels of ``count`` positions from ``start`` on."""
        first, end = self.planes * start, min(self.planes * (start + count), self.width)
        return (end - 1) // pixels - first // pixels + 1


def map_words(channels: int) -> int:
    """64-bit memory words per event word."""
    return -(-channels // WORD_BITS)


def bursts(address: int, words: int) -> list[int]:
    """Lengths of the bursts that cover ``words`` from word ``address`` on.

    They end at every multiple of `BURST_WORDS`, and so at every multiple of `PAGE_WORDS`.
    """
    lengths = []
    while words:
        length = min(words, BURST_WORDS - address % BURST_WORDS)
        lengths.append(length)
        address, words = address + length, words - length
    return lengths
