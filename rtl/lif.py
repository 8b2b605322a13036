"""One leaky integrate-and-fire neuron."""

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from sw_model.spec import NeuronSpec

from .checks import check_positive


class LifProcessingElement(wiring.Component):
    """Charge, fire, reset: one timestep a cycle, as `sw_model.spec.neuron.EQUATION` says.

    ``spike`` belongs to the inputs of the same cycle; the membrane moves on when ``enable`` is
    set.

    Parameters
    ----------
    neurons
        The kinds of neuron that it can be, without repetition.
    sum_bits, bias_bits, threshold_bits, membrane_bits
        Widths; all numbers but the threshold are signed. The caller guarantees that no membrane
        exceeds its width.

    Members
    -------
    kind : In(range(len(neurons)))
        Index of the neuron's kind.
    enable : In(1)
    first : In(1)
        This is timestep 0: the membrane before it is ``init``.
    sum, bias : In(signed)
        The current is (sum + bias) << F.
    threshold, init : In
    spike : Out(1)
    """

    def __init__(
        self,
        *,
        neurons: Sequence[NeuronSpec],
        sum_bits: int,
        bias_bits: int,
        threshold_bits: int,
        membrane_bits: int,
    ):
        check_positive(
            neurons=len(neurons),
            sum_bits=sum_bits,
            bias_bits=bias_bits,
            threshold_bits=threshold_bits,
            membrane_bits=membrane_bits,
        )
        self.neurons = tuple(neurons)
        self.membrane_bits = membrane_bits
        super().__init__(
            {
                "kind": In(range(len(neurons))),
                "enable": In(1),
                "first": In(1),
                "sum": In(signed(sum_bits)),
                "bias": In(signed(bias_bits)),
                "threshold": In(unsigned(threshold_bits)),
                "init": In(signed(membrane_bits)),
                "spike": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        membrane = Signal(signed(self.membrane_bits))
        before = Signal.like(membrane)
        charged = Signal.like(membrane)
        after = Signal.like(membrane)
        m.d.comb += [
            before.eq(Mux(self.first, self.init, membrane)),
            self.spike.eq(charged >= self.threshold),
        ]
        with m.Switch(self.kind):
            for kind, neuron in enumerate(self.neurons):
                with m.Case(kind):
                    current = (self.sum + self.bias) << neuron.fractional_bits
                    leak = 0 if neuron.leak is None else before >> neuron.leak
                    reset = 0 if neuron.reset == "hard" else charged - self.threshold
                    m.d.comb += [
                        charged.eq(before - leak + current),
                        after.eq(Mux(self.spike, reset, charged)),
                    ]
        with m.If(self.enable):
            m.d.sync += membrane.eq(after)
        return m
