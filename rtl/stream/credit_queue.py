"""Queue between a pipeline that cannot stall and a stream that can."""

from amaranth.hdl import Module, Signal
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from .checks import check_positive


class CatchQueue(wiring.Component):
    """A queue that asks its source to stop while there is still room for what is in flight.

    The pipeline in front of it needs no handshake: no ``ready`` signal has to reach all of its
    registers within a cycle. Latency: two cycles.

    Parameters
    ----------
    width
        Bits of an element.
    reserve
        Most elements that can still arrive after ``hold`` has risen.

    Members
    -------
    i : In(stream.Signature(width, always_ready=True))
    o : Out(stream.Signature(width))
    hold : Out(1)
        The source must start no further element.
    """

    def __init__(self, *, width: int, reserve: int):
        check_positive(width=width, reserve=reserve)
        self.width = width
        # A power of two, as memory depths are, and larger than the reserve: an empty queue must
        # not hold.
        self.reserve = reserve + 2  # `level` and `hold` are each a cycle late
        self.depth = 1 << (self.reserve + 4).bit_length()
        super().__init__(
            {
                "i": In(stream.Signature(width, always_ready=True)),
                "o": Out(stream.Signature(width)),
                "hold": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        m.submodules.queue = queue = fifo.SyncFIFOBuffered(width=self.width, depth=self.depth)
        hold = Signal()
        m.d.sync += hold.eq(queue.level > self.depth - self.reserve)
        m.d.comb += [
            queue.w_data.eq(self.i.payload),
            queue.w_en.eq(self.i.valid),
            self.hold.eq(hold),
        ]
        wiring.connect(m, queue.r_stream, wiring.flipped(self.o))
        return m
