"""Distribution of the words from memory to pixels and map."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive

from .signature import DATA_BITS


class RowRouter(wiring.Component):
    """Sends the words of each row in turn to the pixels and to the map.

    One word per cycle, no latency.

    Parameters
    ----------
    max_words
        Most words per row of either.

    Members
    -------
    restart : In(1)
        The next word is the first of a row.
    pixel_words, map_words : In
        Words per row; either may be 0, not both. Constant from ``restart`` on.
    words : In(stream.Signature(64))
    pixels, map : Out(stream.Signature(64))
    """

    def __init__(self, *, max_words: int):
        check_positive(max_words=max_words)
        words = range(max_words + 1)
        super().__init__(
            {
                "restart": In(1),
                "pixel_words": In(words),
                "map_words": In(words),
                "words": In(stream.Signature(DATA_BITS)),
                "pixels": Out(stream.Signature(DATA_BITS)),
                "map": Out(stream.Signature(DATA_BITS)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        to_map = Signal()
        count = Signal.like(self.map_words)
        last = count == Mux(to_map, self.map_words, self.pixel_words) - 1
        m.d.comb += [
            self.pixels.valid.eq(self.words.valid & ~to_map),
            self.map.valid.eq(self.words.valid & to_map),
            self.pixels.payload.eq(self.words.payload),
            self.map.payload.eq(self.words.payload),
            self.words.ready.eq(Mux(to_map, self.map.ready, self.pixels.ready)),
        ]
        with m.If(self.words.valid & self.words.ready):
            m.d.sync += count.eq(count + 1)
            with m.If(last):
                m.d.sync += [
                    count.eq(0),
                    to_map.eq(Mux(to_map, self.pixel_words == 0, self.map_words != 0)),
                ]
        with m.If(self.restart):
            m.d.sync += [count.eq(0), to_map.eq(self.pixel_words == 0)]
        return m
