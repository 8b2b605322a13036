"""A small design, right or with a fault, on which the bench library itself is tested."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


class OneRegister(wiring.Component):
    """Passes a stream on, one register deep, a payload a cycle.

    Parameters
    ----------
    width
        Bits of a payload.
    fault
        "drop" loses every 8th payload, "withdraw" takes valid back when it is not answered at
        once, "change" counts an unanswered payload up, "hang" stops after 8 payloads.
    """

    def __init__(self, *, width, fault=None):
        self.fault = fault
        super().__init__(
            {"i": In(stream.Signature(width)), "o": Out(stream.Signature(width)), "taken": Out(8)}
        )

    def elaborate(self, platform):
        m = Module()
        full = Signal()
        m.d.comb += [self.i.ready.eq(~full | self.o.ready), self.o.valid.eq(full)]
        if self.fault == "hang":
            m.d.comb += self.i.ready.eq((~full | self.o.ready) & (self.taken < 8))
        with m.If(self.o.ready):
            m.d.sync += full.eq(0)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [
                self.o.payload.eq(self.i.payload),
                full.eq(1),
                self.taken.eq(self.taken + 1),
            ]
            if self.fault == "drop":
                m.d.sync += full.eq(self.taken[:3] != 7)
        with m.Elif(full & ~self.o.ready):
            if self.fault == "withdraw":
                m.d.sync += full.eq(0)
            if self.fault == "change":
                m.d.sync += self.o.payload.eq(self.o.payload + 1)
        return m
