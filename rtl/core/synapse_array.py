"""The accumulators to which events add their weights."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive
from rtl.stream.vectors import gathered, lanes


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
    binary
        The few-spike code: the sum doubles from word to word.

    Members
    -------
    weight : In(signed(weight_bits))
    take : In(1)
        Add the weight.
    last : In(1)
        Start from zero afterwards.
    first : In(1)
        First weight of a word: double the sum so far. Only if ``binary``.
    sum : Out(signed(sum_bits))
        The sum so far, this weight included.
    """

    def __init__(self, *, weight_bits: int, sum_bits: int, binary: bool = False):
        check_positive(weight_bits=weight_bits, sum_bits=sum_bits)
        self.sum_bits = sum_bits
        self.binary = binary
        super().__init__(
            {
                "weight": In(signed(weight_bits)),
                "take": In(1),
                "last": In(1),
                "sum": Out(signed(sum_bits)),
                **({"first": In(1)} if binary else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        held = Signal(signed(self.sum_bits), reset_less=True)
        # In front of the adder: its lookup tables have an input left for it.
        before = Mux(self.first, held << 1, held) if self.binary else held
        m.d.comb += self.sum.eq(before + self.weight)
        # Mux instead of If: continuous assignments are cheaper to simulate than processes.
        m.d.sync += held.eq(Mux(self.last, 0, Mux(self.take, self.sum, held)))
        return m


class SynapseArray(wiring.Component):
    """Accumulators, one for each lane.

    It takes one row of weights per cycle. The sums of a word are valid only in the cycle of its
    last row: the scatter has the registers that keep them.

    Parameters
    ----------
    lanes
        Number of accumulators.
    weight_bits
        Width of a signed weight.
    lane_bits
        Width of a signed accumulator; the caller guarantees that no sum exceeds it.
    binary
        The few-spike code: the sums double from word to word.

    Members
    -------
    weights : In(lanes * weight_bits)
        Signed numbers, lane 0 in the least significant bits.
    take, last : In(1)
        Add the weights; they are the last ones of a sum. ``last`` without ``take`` clears all
        sums; a reset does not.
    first : In(1)
        They are the first ones of a word. Only if ``binary``.
    sums : Out(stream.Signature(lanes * lane_bits, always_ready=True))
        Signed numbers, lane 0 in the least significant bits.
    """

    def __init__(self, *, lanes: int, weight_bits: int, lane_bits: int, binary: bool = False):
        check_positive(lanes=lanes, weight_bits=weight_bits, lane_bits=lane_bits)
        self.lanes = lanes
        self.weight_bits = weight_bits
        self.lane_bits = lane_bits
        self.binary = binary
        super().__init__(
            {
                "weights": In(lanes * weight_bits),
                "take": In(1),
                "last": In(1),
                **({"first": In(1)} if binary else {}),
                "sums": Out(stream.Signature(lanes * lane_bits, always_ready=True)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        sums = []
        for lane, weight in enumerate(lanes(self.weights, self.weight_bits)):
            accumulator = Accumulator(
                weight_bits=self.weight_bits, sum_bits=self.lane_bits, binary=self.binary
            )
            m.submodules[f"lane_{lane}"] = accumulator
            m.d.comb += [
                accumulator.weight.eq(weight),
                accumulator.take.eq(self.take),
                accumulator.last.eq(self.last),
            ]
            if self.binary:
                m.d.comb += accumulator.first.eq(self.first)
            sums.append(accumulator.sum)
        m.d.comb += [
            self.sums.payload.eq(gathered(sums, self.take)),
            self.sums.valid.eq(self.take & self.last),
        ]
        return m
