"""One lane of the synapse array."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive


class Accumulator(wiring.Component):
    """Adds weights until the last one, then starts from zero.

    It is a component with its own register because event-driven simulators are slow where a wide
    vector gathers many numbers that change in every cycle. Its only logic is an adder: `take` and
    `last` become the register's clock enable and synchronous reset. No other reset reaches it: the
    sender of the weights clears it.

    Parameters
    ----------
    weight_bits, sum_bits
        Widths; the caller guarantees that no sum exceeds its width.

    Members
    -------
    weight : In(signed(weight_bits))
    take : In(1)
        Add the weight.
    last : In(1)
        Start from zero afterwards.
    sum : Out(signed(sum_bits))
        The sum so far, this weight included.
    """

    def __init__(self, *, weight_bits: int, sum_bits: int):
        check_positive(weight_bits=weight_bits, sum_bits=sum_bits)
        self.sum_bits = sum_bits
        super().__init__(
            {
                "weight": In(signed(weight_bits)),
                "take": In(1),
                "last": In(1),
                "sum": Out(signed(sum_bits)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        held = Signal(signed(self.sum_bits), reset_less=True)
        m.d.comb += self.sum.eq(held + self.weight)
        # Mux instead of If: continuous assignments are cheaper to simulate than processes.
        m.d.sync += held.eq(Mux(self.last, 0, Mux(self.take, self.sum, held)))
        return m
