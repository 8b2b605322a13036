"""A buffer that cuts the ``ready`` path of a handshake."""

from amaranth.hdl import Module, Mux, Signal

from .buffer import StreamBuffer


class SkidBuffer(StreamBuffer):
    """A register for the element that arrives before its source sees the stall.

    One element per cycle, no latency. ``ready`` comes from a register;
    `rtl.stream.register_slice` cuts the other direction too, for a cycle of latency.
    """

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        spare = Signal(self.shape, reset_less=True)
        occupied = Signal()
        m.d.comb += [
            self.i.ready.eq(~occupied),
            self.o.valid.eq(occupied | self.i.valid),
            self.o.payload.eq(Mux(occupied, spare, self.i.payload)),
        ]
        m.d.sync += occupied.eq(self.o.valid & ~self.o.ready)
        with m.If(~occupied):
            m.d.sync += spare.eq(self.i.payload)
        return m
