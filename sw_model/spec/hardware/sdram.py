"""The board's SDRAM: geometry, timing, buffer addresses, and cycles of accesses.

The ULX3S comes with one of several 16M x 16 parts. Times are those of Alliance Memory's
AS4C16M16SA in its slower grade, -7 (data sheet revision 3.0, March 2015, table 16). Some are
made longer, because other parts need more: RC and RFC from 63 nanoseconds, RAS from 42, WR and MRD
from 14.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from .buffers import DENOISED_PIXELS, NOISY_PIXELS, WORD_BYTES, FrameBuffers, bursts, map_words
from .registers import FRAME_HEIGHT_MAX, FRAME_WIDTH_MAX
from .strips import strips

BANK_BITS, ROW_BITS, COLUMN_BITS = 2, 13, 9
DATA_BITS = 16
DATA_BYTES = DATA_BITS // 8
BYTES = DATA_BYTES << (BANK_BITS + ROW_BITS + COLUMN_BITS)
"""32 MiB."""
BURST = WORD_BYTES // DATA_BYTES
"""Transfers of a 64-bit word: the burst length that the mode register is set to."""
ROW_WORDS = (DATA_BYTES << COLUMN_BITS) // WORD_BYTES
"""64-bit words of a row."""
CAS_LATENCY = 3
"""Cycles from a read to its first data, which all grades allow up to 143 MHz."""
REFRESHES = 8
"""Refreshes at power-up, before the mode register is set: no part needs more."""
MODE = CAS_LATENCY << 4 | (BURST.bit_length() - 1)
"""Mode register: sequential bursts, for reads and writes."""
POWER_UP_MICROSECONDS = 200
"""From a stable clock to the first command."""
MHZ_MAX = 143

TIMES = {
    "RC": (70, "from an activation to the next one of the bank"),
    "RFC": (70, "from a refresh to the next command"),
    "RCD": (21, "from an activation to a read or write"),
    "RP": (21, "from a precharge to an activation or refresh"),
    "RAS": (45, "from an activation to a precharge"),
    "WR": (15, "from the last data written to a precharge"),
    "MRD": (15, "from setting the mode to the next command"),
}
"""Shortest times in nanoseconds, by the data sheet's names without their t."""
MODE_CYCLES = 2
"""Fewest cycles of MRD: some parts give it in cycles."""
REFRESH_NANOSECONDS = 64e6 / (1 << ROW_BITS)
"""Average time between refreshes: all rows in 64 ms."""
RAS_MAX_NANOSECONDS = 120_000
"""Longest time that a row stays open."""

_MIB = 1 << 20
BASES = {"NOISY": 0, "DENOISED": 2 * _MIB, "MAP_A": 4 * _MIB, "MAP_B": 18 * _MIB}
"""Address of each buffer, the same for all frames, by the name of its register."""
SPACES = {
    name: end - base
    for (name, base), end in zip(BASES.items(), [*list(BASES.values())[1:], BYTES], strict=True)
}
"""Bytes reserved for each buffer."""


def pixels_max(channels: int, timesteps: int) -> int:
    """Most pixels of a frame whose buffers fit, for any height and width.

    Rows begin at multiples of eight bytes: each may waste all but one pixel of its last word.

    Raises
    ------
    ValueError
        There are no channels, or no timesteps.
    """
    if channels < 1 or timesteps < 1:
        raise ValueError(f"{channels} channels at T = {timesteps} are not 1 or more of each")
    map_pixel = WORD_BYTES * timesteps * map_words(channels)
    return min(
        min(SPACES["MAP_A"], SPACES["MAP_B"]) // map_pixel,
        SPACES["NOISY"] * NOISY_PIXELS // WORD_BYTES - (NOISY_PIXELS - 1) * FRAME_HEIGHT_MAX,
        SPACES["DENOISED"] * DENOISED_PIXELS // WORD_BYTES
        - (DENOISED_PIXELS - 1) * FRAME_HEIGHT_MAX,
    )


