"""Memory words of two lines of the denoised image from positions of four planes."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive
from rtl.stream.counter import PlaceCounter
from sw_model.spec import GREY_MAX
from sw_model.spec.fixed_point import unsigned_width
from sw_model.spec.hardware.buffers import DENOISED_PIXELS

from .plane_unpacker import PLANES, SIDE
from .signature import DATA_BITS, WORD_BYTES

GREY_BITS = unsigned_width(GREY_MAX)
_PAIR_BITS = SIDE * GREY_BITS
_PAIRS = DENOISED_PIXELS // SIDE


class LinePair(data.StructLayout):
    """A word of the upper and of the lower line of a row, and the strobes of either."""

    def __init__(self) -> None:
        super().__init__({"upper": DATA_BITS, "lower": DATA_BITS, "strobe": WORD_BYTES})


class PlanePacker(wiring.Component):
    """Packs the pixels of a strip's positions into words of two lines at once.

    One position per cycle; a pair of words leaves with its last position. As in `PixelPacker`, the
    strobes select only the bytes of the strip's own pixels.

    Parameters
    ----------
    max_columns
        Most positions per row.

    Members
    -------
    restart : In(1)
        The next position is the first of a row.
    lane, columns : In
        Place of a line's first pixel in its word, an even number; positions per row. Constant from
        ``restart`` on.
    copied : In(1)
        The second column of a row's last position is no pixel of the picture: it is not written.
    i : In(stream.Signature(32))
        Pixels of a position, plane 0 in the least significant bits.
    o : Out(stream.Signature(LinePair()))
    """

    def __init__(self, *, max_columns: int):
        check_positive(max_columns=max_columns)
        super().__init__(
            {
                "restart": In(1),
                "lane": In(range(DENOISED_PIXELS)),
                "columns": In(range(max_columns + 1)),
                "copied": In(1),
                "i": In(stream.Signature(PLANES * GREY_BITS)),
                "o": Out(stream.Signature(LinePair())),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        pair = Signal(range(_PAIRS))
        first = self.lane[1:]
        x = PlaceCounter(m, self.columns, "x")
        held = Signal(LinePair())
        word_end, taken = Signal(), Signal()
        m.d.comb += [
            word_end.eq(x.last | (pair == _PAIRS - 1)),
            self.o.valid.eq(self.i.valid & word_end),
            self.o.p.upper.eq(held.upper),
            self.o.p.upper.word_select(pair, _PAIR_BITS).eq(self.i.payload[:_PAIR_BITS]),
            self.o.p.lower.eq(held.lower),
            self.o.p.lower.word_select(pair, _PAIR_BITS).eq(self.i.payload[_PAIR_BITS:]),
            self.o.p.strobe.eq(held.strobe),
            self.o.p.strobe.word_select(pair, SIDE).eq(Cat(1, ~(x.last & self.copied))),
            self.i.ready.eq(~word_end | self.o.ready),
            taken.eq(self.i.valid & self.i.ready),
        ]
        with m.If(taken):
            m.d.sync += [
                *x.advance(),
                pair.eq(Mux(x.last, first, pair + 1)),
                held.upper.eq(self.o.p.upper),
                held.lower.eq(self.o.p.lower),
                held.strobe.eq(Mux(word_end, 0, self.o.p.strobe)),
            ]
        with m.If(self.restart):
            m.d.sync += [*x.restart(), pair.eq(first), held.strobe.eq(0)]
        return m
