"""Columns of a strip, and the memory rows that hold them."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive
from sw_model.spec.hardware.buffers import (
    DENOISED_PIXELS,
    NOISY_PIXELS,
    WORD_ADDRESS_BITS,
    FrameBuffers,
    map_words,
)
from sw_model.spec.hardware.registers import FRAME_HEIGHT_MAX, FRAME_WIDTH_MAX
from sw_model.spec.hardware.strips import COLUMNS_MIN

from .reader import RowsSignature

LATENCY = 4
"""Cycles from the inputs to all outputs."""
BUFFERS = ("noisy", "denoised", "map_a", "map_b")
"""Buffers in memory, each with an address register."""


class BuffersSignature(wiring.Signature):
    """Addresses of a frame's buffers, seen from the component that provides them.

    Parameters
    ----------
    bits
        Width of an address.

    Members
    -------
    noisy, denoised, map_a, map_b : Out(bits)
    """

    def __init__(self, bits: int) -> None:
        super().__init__({name: Out(bits) for name in BUFFERS})


def row_limits(channels: int, columns: int, max_timesteps: int) -> dict[str, int]:
    """Most words of a strip's rows, and the largest stride between rows."""
    strip = FrameBuffers(1, columns, max_timesteps, channels)
    frame = FrameBuffers(1, FRAME_WIDTH_MAX, max_timesteps, channels)
    # Pixels that begin inside a word may need one word more.
    return {
        "max_words": max(strip.map_stride, strip.noisy_stride + 1),
        "max_stride": frame.map_stride,
    }


class StripGeometry(wiring.Component):
    """Computes columns and addresses of a strip; see `sw_model.spec.hardware.strips`.

    Latency: `LATENCY` cycles.

    Parameters
    ----------
    channels, max_timesteps
        Of the network.
    columns
        Input columns of the widest strip.
    banded
        Whether the rows may begin below the frame's first one.

    Members
    -------
    width, timesteps : In
        Of the frame.
    x : In
        First output column of the strip.
    encoding, output, odd : In(1)
        Kind of the layer; whether its number is odd.
    buffers : In(BuffersSignature(29))
        In words.
    above, own_above : In(16)
        Rows of the frame above the first row that is read, and above the first that is written.
        Only if ``banded``.
    columns, outputs : Out
        Number of columns that the strip reads, and that it writes.
    skip_first, skip_last : Out(1)
        The first, or the last, column belongs to the strip on the left, or on the right (halo).
    noisy_lane, denoised_lane : Out
        Position of the strip's first pixel in its word.
    pixel_rows, map_rows, result_rows : Out(RowsSignature(...))
        Rows of the image and of the map that are read, and rows that are written.
    """

    def __init__(self, *, channels: int, max_timesteps: int, columns: int, banded: bool = False):
        check_positive(channels=channels, max_timesteps=max_timesteps, columns=columns)
        if columns < COLUMNS_MIN:
            raise ValueError(f"columns {columns} is less than {COLUMNS_MIN}")
        self.channels = channels
        self.columns_max = columns
        self.banded = banded
        pixels = range(FRAME_WIDTH_MAX + 1)
        rows = RowsSignature(**row_limits(channels, columns, max_timesteps))
        above = range(FRAME_HEIGHT_MAX + 1)
        super().__init__(
            {
                "width": In(pixels),
                "timesteps": In(range(max_timesteps + 1)),
                "x": In(pixels),
                "encoding": In(1),
                "output": In(1),
                "odd": In(1),
                "buffers": In(BuffersSignature(WORD_ADDRESS_BITS)),
                **({"above": In(above), "own_above": In(above)} if banded else {}),
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
            pixel_words.eq(self.timesteps * map_words(self.channels)),
            left.eq(self.x != 0),
            right.eq(remaining > self.columns_max),
            start.eq(self.x - (self.x != 0)),
            self.columns.eq(Mux(remaining > self.columns_max, self.columns_max, remaining)),
        ]

        # Second: products, in words of a map's row.
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

        # Third: words of the images' rows, the map's columns that are written, and rows above.
        written, before = Signal.like(words), Signal.like(pixel_words)
        m.d.sync += [
            noisy_words.eq((self.noisy_lane + self.columns + (NOISY_PIXELS - 1)) // NOISY_PIXELS),
            denoised_words.eq(
                (self.denoised_lane + self.outputs + (DENOISED_PIXELS - 1)) // DENOISED_PIXELS
            ),
            written.eq(words - Mux(left, pixel_words, 0) - Mux(right, pixel_words, 0)),
            before.eq(Mux(left, pixel_words, 0)),
        ]
        noisy_stride = (self.width + (NOISY_PIXELS - 1)) // NOISY_PIXELS
        denoised_stride = (self.width + (DENOISED_PIXELS - 1)) // DENOISED_PIXELS
        above = self._words_above(
            m, noisy_stride, stride, Mux(self.output, denoised_stride, stride)
        )

        # Fourth: addresses.
        pixels, maps, result = self.pixel_rows, self.map_rows, self.result_rows
        m.d.sync += [
            pixels.address.eq(
                self._address(m, self.buffers.noisy, start // NOISY_PIXELS, above[0])
            ),
            pixels.words.eq(Mux(self.encoding | self.output, noisy_words, 0)),
            pixels.stride.eq(noisy_stride),
            maps.address.eq(
                self._address(
                    m, Mux(self.odd, self.buffers.map_a, self.buffers.map_b), offset, above[1]
                )
            ),
            maps.words.eq(Mux(self.encoding, 0, words)),
            maps.stride.eq(stride),
        ]
        with m.If(self.output):
            m.d.sync += [
                result.address.eq(
                    self._address(m, self.buffers.denoised, self.x // DENOISED_PIXELS, above[2])
                ),
                result.words.eq(denoised_words),
                result.stride.eq(denoised_stride),
            ]
        with m.Else():
            m.d.sync += [
                result.address.eq(
                    self._address(
                        m,
                        Mux(self.odd, self.buffers.map_b, self.buffers.map_a),
                        offset + before,
                        above[2],
                    )
                ),
                result.words.eq(written),
                result.stride.eq(stride),
            ]
        return m

    def _words_above(self, m: Module, *strides: Value) -> list[Value]:
        """Words above the first row: of the image and the map that are read, and of the result."""
        if not self.banded:
            return [Const(0)] * len(strides)
        words_above: list[Value] = []
        for rows, stride in zip((self.above, self.above, self.own_above), strides, strict=True):
            words = Signal(len(rows) + len(stride), name=f"words_above_{len(words_above)}")
            m.d.sync += words.eq(rows * stride)
            words_above.append(words)
        return words_above

    def _address(self, m: Module, buffer: Value, offset: Value, above: Value) -> Value:
        """Sum of the parts; its top bit is set if it lies beyond the address range."""
        if not self.banded:
            # Less than twice the address range, so the carry is enough.
            return buffer + offset
        total = Signal.like(buffer + offset + above, name="total")
        m.d.comb += total.eq(buffer + offset + above)
        return Cat(total[:WORD_ADDRESS_BITS], total[WORD_ADDRESS_BITS:].any())