def fits(height: int, width: int, channels: int, timesteps: int) -> bool:
    """Whether the board takes a frame of this size."""
    sides = 1 <= height <= FRAME_HEIGHT_MAX and 1 <= width <= FRAME_WIDTH_MAX
    return sides and height * width <= pixels_max(channels, timesteps)


@dataclass(frozen=True)
class SdramTiming:
    """Times in clock cycles, and the cycles of accesses.

    Parameters
    ----------
    mhz
        Clock frequency.
    """

    mhz: int

    def __post_init__(self) -> None:
        if not 1 <= self.mhz <= MHZ_MAX:
            raise ValueError(f"{self.mhz} MHz is not 1 to the part's {MHZ_MAX}")

    def cycles(self, name: str) -> int:
        """Cycles of one of `TIMES`."""
        found = ceil(Fraction(TIMES[name][0] * self.mhz, 1000))
        return max(found, MODE_CYCLES) if name == "MRD" else found

    @property
    def refresh_interval(self) -> int:
        """Cycles between refreshes."""
        return int(REFRESH_NANOSECONDS * self.mhz / 1000)

    @property
    def settle(self) -> int:
        """Additional wait cycles before a precharge.

        They follow the last data written, or an activation without a read or write.
        """
        return max(self.cycles("WR") - 1, self.cycles("RAS") - self.cycles("RCD") - 1, 0)

    def burst_cycles(self, word: int, words: int) -> int:
        """Cycles from taking a burst's address to the next one's, without refreshes.

        Parameters
        ----------
        word
            Address of its first word, in words.
        words
            Number of words, all of them supplied or accepted in time.
        """
        rows = (word + words - 1) // ROW_WORDS - word // ROW_WORDS + 1
        row = self.cycles("RCD") + self.settle + self.cycles("RP")
        return 1 + rows * row + BURST * words

    @property
    def refresh_cycles(self) -> int:
        """Cycles that a refresh costs in the middle of a burst."""
        return 1 + self.settle + self.cycles("RP") + self.cycles("RFC") + self.cycles("RCD")

    def frame_cycles(self, buffers: FrameBuffers, layers: int, columns: int) -> tuple[int, int]:
        """Words that a frame moves, and the fewest cycles in which the memory can move them.

        Parameters
        ----------
        buffers
            Buffers of the frame.
        layers
            Layers of the network.
        columns
            Input columns of the widest strip.
        """
        words = cycles = 0
        reading, writing = (BASES["MAP_A"], BASES["MAP_B"])
        noisy, denoised = (BASES["NOISY"], BASES["DENOISED"])
        pixel = buffers.pixel_words
        for strip in strips(buffers.width, columns):
            image = _image_span(strip.start, NOISY_PIXELS, buffers.noisy_words(strip))
            result = _image_span(strip.output_start, DENOISED_PIXELS, buffers.denoised_words(strip))
            read_span = (strip.start * pixel, strip.columns * pixel)
            written_span = (strip.output_start * pixel, strip.outputs * pixel)
            hidden = layers - 2
            for base, stride, (first, count), times in (
                # The encoding and the output layer read the image; all layers but the first read
                # a map, and all but the last write one.
                (noisy, buffers.noisy_stride, image, 2),
                (reading, buffers.map_stride, read_span, hidden + 1),
                (writing, buffers.map_stride, written_span, hidden + 1),
                (denoised, buffers.denoised_stride, result, 1),
            ):
                for row in range(buffers.height):
                    word = base // WORD_BYTES + row * stride + first
                    for length in bursts(word, count):
                        words += times * length
                        cycles += times * self.burst_cycles(word, length)
                        word += length
        share = Fraction(self.refresh_cycles, self.refresh_interval)
        return words, ceil(cycles / (1 - share))


def _image_span(start: int, pixels: int, words: int) -> tuple[int, int]:
    """First word of a strip's row of an image, and their number."""
    return start // pixels, words
