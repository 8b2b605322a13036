"""One neuron of the few-spike code."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive

from .layouts import NeuronWidths


class FewSpikeProcessingElement(wiring.Component):
    """Charges once a pixel, then gives a spike a cycle, as `sw_model.spec.neuron.BINARY_EQUATION`.

    The membrane doubles every step while the threshold stays, so that no threshold is shifted and
    the subtraction is only as wide as the membrane: ``timesteps - 1`` bits below it hold what has
    not been compared yet. A sum takes three cycles until its first spike: one for the current, one
    for the membrane, one for the comparison.

    Parameters
    ----------
    timesteps
        T.
    widths
        Widths of its numbers.

    Members
    -------
    sum, bias : In(signed)
        The current is sum + carry + bias, a cycle later.
    carry : In(1)
        Rounding carry of the sum.
    take : In(1)
        A cycle after the sum: charge the membrane with current and ``init``. It ends the pixel
        before.
    enable : In(1)
        From the cycle after ``take`` on: run a timestep.
    threshold, init : In
    spike : Out(1)
        The spike of this timestep, in the cycle of ``enable``; the first one counts most.
    """

    def __init__(self, *, timesteps: int, widths: NeuronWidths):
        check_positive(timesteps=timesteps)
        self.timesteps = timesteps
        self.widths = widths
        super().__init__(
            {
                "take": In(1),
                "enable": In(1),
                "sum": In(signed(widths.sum)),
                "carry": In(1),
                "bias": In(signed(widths.bias)),
                "threshold": In(unsigned(widths.threshold)),
                "init": In(signed(widths.membrane)),
                "spike": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        widths, below = self.widths, self.timesteps - 1
        current = Signal(signed(widths.current), reset_less=True)
        charged = Signal(signed(widths.membrane))
        # Needs no reset: `take` replaces it.
        membrane = Signal(signed(widths.membrane + below), reset_less=True)
        # The membrane in units of the threshold of this step, and what a spike leaves of it.
        reached = Signal(signed(widths.membrane))
        beyond = Signal(signed(max(widths.membrane, widths.threshold + 1) + 1))
        # The carry enters the same adder, in an extra lowest bit, instead of a second adder.
        halves = Cat(self.carry, self.sum).as_signed() + Cat(Const(1, 1), self.bias).as_signed()
        m.d.sync += current.eq(halves >> 1)
        m.d.comb += [
            charged.eq(current + self.init),
            reached.eq(membrane >> below),
            beyond.eq(reached - self.threshold),
            self.spike.eq(beyond >= 0),
        ]
        left = Cat(membrane[:below], Mux(self.spike, beyond, reached)[: widths.membrane])
        with m.If(self.take):
            m.d.sync += membrane.eq(charged)
        with m.Elif(self.enable):
            m.d.sync += membrane.eq(left << 1)
        return m
