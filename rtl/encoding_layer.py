"""The encoding layer's convolution, by tables instead of multipliers."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from sw_model.spec.fixed_point import signed_width

from .checks import check_positive
from .pixel_window import Plane

TABLE_TAPS = 4
"""Taps of the first table; a table of four inputs is one LUT4 a bit, one of five two."""


class EncodingLayer(wiring.Component):
    """Sums of nine pixels times nine constant weights, for each channel.

    Distributed arithmetic: for each plane of bits, most significant first, a table gives the sum of
    the weights where the bit is set, which is added to twice the sum so far. The planes of the
    signs come inverted: the table then gives the sum of all weights too much, and that sum's
    negative is where the accumulator starts.

    A plane a cycle; latency two cycles from the last plane to the sums.

    Parameters
    ----------
    weights
        Nine of each channel, tap (ky, kx) at ky * 3 + kx.
    sum_bits
        Width of the signed sums; the caller guarantees that none exceeds it.

    Members
    -------
    planes : In(stream.Signature(Plane(), always_ready=True))
    sums : Out(stream.Signature(len(weights) * sum_bits, always_ready=True))
        Signed numbers, channel 0 in the least significant bits.
    """

    def __init__(self, *, weights: Sequence[Sequence[int]], sum_bits: int):
        check_positive(channels=len(weights), sum_bits=sum_bits)
        self.weights = [[int(weight) for weight in channel] for channel in weights]
        self.sum_bits = sum_bits
        super().__init__(
            {
                "planes": In(stream.Signature(Plane(), always_ready=True)),
                "sums": Out(stream.Signature(len(weights) * sum_bits, always_ready=True)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        plane = self.planes.p
        # `last` without `valid`, as after a reset, sets the accumulators to their start.
        valid, first, last = Signal(), Signal(), Signal(init=1)
        m.d.sync += [
            valid.eq(self.planes.valid),
            first.eq(plane.first),
            last.eq(plane.last),
            self.sums.valid.eq(valid & last),
        ]
        sums = []
        for channel, weights in enumerate(self.weights):
            bits = signed_width(
                sum(min(weight, 0) for weight in weights), sum(max(weight, 0) for weight in weights)
            )
            tables = [
                _table(weights[:TABLE_TAPS], plane.bits[:TABLE_TAPS], bits),
                _table(weights[TABLE_TAPS:], plane.bits[TABLE_TAPS:], bits),
            ]
            weighted = Signal(signed(bits), name=f"weighted_{channel}", reset_less=True)
            start = -sum(weights)
            # Half of the start; the other half's odd bit takes the place that doubling leaves free.
            shape = signed(self.sum_bits)
            held = Signal(shape, init=start >> 1, name=f"held_{channel}", reset_less=True)
            total = Signal(shape, name=f"total_{channel}")
            whole_sum = Signal(shape, name=f"sum_{channel}", reset_less=True)
            doubled = Cat(first & (start & 1), held[:-1]).as_signed()
            m.d.sync += [
                weighted.eq(tables[0] + tables[1]),
                held.eq(Mux(last, start >> 1, Mux(valid, total, held))),
                whole_sum.eq(total),
            ]
            m.d.comb += total.eq(doubled + weighted)
            sums.append(whole_sum)
        m.d.comb += self.sums.payload.eq(Cat(sums))
        return m


def _table(weights: Sequence[int], chosen: Value, bits: int) -> Value:
    """The sum of the weights whose bit is set: a constant table for each bit of the sum."""
    entries = [
        sum(weight for index, weight in enumerate(weights) if entry >> index & 1)
        for entry in range(1 << len(weights))
    ]
    return Cat(
        Const(
            sum((value >> bit & 1) << entry for entry, value in enumerate(entries)), len(entries)
        ).bit_select(chosen, 1)
        for bit in range(bits)
    ).as_signed()
