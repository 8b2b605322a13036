"""The accumulators that events add their weights to."""

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .accumulator import Accumulator
from .checks import check_positive
from .netlist import lanes, whole


class SynapseBeat(data.StructLayout):
    """One step of all accumulators: ``acc = (acc << double) + weights * add``.

    The first beat after a ``last`` one starts from zero.
    """

    def __init__(self, lanes: int, weight_bits: int):
        super().__init__(
            {
                "weights": unsigned(lanes * weight_bits),
                "add": 1,
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
    sums : Out(stream.Signature(lanes * lane_bits))
        Signed numbers, lane 0 in the least significant bits.
    """

    def __init__(self, *, lanes: int, weight_bits: int, lane_bits: int):
        check_positive(lanes=lanes, weight_bits=weight_bits, lane_bits=lane_bits)
        self.lanes = lanes
        self.weight_bits = weight_bits
        self.lane_bits = lane_bits
        super().__init__(
            {
                "beats": In(stream.Signature(SynapseBeat(lanes, weight_bits))),
                "sums": Out(stream.Signature(lanes * lane_bits)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        beat = self.beats.p
        fresh = Signal(init=1)
        taken = Signal()
        move = Signal()
        m.d.comb += [
            self.beats.ready.eq(~beat.last | ~self.sums.valid | self.sums.ready),
            taken.eq(self.beats.valid & self.beats.ready),
            move.eq(taken & beat.last),
        ]
        weights = Signal.like(beat.weights)
        m.d.comb += weights.eq(Mux(beat.add, beat.weights, 0))
        sums = []
        for lane, weight in enumerate(lanes(weights, self.weight_bits)):
            accumulator = Accumulator(weight_bits=self.weight_bits, sum_bits=self.lane_bits)
            m.submodules[f"lane_{lane}"] = accumulator
            m.d.comb += [
                accumulator.weight.eq(weight),
                accumulator.fresh.eq(fresh),
                accumulator.double.eq(beat.double),
                accumulator.take.eq(taken),
                accumulator.move.eq(move),
            ]
            sums.append(accumulator.sum)
        m.d.comb += self.sums.payload.eq(whole(Cat(sums)))

        with m.If(taken):
            m.d.sync += fresh.eq(beat.last)
        with m.If(move):
            m.d.sync += self.sums.valid.eq(1)
        with m.Elif(self.sums.ready):
            m.d.sync += self.sums.valid.eq(0)
        return m
