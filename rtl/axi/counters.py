"""What a frame costs."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive
from sw_model.spec.hardware.registers import COUNTER_BITS, COUNTERS

from .status import ActivitySignature


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
    active : In(engines)
        The engines that have a row of the frame.
    activity : In(ActivitySignature()).array(engines)
    cycles, events, ... : Out(48)
        As in `sw_model.spec.hardware.registers.COUNTERS`, in lower case.
    """

    def __init__(self, *, engines: int = 1) -> None:
        check_positive(engines=engines)
        super().__init__(
            {
                "start": In(1),
                "running": In(1),
                "encoding": In(1),
                "active": In(engines),
                "activity": In(ActivitySignature()).array(engines),
                **{name.lower(): Out(COUNTER_BITS) for name in COUNTERS},
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        beat = Cat(engine.beat for engine in self.activity)
        held = Cat(engine.held for engine in self.activity)
        event = Cat(engine.event for engine in self.activity)
        waiting = Cat(engine.waiting for engine in self.activity) & self.active
        useful = event | self.encoding.replicate(len(event))
        nothing = ~beat & ~held
        conditions = {
            "cycles": self.running,
            "events": event,
            "busy": beat & useful,
            "empty": beat & ~useful,
            "stall_output": held,
            "stall_input": nothing & waiting,
            "stall_change": nothing & ~waiting,
            "words_read": Cat(engine.read for engine in self.activity),
            "words_written": Cat(engine.written for engine in self.activity),
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
