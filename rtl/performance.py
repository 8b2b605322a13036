"""What a frame costs."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from sw_model.spec.registers import COUNTER_BITS, COUNTERS


class PerformanceCounters(wiring.Component):
    """Counts a frame's cycles by what the synapse array does in them.

    A cycle later than what is counted.

    Members
    -------
    start : In(1)
        A frame begins; all counters go to 0.
    running : In(1)
        Count.
    beat, held, event, encoding : In(1)
        Of the array, as in `Datapath`; the encoding layer is under way.
    waiting : In(1)
        The array has nothing because memory has not given it yet.
    read, written : In(1)
        A word comes from memory, goes there.
    cycles, events, ... : Out(48)
        As in `sw_model.spec.registers.COUNTERS`, in lower case.
    """

    def __init__(self) -> None:
        flags = ("beat", "held", "event", "encoding", "waiting", "read", "written")
        super().__init__(
            {
                "start": In(1),
                "running": In(1),
                **{name: In(1) for name in flags},
                **{name.lower(): Out(COUNTER_BITS) for name in COUNTERS},
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        useful = self.event | self.encoding
        nothing = ~self.beat & ~self.held
        conditions = {
            "cycles": self.running,
            "events": self.event,
            "busy": self.beat & useful,
            "empty": self.beat & ~useful,
            "stall_output": self.held,
            "stall_input": nothing & self.waiting,
            "stall_change": nothing & ~self.waiting,
            "words_read": self.read,
            "words_written": self.written,
        }
        for name, condition in conditions.items():
            # A register in front: the conditions come from all over the design.
            counted = Signal(name=f"count_{name}")
            counter = getattr(self, name)
            m.d.sync += counted.eq(condition & self.running)
            with m.If(counted):
                m.d.sync += counter.eq(counter + 1)
            with m.If(self.start):
                m.d.sync += counter.eq(0)
        return m
