"""A handshake of which one direction is cut."""

from amaranth.hdl import Module, Mux, ShapeLike, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


class SkidBuffer(wiring.Component):
    """A place for the element that comes before its giver hears that it has to wait.

    An element a cycle, no latency. ``ready`` comes from a register; `rtl.stream.register_slice`
    cuts the other direction too, for a cycle of latency.

    Parameters
    ----------
    shape
        Of the payload.

    Members
    -------
    elements : In(stream.Signature(shape))
    passed : Out(stream.Signature(shape))
    """

    def __init__(self, shape: ShapeLike):
        self.shape = shape
        super().__init__(
            {
                "elements": In(stream.Signature(shape)),
                "passed": Out(stream.Signature(shape)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        spare = Signal(self.shape, reset_less=True)
        occupied = Signal()
        m.d.comb += [
            self.elements.ready.eq(~occupied),
            self.passed.valid.eq(occupied | self.elements.valid),
            self.passed.payload.eq(Mux(occupied, spare, self.elements.payload)),
        ]
        m.d.sync += occupied.eq(self.passed.valid & ~self.passed.ready)
        with m.If(~occupied):
            m.d.sync += spare.eq(self.elements.payload)
        return m
