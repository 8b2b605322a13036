"""The accumulators to which events add their weights."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive
from rtl.stream.vectors import gathered, lanes

from .accumulator import Accumulator


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

    Members
    -------
    weights : In(lanes * weight_bits)
        Signed numbers, lane 0 in the least significant bits.
    take, last : In(1)
        Add the weights; they are the last ones of a sum. ``last`` without ``take`` clears all
        sums; a reset does not.
    sums : Out(stream.Signature(lanes * lane_bits, always_ready=True))
        Signed numbers, lane 0 in the least significant bits.
    """

    def __init__(self, *, lanes: int, weight_bits: int, lane_bits: int):
        check_positive(lanes=lanes, weight_bits=weight_bits, lane_bits=lane_bits)
        self.lanes = lanes
        self.weight_bits = weight_bits
        self.lane_bits = lane_bits
        super().__init__(
            {
                "weights": In(lanes * weight_bits),
                "take": In(1),
                "last": In(1),
                "sums": Out(stream.Signature(lanes * lane_bits, always_ready=True)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        sums = []
        for lane, weight in enumerate(lanes(self.weights, self.weight_bits)):
            accumulator = Accumulator(weight_bits=self.weight_bits, sum_bits=self.lane_bits)
            m.submodules[f"lane_{lane}"] = accumulator
            m.d.comb += [
                accumulator.weight.eq(weight),
                accumulator.take.eq(self.take),
                accumulator.last.eq(self.last),
            ]
            sums.append(accumulator.sum)
        m.d.comb += [
            self.sums.payload.eq(gathered(sums, self.take)),
            self.sums.valid.eq(self.take & self.last),
        ]
        return m
