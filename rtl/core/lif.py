"""One leaky integrate-and-fire neuron."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive
from sw_model.spec import NeuronSpec

from .layouts import NeuronWidths


class LifProcessingElement(wiring.Component):
    """Charge, fire, reset: one timestep a cycle, as `sw_model.spec.neuron.EQUATION` says.

    A sum takes three cycles. The first two give the current, and the current minus the threshold.
    In the third, the membrane is added to both in parallel, so that fire and reset need no
    comparison after the charge. Where no neuron leaks, the path from one membrane to the next is
    only one addition and one multiplexer.

    Parameters
    ----------
    neurons
        Kinds of neuron that it can act as, without repetition.
    widths
        Widths of its numbers.

    Members
    -------
    kind : In(range(len(neurons)))
        Index of the neuron's kind.
    sum, bias : In(signed)
        The current is (sum + carry + bias) << F, a cycle later.
    carry : In(1)
        Rounding carry of the sum.
    take : In(1)
        A cycle after the sum: store the current for the following timesteps.
    enable : In(1)
        From the cycle after ``take`` on: run a timestep with the stored current.
    first : In(1)
        The timestep is 0: the membrane before it is ``init``.
    threshold, init : In
    spike : Out(1)
        The spike of this timestep, in the cycle of ``enable``.
    """

    def __init__(self, *, neurons: Sequence[NeuronSpec], widths: NeuronWidths):
        check_positive(neurons=len(neurons))
        self.neurons = tuple(neurons)
        self.widths = widths
        self._excess_bits = max(widths.current, widths.threshold + 1) + 1
        super().__init__(
            {
                "kind": In(range(len(neurons))),
                "take": In(1),
                "enable": In(1),
                "first": In(1),
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
        # Needs no reset: the first timestep replaces the membrane by `init`.
        membrane = Signal(signed(self.widths.membrane), reset_less=True)
        before, leaked = Signal.like(membrane), Signal.like(membrane)
        charged, after = Signal.like(membrane), Signal.like(membrane)
        arriving = Signal(signed(self.widths.current), reset_less=True)
        current = Signal.like(arriving)
        excess = Signal(signed(self._excess_bits), reset_less=True)
        # The charged membrane minus the threshold; the neuron fires if it is not negative.
        beyond = Signal(signed(max(self.widths.membrane, self._excess_bits) + 1))
        m.d.comb += [
            before.eq(Mux(self.first, self.init, membrane)),
            charged.eq(leaked + current),
            beyond.eq(leaked + excess),
            self.spike.eq(beyond >= 0),
        ]
        # The carry enters the same adder, in an extra lowest bit, instead of a second adder.
        halves = Cat(self.carry, self.sum).as_signed() + Cat(Const(1, 1), self.bias).as_signed()
        with m.Switch(self.kind):
            for kind, neuron in enumerate(self.neurons):
                with m.Case(kind):
                    leak = 0 if neuron.leak is None else before >> neuron.leak
                    reset = 0 if neuron.reset == "hard" else beyond
                    m.d.sync += arriving.eq((halves >> 1) << neuron.fractional_bits)
                    m.d.comb += [
                        leaked.eq(before - leak),
                        after.eq(Mux(self.spike, reset, charged)),
                    ]
        with m.If(self.take):
            m.d.sync += [current.eq(arriving), excess.eq(arriving - self.threshold)]
        with m.If(self.enable):
            m.d.sync += membrane.eq(after)
        return m
