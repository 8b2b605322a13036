"""Pixels from the memory words of the noisy image."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive
from rtl.stream.counter import PlaceCounter
from sw_model.spec import PIXEL_BITS
from sw_model.spec.hardware.buffers import NOISY_PIXELS

from .signature import DATA_BITS

_LANE_BITS = DATA_BITS // NOISY_PIXELS


class PixelUnpacker(wiring.Component):
    """Unpacks the pixels of a strip's rows one by one.

    One pixel per cycle, no latency. Every row begins in a new word, at its pixel ``lane``.

    Parameters
    ----------
    max_columns
        Most pixels per row.

    Members
    -------
    restart : In(1)
        The next word is the first of a row.
    lane, columns : In
        Position of a row's first pixel in its word; pixels per row. Constant from ``restart`` on.
    i : In(stream.Signature(64))
    o : Out(stream.Signature(signed(10)))
    """

    def __init__(self, *, max_columns: int):
        check_positive(max_columns=max_columns)
        super().__init__(
            {
                "restart": In(1),
                "lane": In(range(NOISY_PIXELS)),
                "columns": In(range(max_columns + 1)),
                "i": In(stream.Signature(DATA_BITS)),
                "o": Out(stream.Signature(signed(PIXEL_BITS))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        lane = Signal.like(self.lane)
        x = PlaceCounter(m, self.columns, "x")
        word_end, taken = Signal(), Signal()
        m.d.comb += [
            word_end.eq(x.last | (lane == NOISY_PIXELS - 1)),
            self.o.valid.eq(self.i.valid),
            self.o.payload.eq(self.i.payload.word_select(lane, _LANE_BITS)[:PIXEL_BITS]),
            taken.eq(self.o.valid & self.o.ready),
            self.i.ready.eq(taken & word_end),
        ]
        with m.If(taken):
            m.d.sync += [
                *x.advance(),
                lane.eq(Mux(x.last, self.lane, lane + 1)),
            ]
        with m.If(self.restart):
            m.d.sync += [*x.restart(), lane.eq(self.lane)]
        return m
