"""Memory words of an activation map from event words."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive
from sw_model.spec.hardware.buffers import map_words

from .signature import DATA_BITS, WORD_BYTES
from .writer import StrobedWord


class MapSplitter(wiring.Component):
    """Splits each event word into 64-bit words, lowest channels first; unused bits are zero.

    One 64-bit word per cycle, no latency.

    Parameters
    ----------
    channels
        Bits of an event word.

    Members
    -------
    i : In(stream.Signature(channels))
    o : Out(stream.Signature(StrobedWord()))
    """

    def __init__(self, *, channels: int):
        check_positive(channels=channels)
        self.channels = channels
        super().__init__(
            {
                "i": In(stream.Signature(channels)),
                "o": Out(stream.Signature(StrobedWord())),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        parts = map_words(self.channels)
        part = Signal(range(max(2, parts)))
        last = part == parts - 1
        padded = Signal(parts * DATA_BITS)
        m.d.comb += [
            padded.eq(self.i.payload),
            self.o.valid.eq(self.i.valid),
            self.o.p.data.eq(padded.word_select(part, DATA_BITS)),
            self.o.p.strobe.eq((1 << WORD_BYTES) - 1),
            self.i.ready.eq(self.o.ready & last),
        ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += part.eq(Mux(last, 0, part + 1))
        return m
