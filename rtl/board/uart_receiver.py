"""Bytes from a serial line."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive

DIVISOR_MIN = 4
"""Fewest cycles of a bit: half a bit must be more than the synchroniser's uncertainty."""
_BITS = 8


class UartReceiver(wiring.Component):
    """Takes bytes of eight bits, the lowest first, between a start and a stop bit.

    Every bit is sampled in its middle. A byte shows half a bit before its stop bit ends; what
    follows it must take it in that cycle. After a byte without a stop bit, the line must come to
    rest before another one begins: a line that is held low gives one faulty byte, not many.

    Parameters
    ----------
    divisor
        Clock cycles of a bit, `DIVISOR_MIN` or more.

    Members
    -------
    line : In(1)
        Not synchronous to the clock; high at rest.
    valid : Out(1)
        A byte is there, for one cycle.
    data : Out(8)
    faulty : Out(1)
        It has no stop bit.
    """

    def __init__(self, *, divisor: int):
        check_positive(divisor=divisor)
        if divisor < DIVISOR_MIN:
            raise ValueError(f"divisor {divisor} is less than {DIVISOR_MIN}")
        self.divisor = divisor
        super().__init__(
            {"line": In(1, init=1), "valid": Out(1), "data": Out(_BITS), "faulty": Out(1)}
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        line = Signal(init=1)
        m.submodules.line = FFSynchronizer(self.line, line, init=1)
        left = Signal(range(self.divisor))
        index = Signal(range(_BITS + 1))
        sample = Signal()
        m.d.comb += [sample.eq(left == 0), self.faulty.eq(~line)]
        with m.If(~sample):
            m.d.sync += left.eq(left - 1)
        with m.FSM():
            with m.State("rest"):
                m.d.sync += left.eq(self.divisor // 2 - 1)
                with m.If(~line):
                    m.next = "start"
            with m.State("start"), m.If(sample):
                m.d.sync += [left.eq(self.divisor - 1), index.eq(0)]
                m.next = "bits"
                with m.If(line):  # a spike, no start bit
                    m.next = "rest"
            with m.State("bits"), m.If(sample):
                m.d.sync += [left.eq(self.divisor - 1), index.eq(index + 1)]
                with m.If(index == _BITS):
                    m.d.comb += self.valid.eq(1)
                    # At once: the next start bit may begin before half a bit has passed.
                    m.next = "rest"
                    with m.If(self.faulty):
                        m.next = "settle"
                with m.Else():
                    m.d.sync += self.data.eq(Cat(self.data[1:], line))
            with m.State("settle"), m.If(line):
                m.next = "rest"
        return m
