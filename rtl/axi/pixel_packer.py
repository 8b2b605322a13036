"""Memory words of the denoised image from pixels."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive
from rtl.stream.counter import PlaceCounter
from sw_model.spec import GREY_MAX
from sw_model.spec.fixed_point import unsigned_width
from sw_model.spec.hardware.buffers import DENOISED_PIXELS

from .signature import DATA_BITS
from .writer import StrobedWord

_LANE_BITS = DATA_BITS // DENOISED_PIXELS


class PixelPacker(wiring.Component):
    """Packs the pixels of a strip's rows into words.

    One pixel per cycle; a word leaves with its last pixel. Neighbouring strips share words, so the
    strobes select only the bytes of the strip's own pixels.

    Parameters
    ----------
    max_columns
        Most pixels per row.

    Members
    -------
    restart : In(1)
        The next pixel is the first of a row.
    lane, columns : In
        Position of a row's first pixel in its word; pixels per row. Constant from ``restart`` on.
    i : In(stream.Signature(8))
    o : Out(stream.Signature(StrobedWord()))
    """

    def __init__(self, *, max_columns: int):
        check_positive(max_columns=max_columns)
        super().__init__(
            {
                "restart": In(1),
                "lane": In(range(DENOISED_PIXELS)),
                "columns": In(range(max_columns + 1)),
                "i": In(stream.Signature(unsigned_width(GREY_MAX))),
                "o": Out(stream.Signature(StrobedWord())),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        lane = Signal.like(self.lane)
        x = PlaceCounter(m, self.columns, "x")
        held = Signal(StrobedWord())
        word_end, taken = Signal(), Signal()
        m.d.comb += [
            word_end.eq(x.last | (lane == DENOISED_PIXELS - 1)),
            self.o.valid.eq(self.i.valid & word_end),
            self.o.p.data.eq(held.data),
            self.o.p.data.word_select(lane, _LANE_BITS).eq(self.i.payload),
            self.o.p.strobe.eq(held.strobe | (1 << lane)),
            self.i.ready.eq(~word_end | self.o.ready),
            taken.eq(self.i.valid & self.i.ready),
        ]
        with m.If(taken):
            m.d.sync += [
                *x.advance(),
                lane.eq(Mux(x.last, self.lane, lane + 1)),
                held.data.eq(self.o.p.data),
                held.strobe.eq(Mux(word_end, 0, self.o.p.strobe)),
            ]
        with m.If(self.restart):
            m.d.sync += [*x.restart(), lane.eq(self.lane), held.strobe.eq(0)]
        return m
