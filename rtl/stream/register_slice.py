"""A handshake cut into two cycles."""

from amaranth.hdl import Module, ShapeLike, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


class RegisterSlice(wiring.Component):
    """Two places for a stream's elements, so that no path goes through it in either direction.

    An element a cycle; latency one cycle. ``ready`` comes from a register: what stops the
    elements behind it is heard of a cycle later, for which the second place is there.

    Parameters
    ----------
    shape
        Of the payload.

    Members
    -------
    elements : In(stream.Signature(shape))
    delayed : Out(stream.Signature(shape))
    """

    def __init__(self, shape: ShapeLike):
        self.shape = shape
        super().__init__(
            {
                "elements": In(stream.Signature(shape)),
                "delayed": Out(stream.Signature(shape)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        spare = Signal(self.shape, reset_less=True)
        occupied, advance = Signal(), Signal()
        m.d.comb += [
            advance.eq(~self.delayed.valid | self.delayed.ready),
            self.elements.ready.eq(~occupied),
        ]
        with m.If(advance):
            m.d.sync += [self.delayed.valid.eq(self.elements.valid | occupied), occupied.eq(0)]
            with m.If(occupied):
                m.d.sync += self.delayed.payload.eq(spare)
            with m.Else():
                m.d.sync += self.delayed.payload.eq(self.elements.payload)
        with m.Elif(self.elements.valid & ~occupied):
            m.d.sync += [occupied.eq(1), spare.eq(self.elements.payload)]
        return m
