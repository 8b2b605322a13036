"""Bytes from a serial line."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive

DIVISOR_MIN = 4
"""Fewest cycles per bit: half a bit must be longer than the synchroniser's uncertainty."""
_BITS = 8


class UartReceiver(wiring.Component):
    """Receives bytes of eight bits, lowest bit first, between a start and a stop bit.

    Every bit is sampled in its middle. A byte is output for one cycle, half a bit before its stop
    bit ends. After a byte without a stop bit, the line must go high before another byte begins, so
    that a line that is held low gives only one faulty byte.

    Parameters
    ----------
    divisor
        Clock cycles per bit, `DIVISOR_MIN` or more.

    Members
    -------
    line : In(1)
        Asynchronous; high when idle.
    valid : Out(1)
        Pulse: a byte has been received.
    data : Out(8)
    faulty : Out(1)
        The byte has no stop bit.
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
                with m.If(line):  # a glitch, not a start bit
                    m.next = "rest"
            with m.State("bits"), m.If(sample):
                m.d.sync += [left.eq(self.divisor - 1), index.eq(index + 1)]
                with m.If(index == _BITS):
                    m.d.comb += self.valid.eq(1)
                    # Without waiting for the end of the stop bit: a fast sender's next start bit
                    # may come before it.
                    m.next = "rest"
                    with m.If(self.faulty):
                        m.next = "settle"
                with m.Else():
                    m.d.sync += self.data.eq(Cat(self.data[1:], line))
            with m.State("settle"), m.If(line):
                m.next = "rest"
        return m
