"""One lane of the synapse array."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .checks import check_positive


class Accumulator(wiring.Component):
    """An accumulator and the shadow register behind it.

    A component of its own, with registers of its own, because event-driven simulators are slow
    where a wide vector gathers many numbers that change in every cycle.

    Parameters
    ----------
    weight_bits, sum_bits
        Widths; the caller guarantees that no sum exceeds its width.

    Members
    -------
    weight : In(signed(weight_bits))
    fresh : In(1)
        Start from zero.
    double : In(1)
        Double what there is, then add.
    take, move : In(1)
        Add the weight; move the result into the shadow register.
    sum : Out(signed(sum_bits))
        The shadow register.
    """

    def __init__(self, *, weight_bits: int, sum_bits: int):
        check_positive(weight_bits=weight_bits, sum_bits=sum_bits)
        self.sum_bits = sum_bits
        super().__init__(
            {
                "weight": In(signed(weight_bits)),
                "fresh": In(1),
                "double": In(1),
                "take": In(1),
                "move": In(1),
                "sum": Out(signed(sum_bits)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        held = Signal(signed(self.sum_bits), reset_less=True)
        shadow = Signal(signed(self.sum_bits), reset_less=True)
        total = Signal(signed(self.sum_bits))
        doubled = Cat(Const(0, 1), held[:-1]).as_signed()
        start = Mux(self.fresh, Const(0, signed(self.sum_bits)), Mux(self.double, doubled, held))
        m.d.comb += total.eq(start + self.weight)
        # Mux instead of If: continuous assignments are cheaper to simulate than processes.
        m.d.sync += [
            held.eq(Mux(self.take, total, held)),
            shadow.eq(Mux(self.move, total, shadow)),
        ]
        m.d.comb += self.sum.eq(shadow)
        return m
