"""Event words to two channel numbers a cycle."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.core.event_encoder import GROUP, SPACING_MAX, at_most_one, encoded, lowest_bit
from rtl.core.layouts import Event, FrameWord
from rtl.stream.checks import check_positive


class PairEncoder(wiring.Component):
    """Gives the set bits of each word as channel numbers, two per cycle.

    A cycle has the lowest spike that is left of the word, and the highest. So n spikes cost
    ceil(n / 2) cycles, and a word at least `spacing` cycles: a zero word costs one beat. Words
    follow each other without a gap.

    The two spikes are in the lowest and in the highest group of eight channels that has any, or in
    the same one. Flags of each group say whether it has more than no, one or two spikes, so that
    what is left of the groups, and the end of the word, need not wait for the choice of spikes.
    Latency: four cycles from a word to its first events, for the word as it arrives, its flags, the
    choice, and the encoding.

    Parameters
    ----------
    channels
        Bits of a word.
    binary
        The few-spike code: events have ``first``.

    Members
    -------
    spacing, i
        As of `EventEncoder`.
    o : Out(stream.Signature(Event(channels, binary=binary, events=2), always_ready=True))
        ``last`` marks the last events of a word whose ``final`` was set.
    """

    def __init__(self, *, channels: int, binary: bool = False):
        check_positive(channels=channels)
        self.channels = channels
        self.binary = binary
        event = Event(channels, binary=binary, events=2)
        super().__init__(
            {
                "spacing": In(range(SPACING_MAX + 1)),
                "i": In(stream.Signature(FrameWord(channels))),
                "o": Out(stream.Signature(event, always_ready=True)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        # The word as it arrived.
        arrived, arrived_final = Signal(), Signal()
        arrived_word = Signal(self.channels, reset_less=True)
        # The next word, and its groups.
        waiting, waiting_final = Signal(), Signal()
        waiting_word = Signal(self.channels, reset_less=True)
        ahead = _Groups("waiting", self.channels)
        # What is left of the word under way.
        busy, final = Signal(), Signal()
        left = Signal(self.channels, reset_less=True)
        groups = _Groups("left", self.channels)

        # The groups of the spikes that are taken, and all groups' lowest and highest spikes.
        low, high = Signal.like(groups.some, name="low"), Signal.like(groups.some, name="high")
        lows, highs = Signal.like(left, name="lows"), Signal.like(left, name="highs")
        following = Signal.like(left, name="following")
        alone, word_done, hold = Signal(), Signal(), Signal()
        # Cycles in which no word may end, see `spacing`.
        rest = Signal(range(SPACING_MAX))
        word_end, next_word, next_waiting = Signal(), Signal(), Signal()
        m.d.comb += [
            low.eq(lowest_bit(groups.some)),
            high.eq(_highest_bit(groups.some)),
            lows.eq(Cat(lowest_bit(group) for group in _split(left))),
            highs.eq(Cat(_highest_bit(group) for group in _split(left))),
            following.eq(left & ~(lows & _spread(low, left)) & ~(highs & _spread(high, left))),
            alone.eq(at_most_one(groups.some)),
            # Nothing is left but what is taken now.
            word_done.eq(
                Mux(
                    alone,
                    ~groups.over_two.any(),
                    ~(groups.some & ~low & ~high).any() & ~groups.over_one.any(),
                )
            ),
            hold.eq(word_done & (rest != 0)),
            word_end.eq(busy & word_done & ~hold),
            next_word.eq(~busy | word_end),
            next_waiting.eq(~waiting | next_word),
            self.i.ready.eq(~arrived | next_waiting),
        ]
        with m.If(word_end):
            m.d.sync += rest.eq(self.spacing - 1)
        with m.Elif(rest != 0):
            m.d.sync += rest.eq(rest - 1)

        self._give(m, busy & ~hold, word_end, [(low, lows), (high, highs)])
        m.d.sync += [
            self.o.p.present.eq(groups.some.any()),
            self.o.p.second_present.eq(~alone | groups.over_one.any()),
            self.o.p.last.eq(word_end & final),
        ]
        with m.If(next_word):
            m.d.sync += [busy.eq(waiting), final.eq(waiting_final), left.eq(waiting_word)]
            m.d.sync += groups.copy(ahead)
        with m.Elif(~hold):
            m.d.sync += left.eq(following)
            m.d.sync += groups.take(low, high, following)
        with m.If(next_waiting):
            m.d.sync += [
                waiting.eq(arrived),
                waiting_final.eq(arrived_final),
                waiting_word.eq(arrived_word),
                *ahead.describe(arrived_word),
            ]
        with m.If(self.i.ready):
            m.d.sync += [
                arrived.eq(self.i.valid),
                arrived_word.eq(self.i.p.word),
                arrived_final.eq(self.i.p.final),
            ]
        return m

    def _give(
        self, m: Module, valid: Value, word_end: Value, taken: Sequence[tuple[Value, Value]]
    ) -> None:
        """Add the registers of the chosen spikes, and encode them."""
        channels = self.o.p.channel, self.o.p.second_channel
        for name, (chosen, spikes), channel in zip(("low", "high"), taken, channels, strict=True):
            spike = Signal(GROUP, name=f"{name}_spike", reset_less=True)
            number = Signal.like(chosen, name=f"{name}_group", reset_less=True)
            groups = _split(spikes)
            m.d.sync += [
                number.eq(chosen),
                spike.eq(
                    Cat(
                        Cat(
                            flag & group[bit]
                            for flag, group in zip(chosen, groups, strict=True)
                            if bit < len(group)
                        ).any()
                        for bit in range(len(groups[0]))
                    )
                ),
            ]
            numbers = Cat(encoded(spike, GROUP), encoded(number, len(groups)))
            m.d.comb += channel.eq(numbers[: len(channel)])
        m.d.sync += self.o.valid.eq(valid)
        if self.binary:
            first = Signal(init=1)
            m.d.sync += self.o.p.first.eq(first)
            with m.If(valid):
                m.d.sync += first.eq(word_end)


class _Groups:
    """Registers that say whether each group has more than no, one and two spikes."""

    def __init__(self, name: str, channels: int):
        count = -(-channels // GROUP)
        self.some, self.over_one, self.over_two = (
            Signal(count, name=f"{name}_{what}") for what in ("some", "over_one", "over_two")
        )

    def describe(self, word: Value) -> list:
        """Take the flags of a word."""
        return [self.some.eq(Cat(group.any() for group in _split(word))), *self._more(word)]

    def copy(self, other: _Groups) -> list:
        """Take another word's flags."""
        return [
            self.some.eq(other.some),
            self.over_one.eq(other.over_one),
            self.over_two.eq(other.over_two),
        ]

    def take(self, low: Value, high: Value, word: Value) -> list:
        """Leave out one spike of each of two groups, or two of one; ``word`` is what is left."""
        both, either = low & high, low | high
        some = (both & self.over_two) | (~both & either & self.over_one) | (~either & self.some)
        return [self.some.eq(some), *self._more(word)]

    def _more(self, word: Value) -> list:
        groups = _split(word)
        return [
            self.over_one.eq(Cat(~at_most_one(group) for group in groups)),
            self.over_two.eq(Cat(_over_two(group) for group in groups)),
        ]


def _split(word: Value) -> list[Value]:
    return [word[start : start + GROUP] for start in range(0, len(word), GROUP)]


def _spread(flags: Value, word: Value) -> Value:
    """Each group's flag at all of its bits."""
    groups = _split(word)
    return Cat(flag.replicate(len(group)) for flag, group in zip(flags, groups, strict=True))


def _highest_bit(flags: Value) -> Value:
    """The highest set bit alone."""
    return lowest_bit(flags[::-1])[::-1]


def _over_two(flags: Value) -> Value:
    if len(flags) <= 2:
        return Const(0, 1)
    low, high = flags[: len(flags) // 2], flags[len(flags) // 2 :]
    return (
        (~at_most_one(low) & high.any())
        | (~at_most_one(high) & low.any())
        | _over_two(low)
        | _over_two(high)
    )
