"""Event words to channel numbers."""

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .checks import check_positive
from .frame_memory import FrameWord


class Event(data.StructLayout):
    """One event: a channel number; ``present`` is 0 for the beat that a zero word costs."""

    def __init__(self, channels: int):
        super().__init__({"channel": range(max(2, channels)), "present": 1, "last": 1})


class EventEncoder(wiring.Component):
    """Gives the set bits of each word as channel numbers, ascending, one a cycle.

    A word costs as many cycles as it has set bits, a zero word one; words follow each other
    without a gap. Latency: one cycle from a word to its first event.

    Parameters
    ----------
    channels
        Bits of a word.

    Members
    -------
    words : In(stream.Signature(FrameWord(channels)))
    events : Out(stream.Signature(Event(channels)))
        ``last`` marks the last event of a word whose ``final`` was set.
    """

    def __init__(self, *, channels: int):
        check_positive(channels=channels)
        self.channels = channels
        super().__init__(
            {
                "words": In(stream.Signature(FrameWord(channels))),
                "events": Out(stream.Signature(Event(channels))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        pending = Signal(self.channels)
        final = Signal()

        # x & -x keeps the lowest set bit, which is then encoded by OR-ing channel numbers.
        lowest = Signal(self.channels)
        m.d.comb += lowest.eq(pending & -pending)
        rest = Signal(self.channels)
        m.d.comb += rest.eq(pending ^ lowest)
        channel_bits = len(self.events.p.channel)
        m.d.comb += [
            self.events.p.channel.eq(
                Cat(
                    Cat(lowest[c] for c in range(self.channels) if c >> bit & 1).any()
                    if any(c >> bit & 1 for c in range(self.channels))
                    else Const(0, 1)
                    for bit in range(channel_bits)
                )
            ),
            self.events.p.present.eq(pending.any()),
        ]
        done = Signal()
        m.d.comb += [
            done.eq(rest == 0),
            self.events.p.last.eq(done & final),
            self.words.ready.eq(~self.events.valid | (self.events.ready & done)),
        ]
        with m.If(self.words.ready):
            m.d.sync += [
                self.events.valid.eq(self.words.valid),
                pending.eq(self.words.p.word),
                final.eq(self.words.p.final),
            ]
        with m.Elif(self.events.ready):
            m.d.sync += pending.eq(rest)
        return m
