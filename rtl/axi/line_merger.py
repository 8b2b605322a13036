"""Lines of the denoised image, one after the other, from pairs of lines."""

from amaranth.hdl import Cat, Module, Mux, ResetInserter, Signal
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive
from rtl.stream.counter import PlaceCounter
from sw_model.spec.hardware.registers import FRAME_HEIGHT_MAX

from .plane_packer import LinePair
from .writer import StrobedWord


class LineMerger(wiring.Component):
    """Sends the words of an upper line, then those of the lower line beside it.

    Words come in pairs, so that the lower ones wait in a queue, and the next upper ones in another.
    One word per cycle; latency two cycles. Of the last row, the lower line may be left out.

    Parameters
    ----------
    max_words
        Most words of a line.

    Members
    -------
    restart : In(1)
        The next pair is the first of a strip; what is left of the last strip is dropped.
    words, lines : In
        Words per line; lines of the strip. Constant from ``restart`` on.
    i : In(stream.Signature(LinePair()))
    o : Out(stream.Signature(StrobedWord()))
    """

    def __init__(self, *, max_words: int):
        check_positive(max_words=max_words)
        self.max_words = max_words
        super().__init__(
            {
                "restart": In(1),
                "words": In(range(max_words + 1)),
                "lines": In(range(FRAME_HEIGHT_MAX + 1)),
                "i": In(stream.Signature(LinePair())),
                "o": Out(stream.Signature(StrobedWord())),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        width = StrobedWord().size
        upper, lower = (
            # A whole line: while it is sent, the other queue fills up at a quarter of the pace.
            fifo.SyncFIFOBuffered(width=width, depth=self.max_words + 2)
            for _ in range(2)
        )
        clear = ResetInserter(self.restart)
        m.submodules.upper, m.submodules.lower = clear(upper), clear(lower)
        word = PlaceCounter(m, self.words, "word")
        line = PlaceCounter(m, self.lines, "line")
        active, second, sent = Signal(), Signal(), Signal()
        m.d.comb += [
            self.i.ready.eq(upper.w_rdy & lower.w_rdy),
            upper.w_en.eq(self.i.valid & lower.w_rdy),
            lower.w_en.eq(self.i.valid & upper.w_rdy),
            upper.w_data.eq(Cat(self.i.p.upper, self.i.p.strobe)),
            lower.w_data.eq(Cat(self.i.p.lower, self.i.p.strobe)),
            self.o.valid.eq(active & Mux(second, lower.r_rdy, upper.r_rdy)),
            self.o.payload.eq(Mux(second, lower.r_data, upper.r_data)),
            sent.eq(self.o.valid & self.o.ready),
            upper.r_en.eq(sent & ~second),
            lower.r_en.eq(sent & second),
        ]
        with m.If(sent):
            m.d.sync += word.advance()
            with m.If(word.last):
                m.d.sync += [*line.advance(), second.eq(~second)]
                with m.If(line.last):
                    m.d.sync += active.eq(0)
        with m.If(self.restart):
            m.d.sync += [*word.restart(), *line.restart(), active.eq(1), second.eq(0)]
        return m
