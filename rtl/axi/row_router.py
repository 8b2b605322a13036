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
    lines
        Lines of pixels of a row, 1 or 2.

    Members
    -------
    restart : In(1)
        The next word is the first of a row.
    pixel_words, map_words : In
        Words per line and per row; either may be 0, not both. Constant from ``restart`` on.
    words : In(stream.Signature(64))
    pixels, map : Out(stream.Signature(64))
    lower : Out(stream.Signature(64))
        Pixels of the second line. Only with two ``lines``.
    """

    def __init__(self, *, max_words: int, lines: int = 1):
        check_positive(max_words=max_words)
        words = range(max_words + 1)
        self.lines = lines
        super().__init__(
            {
                "restart": In(1),
                "pixel_words": In(words),
                "map_words": In(words),
                "words": In(stream.Signature(DATA_BITS)),
                "pixels": Out(stream.Signature(DATA_BITS)),
                **({"lower": Out(stream.Signature(DATA_BITS))} if lines > 1 else {}),
                "map": Out(stream.Signature(DATA_BITS)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        to_map = Signal()
        count = Signal.like(self.map_words)
        pixels_valid, pixels_ready = self.words.valid & ~to_map, self.pixels.ready
        if self.lines > 1:
            lower = Signal()  # the word is of the second line
            pixels_valid = self.words.valid & ~to_map & ~lower
            pixels_ready = Mux(lower, self.lower.ready, self.pixels.ready)
            m.d.comb += [
                self.lower.valid.eq(self.words.valid & ~to_map & lower),
                self.lower.payload.eq(self.words.payload),
            ]
        last = count == Mux(to_map, self.map_words, self.pixel_words) - 1
        m.d.comb += [
            self.pixels.valid.eq(pixels_valid),
            self.map.valid.eq(self.words.valid & to_map),
            self.pixels.payload.eq(self.words.payload),
            self.map.payload.eq(self.words.payload),
            self.words.ready.eq(Mux(to_map, self.map.ready, pixels_ready)),
        ]
        with m.If(self.words.valid & self.words.ready):
            m.d.sync += count.eq(count + 1)
            with m.If(last):
                m.d.sync += [
                    count.eq(0),
                    to_map.eq(Mux(to_map, self.pixel_words == 0, self.map_words != 0)),
                ]
                if self.lines > 1:
                    with m.If(~to_map):
                        m.d.sync += [lower.eq(~lower), to_map.eq(lower & (self.map_words != 0))]
        if self.lines > 1:
            with m.If(self.restart):
                m.d.sync += lower.eq(0)
        with m.If(self.restart):
            m.d.sync += [count.eq(0), to_map.eq(self.pixel_words == 0)]
        return m
