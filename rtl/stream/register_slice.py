"""A buffer that cuts all combinational paths of a handshake."""

from amaranth.hdl import Module, Signal

from .buffer import StreamBuffer


class RegisterSlice(StreamBuffer):
    """Two registers for a stream's elements; no path goes through it in either direction.

    One element per cycle; latency one cycle. ``ready`` comes from a register, so the source sees
    a stall a cycle late; the second register takes the element that it sends in that cycle.
    """

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        spare = Signal(self.shape, reset_less=True)
        occupied, advance = Signal(), Signal()
        m.d.comb += [
            advance.eq(~self.o.valid | self.o.ready),
            self.i.ready.eq(~occupied),
        ]
        with m.If(advance):
            m.d.sync += [self.o.valid.eq(self.i.valid | occupied), occupied.eq(0)]
            with m.If(occupied):
                m.d.sync += self.o.payload.eq(spare)
            with m.Else():
                m.d.sync += self.o.payload.eq(self.i.payload)
        with m.Elif(self.i.valid & ~occupied):
            m.d.sync += [occupied.eq(1), spare.eq(self.i.payload)]
        return m
