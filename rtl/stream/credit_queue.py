"""Where a pipeline that cannot wait meets one that may have to."""

from amaranth.hdl import Module, Signal
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from .checks import check_positive


class CatchQueue(wiring.Component):
    """A queue that says early when nothing more should set out for it.

    What is in the pipeline in front of it then still finds room, so that the pipeline needs no
    handshake: no signal of ``ready`` has to reach all of its registers within a cycle. Latency: two
    cycles.

    Parameters
    ----------
    width
        Bits of an element.
    reserve
        Most elements that can still arrive after ``hold`` rose.

    Members
    -------
    i : In(stream.Signature(width, always_ready=True))
    o : Out(stream.Signature(width))
    hold : Out(1)
        Nothing more should set out.
    """

    def __init__(self, *, width: int, reserve: int):
        check_positive(width=width, reserve=reserve)
        self.width = width
        # A power of two, as memories come in such depths, with room for some more than the
        # reserve: it would hold at once otherwise.
        self.reserve = reserve + 2  # `level` and `hold` are a cycle old each
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
