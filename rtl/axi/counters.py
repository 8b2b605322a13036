"""Performance counters of a frame."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive
from sw_model.spec.hardware.registers import COUNTER_BITS, COUNTERS

from .status import ActivitySignature


class PerformanceCounters(wiring.Component):
    """Counts a frame's cycles by what the synapse array does in them.

    The counters lag one cycle.

    Parameters
    ----------
    engines
        Number of engines; their activity is added up.

    Members
    -------
    start : In(1)
        A frame begins; all counters go to 0.
    running : In(1)
        Count.
    encoding : In(1)
        The encoding layer is in progress.
    activity : In(ActivitySignature(engines))
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
                "activity": In(ActivitySignature(engines)),
                **{name.lower(): Out(COUNTER_BITS) for name in COUNTERS},
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        now = self.activity
        useful = now.event | self.encoding.replicate(len(now.event))
        nothing = ~now.beat & ~now.held
        conditions = {
            "cycles": self.running,
            "events": now.event,
            "busy": now.beat & useful,
            "empty": now.beat & ~useful,
            "stall_output": now.held,
            "stall_input": nothing & now.waiting,
            "stall_change": nothing & ~now.waiting,
            "words_read": now.read,
            "words_written": now.written,
        }
        for name, condition in conditions.items():
            # A register first: the conditions come over long wires.
            counted = Signal(len(condition), name=f"count_{name}")
            counter = getattr(self, name)
            m.d.sync += counted.eq(Mux(self.running, condition, 0))
            with m.If(counted.any()):
                m.d.sync += counter.eq(counter + sum(counted))
            with m.If(self.start):
                m.d.sync += counter.eq(0)
        return m
