"""What a frame costs."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive
from sw_model.spec.hardware.registers import COUNTER_BITS, COUNTERS


class PerformanceCounters(wiring.Component):
    """Counts a frame's cycles by what the synapse array does in them.

    A cycle later than what is counted.

    Parameters
    ----------
    engines
        How many there are; what they do is added up.

    Members
    -------
    start : In(1)
        A frame begins; all counters go to 0.
    running : In(1)
        Count.
    encoding : In(1)
        The encoding layer is under way.
    beat, held, event : In(engines)
        Of each engine's array, as in `Datapath`.
    waiting : In(engines)
        The array has nothing because memory has not given it yet.
    read, written : In(engines)
        A word comes from memory, goes there.
    cycles, events, ... : Out(48)
        As in `sw_model.spec.hardware.registers.COUNTERS`, in lower case.
    """

    def __init__(self, *, engines: int = 1) -> None:
        check_positive(engines=engines)
        flags = ("beat", "held", "event", "waiting", "read", "written")
        super().__init__(
            {
                "start": In(1),
                "running": In(1),
                "encoding": In(1),
                **{name: In(engines) for name in flags},
                **{name.lower(): Out(COUNTER_BITS) for name in COUNTERS},
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        useful = self.event | self.encoding.replicate(len(self.event))
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
            counted = Signal(len(condition), name=f"count_{name}")
            counter = getattr(self, name)
            m.d.sync += counted.eq(Mux(self.running, condition, 0))
            with m.If(counted.any()):
                m.d.sync += counter.eq(counter + sum(counted))
            with m.If(self.start):
                m.d.sync += counter.eq(0)
        return m
