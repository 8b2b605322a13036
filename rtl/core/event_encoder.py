"""Event words to channel numbers."""

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive
from rtl.stream.register_slice import RegisterSlice

from .layouts import Event, FrameWord

GROUP = 8
"""Channels per group: 64 channels have eight groups."""
SPACING_MAX = 3


class EventEncoder(wiring.Component):
    """Gives the set bits of each word as channel numbers, ascending, one per cycle.

    A word costs as many cycles as it has set bits, but at least `spacing` cycles: a zero word
    costs one beat. Words follow each other without a gap.

    Finding the lowest of 64 bits takes longer than one cycle should. So a first level picks the
    next group of eight channels that has a spike, and a second level the next spike in it. A group
    takes at least one cycle, so the first level is always ahead. Latency: four cycles from a word
    to its first event.

    Parameters
    ----------
    channels
        Bits of a word.
    binary
        The few-spike code: events have ``first``.

    Members
    -------
    spacing : In(range(SPACING_MAX + 1))
        Fewest cycles from the last beat of a word to that of the next, 1 or more.
    i : In(stream.Signature(FrameWord(channels)))
    o : Out(stream.Signature(Event(channels, binary=binary), always_ready=True))
        ``last`` marks the last event of a word whose ``final`` was set.
    """

    def __init__(self, *, channels: int, binary: bool = False):
        check_positive(channels=channels)
        self.channels = channels
        self.binary = binary
        super().__init__(
            {
                "spacing": In(range(SPACING_MAX + 1)),
                "i": In(stream.Signature(FrameWord(channels))),
                "o": Out(stream.Signature(Event(channels, binary=binary), always_ready=True)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        groups = range(-(-self.channels // GROUP))

        # The word as it arrived, and which of its groups have a spike.
        arrived, arrived_final = Signal(), Signal()
        arrived_word = Signal(self.channels, reset_less=True)
        occupied = Cat(_group(arrived_word, group).any() for group in groups)

        # First level: the groups of the word that are left.
        waiting, final = Signal(), Signal()
        word = Signal(self.channels, reset_less=True)
        pending = Signal(len(groups))
        lowest = Signal(len(groups))
        # The next group is the word's last one. It is computed ahead, because `i.ready` needs it.
        word_done = Signal(init=1)
        groups_left = Signal(len(groups))
        m.d.comb += [lowest.eq(_lowest(pending)), groups_left.eq(pending ^ lowest)]

        # Decouples the levels: the first one need not know of the second one's progress.
        layout = data.StructLayout(
            {"spikes": GROUP, "number": range(max(2, len(groups))), "last": 1, "final": 1}
        )
        m.submodules.chosen = chosen = RegisterSlice(layout)

        # Second level: the spikes of the group that are left.
        busy, spikes, number = Signal(), Signal(GROUP), Signal(range(max(2, len(groups))))
        group_last, group_final = Signal(), Signal()
        spike = Signal(GROUP)
        # The next spike is the group's last one.
        group_done, hold = Signal(init=1), Signal()
        spikes_left = Signal(GROUP)
        m.d.comb += [spike.eq(_lowest(spikes)), spikes_left.eq(spikes ^ spike)]

        # Cycles in which no word may end, see `spacing`.
        rest = Signal(range(SPACING_MAX))
        word_end = Signal()
        m.d.comb += [
            hold.eq(group_last & group_done & (rest != 0)),
            word_end.eq(busy & group_last & group_done & ~hold),
            self.o.valid.eq(busy & ~hold),
            self.o.p.channel.eq(Cat(_encoded(spike, GROUP), number)[: len(self.o.p.channel)]),
            self.o.p.present.eq(spikes.any()),
            self.o.p.last.eq(group_last & group_done & group_final),
        ]
        with m.If(word_end):
            m.d.sync += rest.eq(self.spacing - 1)
        with m.Elif(rest != 0):
            m.d.sync += rest.eq(rest - 1)

        if self.binary:
            first = Signal(init=1)
            m.d.comb += self.o.p.first.eq(first)
            with m.If(self.o.valid):
                m.d.sync += first.eq(word_end)

        next_group, next_word = Signal(), Signal()
        m.d.comb += [
            next_group.eq(~busy | (group_done & ~hold)),
            chosen.o.ready.eq(next_group),
            chosen.i.valid.eq(waiting),
            chosen.i.p.spikes.eq(
                Cat(
                    Cat(
                        lowest[group] & word[group * GROUP + bit]
                        for group in groups
                        if group * GROUP + bit < self.channels
                    ).any()
                    for bit in range(min(GROUP, self.channels))
                )
            ),
            chosen.i.p.number.eq(_encoded(lowest, len(groups))),
            chosen.i.p.last.eq(word_done),
            chosen.i.p.final.eq(final),
            next_word.eq(~waiting | (chosen.i.ready & word_done)),
            self.i.ready.eq(~arrived | next_word),
        ]
        with m.If(next_group):
            m.d.sync += [
                busy.eq(chosen.o.valid),
                spikes.eq(chosen.o.p.spikes),
                group_done.eq(_at_most_one(chosen.o.p.spikes)),
                number.eq(chosen.o.p.number),
                group_last.eq(chosen.o.p.last),
                group_final.eq(chosen.o.p.final),
            ]
        with m.Elif(~hold):
            m.d.sync += [spikes.eq(spikes_left), group_done.eq(_at_most_one(spikes_left))]
        with m.If(next_word):
            m.d.sync += [
                waiting.eq(arrived),
                word.eq(arrived_word),
                final.eq(arrived_final),
                pending.eq(occupied),
                word_done.eq(_at_most_one(occupied)),
            ]
        with m.Elif(chosen.i.ready):
            m.d.sync += [
                pending.eq(groups_left),
                word_done.eq(_at_most_one(groups_left)),
            ]
        with m.If(self.i.ready):
            m.d.sync += [
                arrived.eq(self.i.valid),
                arrived_word.eq(self.i.p.word),
                arrived_final.eq(self.i.p.final),
            ]
        return m


def _group(word: Value, group: int) -> Value:
    return word[group * GROUP : (group + 1) * GROUP]


def _lowest(flags: Value) -> Value:
    """The lowest set bit alone."""
    # For few bits this is shorter than the carry chain of x & -x.
    return Cat(flags[bit] & ~flags[:bit].any() if bit else flags[0] for bit in range(len(flags)))


def _at_most_one(flags: Value) -> Value:
    return ~Cat(flags[bit] & flags[:bit].any() for bit in range(1, len(flags))).any()


def _encoded(one_hot: Value, count: int) -> Value:
    """Number of the bit that is set, 0 if none is."""
    bits = max(1, (count - 1).bit_length())
    return Cat(
        Cat(one_hot[c] for c in range(count) if c >> bit & 1).any()
        if count > 1 << bit
        else Const(0, 1)
        for bit in range(bits)
    )
