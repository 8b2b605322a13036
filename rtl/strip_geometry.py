"""Columns of a strip, and the rows of memory that belong to them."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from sw_model.spec.frame_buffers import (
    DENOISED_PIXELS,
    NOISY_PIXELS,
    WORD_ADDRESS_BITS,
    FrameBuffers,
    map_words,
)
from sw_model.spec.registers import FRAME_WIDTH_MAX
from sw_model.spec.strips import COLUMNS_MIN

from .burst_reader import RowsSignature
from .checks import check_positive

LATENCY = 4
"""Cycles from the inputs to all outputs."""
BUFFERS = ("noisy", "denoised", "map_a", "map_b")
"""Buffers in memory, each with an address register."""


def row_limits(channels: int, columns: int, timesteps_max: int) -> dict[str, int]:
    """Most words of a strip's rows, and of the way from one to the next."""
    strip = FrameBuffers(1, columns, timesteps_max, channels)
    frame = FrameBuffers(1, FRAME_WIDTH_MAX, timesteps_max, channels)
    # Pixels that begin within a word may need a word more.
    return {
        "max_words": max(strip.map_stride, strip.noisy_stride + 1),
        "max_stride": frame.map_stride,
    }


class StripGeometry(wiring.Component):
    """Follows its inputs with a latency of `LATENCY` cycles, as `sw_model.spec.strips` says.

    Parameters
    ----------
    channels, timesteps_max
        Of the network.
    columns
        Input columns of the widest strip.

    Members
    -------
    width, steps : In
        Of the frame.
    x : In
        First output column of the strip.
    encoding, output, odd : In(1)
        Kind of the layer; its number is odd.
    noisy, denoised, map_a, map_b : In(29)
        Addresses of the buffers, in words.
    columns, outputs : Out
        Columns that the strip reads and writes.
    skip_first, skip_last : Out(1)
        There is a strip to the left, to the right, which its first, its last column overlaps.
    noisy_lane, denoised_lane : Out
        Place of its first pixels in their words.
    pixel_rows, map_rows, result_rows : Out(RowsSignature(...))
        What it reads of the image and of a map, and what it writes.
    """

    def __init__(self, *, channels: int, timesteps_max: int, columns: int):
        check_positive(channels=channels, timesteps_max=timesteps_max, columns=columns)
        if columns < COLUMNS_MIN:
            raise ValueError(f"columns {columns} is less than {COLUMNS_MIN}")
        self.channels = channels
        self.columns_max = columns
        pixels = range(FRAME_WIDTH_MAX + 1)
        rows = RowsSignature(**row_limits(channels, columns, timesteps_max))
        super().__init__(
            {
                "width": In(pixels),
                "steps": In(range(timesteps_max + 1)),
                "x": In(pixels),
                "encoding": In(1),
                "output": In(1),
                "odd": In(1),
                **{name: In(WORD_ADDRESS_BITS) for name in BUFFERS},
                "columns": Out(range(columns + 1)),
                "outputs": Out(range(columns + 1)),
                "skip_first": Out(1),
                "skip_last": Out(1),
                "noisy_lane": Out(range(NOISY_PIXELS)),
                "denoised_lane": Out(range(DENOISED_PIXELS)),
                "pixel_rows": Out(rows),
                "map_rows": Out(rows),
                "result_rows": Out(rows),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        pixel_words = Signal.like(self.map_rows.words)
        stride = Signal.like(self.map_rows.stride)
        left, right = self.skip_first, self.skip_last

        # First cycle: columns.
        start = Signal.like(self.x)
        remaining = Signal.like(self.x)
        m.d.comb += remaining.eq(self.width - self.x + (self.x != 0))
        m.d.sync += [
            pixel_words.eq(self.steps * map_words(self.channels)),
            left.eq(self.x != 0),
            right.eq(remaining > self.columns_max),
            start.eq(self.x - (self.x != 0)),
            self.columns.eq(Mux(remaining > self.columns_max, self.columns_max, remaining)),
        ]

        # Second: products, which are words of a map's row.
        offset = Signal.like(stride)
        words = Signal.like(pixel_words)
        noisy_words, denoised_words = Signal.like(words), Signal.like(words)
        m.d.sync += [
            stride.eq(self.width * pixel_words),
            offset.eq(start * pixel_words),
            words.eq(self.columns * pixel_words),
            self.outputs.eq(self.columns - left - right),
            self.noisy_lane.eq(start),
            self.denoised_lane.eq(self.x),
        ]

        # Third: words of the images' rows, and the map's columns that are written.
        written, before = Signal.like(words), Signal.like(pixel_words)
        m.d.sync += [
            noisy_words.eq((self.noisy_lane + self.columns + (NOISY_PIXELS - 1)) // NOISY_PIXELS),
            denoised_words.eq(
                (self.denoised_lane + self.outputs + (DENOISED_PIXELS - 1)) // DENOISED_PIXELS
            ),
            written.eq(words - Mux(left, pixel_words, 0) - Mux(right, pixel_words, 0)),
            before.eq(Mux(left, pixel_words, 0)),
        ]

        # Fourth: addresses.
        pixels, maps, result = self.pixel_rows, self.map_rows, self.result_rows
        m.d.sync += [
            pixels.address.eq(self.noisy + start // NOISY_PIXELS),
            pixels.words.eq(Mux(self.encoding | self.output, noisy_words, 0)),
            pixels.stride.eq((self.width + (NOISY_PIXELS - 1)) // NOISY_PIXELS),
            maps.address.eq(Mux(self.odd, self.map_a, self.map_b) + offset),
            maps.words.eq(Mux(self.encoding, 0, words)),
            maps.stride.eq(stride),
        ]
        with m.If(self.output):
            m.d.sync += [
                result.address.eq(self.denoised + self.x // DENOISED_PIXELS),
                result.words.eq(denoised_words),
                result.stride.eq((self.width + (DENOISED_PIXELS - 1)) // DENOISED_PIXELS),
            ]
        with m.Else():
            m.d.sync += [
                result.address.eq(Mux(self.odd, self.map_b, self.map_a) + offset + before),
                result.words.eq(written),
                result.stride.eq(stride),
            ]
        return m
