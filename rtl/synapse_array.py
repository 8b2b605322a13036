"""The accumulators that events add their weights to."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .checks import check_positive


class SynapseBeat(data.StructLayout):
    """One step of all accumulators: ``acc = (acc << double) + (-1)^negate * weights * add``.

    The first beat after a ``last`` one starts from zero.
    """

    def __init__(self, lanes: int, weight_bits: int):
        super().__init__(
            {
                "weights": data.ArrayLayout(signed(weight_bits), lanes),
                "add": 1,
                "negate": 1,
                "double": 1,
                "last": 1,
            }
        )


class SynapseArray(wiring.Component):
    """Accumulators, one a lane, with shadow registers behind them.

    A beat a cycle. At a ``last`` beat the sums move into the shadow registers, where they wait to
    be taken while the accumulators go on. Latency: one cycle from the last beat to the sums.

    Parameters
    ----------
    lanes
        Number of accumulators.
    weight_bits
        Width of a signed weight.
    lane_bits
        Width of a signed accumulator; the caller guarantees that no sum exceeds it.

    Members
    -------
    beats : In(stream.Signature(SynapseBeat(lanes, weight_bits)))
    sums : Out(stream.Signature(ArrayLayout(signed(lane_bits), lanes)))
    """

    def __init__(self, *, lanes: int, weight_bits: int, lane_bits: int):
        check_positive(lanes=lanes, weight_bits=weight_bits, lane_bits=lane_bits)
        self.lanes = lanes
        self.lane_bits = lane_bits
        super().__init__(
            {
                "beats": In(stream.Signature(SynapseBeat(lanes, weight_bits))),
                "sums": Out(stream.Signature(data.ArrayLayout(signed(lane_bits), lanes))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        beat = self.beats.p
        fresh = Signal(init=1)
        accumulators = Signal(data.ArrayLayout(signed(self.lane_bits), self.lanes))

        totals = []
        for lane in range(self.lanes):
            old = accumulators[lane]
            start = Mux(fresh, 0, Mux(beat.double, old << 1, old))
            weight = beat.weights[lane]
            # Two's complement: -w is ~w + 1, the 1 going in as the adder's carry.
            addend = Mux(beat.add, Mux(beat.negate, ~weight, weight), 0)
            total = Signal(signed(self.lane_bits), name=f"total_{lane}")
            m.d.comb += total.eq(start + addend + (beat.add & beat.negate))
            totals.append(total)

        m.d.comb += self.beats.ready.eq(~beat.last | ~self.sums.valid | self.sums.ready)
        taken = self.beats.valid & self.beats.ready
        with m.If(taken):
            # Whole vectors: simulators pay for each slice of a register assigned on its own.
            m.d.sync += [accumulators.as_value().eq(Cat(totals)), fresh.eq(beat.last)]
        with m.If(taken & beat.last):
            m.d.sync += [self.sums.payload.as_value().eq(Cat(totals)), self.sums.valid.eq(1)]
        with m.Elif(self.sums.ready):
            m.d.sync += self.sums.valid.eq(0)
        return m
