"""Bytes to a serial line."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive
from sw_model.spec.hardware.serial import BYTE_BITS


class UartTransmitter(wiring.Component):
    """Sends bytes between a start and a stop bit, lowest bit first.

    Bytes that are offered in time follow each other without a gap, ten bits each.

    Parameters
    ----------
    divisor
        Clock cycles per bit.

    Members
    -------
    data : In(stream.Signature(8))
    line : Out(1)
        From a register; high when idle.
    """

    def __init__(self, *, divisor: int):
        check_positive(divisor=divisor)
        self.divisor = divisor
        super().__init__({"data": In(stream.Signature(8)), "line": Out(1, init=1)})

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        bits = Signal(BYTE_BITS)
        bits_left = Signal(range(BYTE_BITS + 1))
        left = Signal(range(self.divisor))
        next_bit = Signal()
        m.d.comb += [
            next_bit.eq(left == 0),
            self.data.ready.eq(next_bit & (bits_left == 0)),
        ]
        with m.If(~next_bit):
            m.d.sync += left.eq(left - 1)
        with m.Elif(bits_left != 0):
            m.d.sync += [
                self.line.eq(bits[0]),
                bits.eq(bits[1:]),
                bits_left.eq(bits_left - 1),
                left.eq(self.divisor - 1),
            ]
        with m.Elif(self.data.valid):
            # The start bit begins at once, so that a byte takes exactly ten bits.
            m.d.sync += [
                self.line.eq(0),
                bits.eq(Cat(self.data.payload, Const(1))),
                bits_left.eq(BYTE_BITS - 1),
                left.eq(self.divisor - 1),
            ]
        return m
