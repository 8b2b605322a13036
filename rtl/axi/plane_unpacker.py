"""Positions of four planes from the memory words of two lines of the noisy image."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive
from rtl.stream.counter import PlaceCounter
from sw_model.spec import PIXEL_BITS
from sw_model.spec.hardware.buffers import NOISY_PIXELS

from .signature import DATA_BITS

SIDE = 2
"""A position is SIDE pixels wide and high."""
PLANES = SIDE * SIDE
_PAIR_BITS = SIDE * DATA_BITS // NOISY_PIXELS


class PlaneUnpacker(wiring.Component):
    """Unpacks two lines of a strip side by side: a pair of pixels of each is a position.

    One position per cycle, no latency. Every line begins in a new word, at its pixel ``lane``.

    Parameters
    ----------
    max_columns
        Most positions per row.

    Members
    -------
    restart : In(1)
        The next words are the first of two lines.
    lane, columns : In
        Place of a line's first pixel in its word, an even number; positions per row. Constant from
        ``restart`` on.
    copied : In(1)
        The last position of a row has no second column: it is a copy of the first.
    upper, lower : In(stream.Signature(64))
        Words of the two lines.
    o : Out(stream.Signature(signed(40)))
        Plane 2 * dy + dx in the bits from 10 * (2 * dy + dx) on.
    """

    def __init__(self, *, max_columns: int):
        check_positive(max_columns=max_columns)
        super().__init__(
            {
                "restart": In(1),
                "lane": In(range(NOISY_PIXELS)),
                "columns": In(range(max_columns + 1)),
                "copied": In(1),
                "upper": In(stream.Signature(DATA_BITS)),
                "lower": In(stream.Signature(DATA_BITS)),
                "o": Out(stream.Signature(signed(PLANES * PIXEL_BITS))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        pair = Signal()  # number of the pair in its word
        x = PlaceCounter(m, self.columns, "x")
        taken, used_up = Signal(), Signal()
        lines = (self.upper, self.lower)
        pixels = []
        for line in lines:
            words = line.payload.word_select(pair, _PAIR_BITS)
            left, right = (words.word_select(dx, _PAIR_BITS // SIDE) for dx in range(SIDE))
            pixels += [
                left[:PIXEL_BITS],
                Mux(x.last & self.copied, left[:PIXEL_BITS], right[:PIXEL_BITS]),
            ]
        m.d.comb += [
            self.o.valid.eq(self.upper.valid & self.lower.valid),
            self.o.payload.eq(Cat(pixels)),
            taken.eq(self.o.valid & self.o.ready),
            used_up.eq(taken & (x.last | pair)),
            *(line.ready.eq(used_up) for line in lines),
        ]
        with m.If(taken):
            m.d.sync += [*x.advance(), pair.eq(Mux(x.last, self.lane[1], ~pair))]
        with m.If(self.restart):
            m.d.sync += [*x.restart(), pair.eq(self.lane[1])]
        return m
