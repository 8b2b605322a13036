"""The encoding layer's convolution, with tables instead of multipliers."""

from collections.abc import Sequence
from dataclasses import replace

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive
from rtl.stream.vectors import memory_row
from sw_model.spec import TAPS
from sw_model.spec.encoding_tables import TABLE_TAPS, encoding_rows, table, table_bits
from sw_model.spec.fixed_point import WEIGHT_BITS_MAX, signed_width

from .layouts import Plane
from .loading import LoadableMemory, LoadableRegister, LoadPlace, connect_load, load_members


class EncodingLayer(wiring.Component):
    """Sums of nine pixels of each input plane times constant weights, for each channel.

    Distributed arithmetic: for each plane of bits, most significant first, a table gives the sum of
    the weights whose bit is set, which is added to twice the sum so far. The sign planes come
    inverted, so that the table's value is too large by the sum of all weights; the accumulator
    starts from the negative of that sum.

    One plane of bits per cycle; latency two cycles from the last one to the sums, three with
    several input planes, whose tables are added in two cycles. Tables that can be loaded need the
    planes of a window in successive cycles: a cycle without one restarts the sums.

    Parameters
    ----------
    weights
        Nine for each input plane of each channel, tap (ky, kx) of plane p at p * 9 + ky * 3 + kx.
    sum_bits
        Width of the signed sums; the caller guarantees that none exceeds it.
    weight_bits
        Width of weights that can be loaded.
    load
        Place of its chunks when they are loaded: the rows of `sw_model.spec.encoding_tables`, all
        channels side by side. None for constant tables, and with several input planes.

    Members
    -------
    i : In(stream.Signature(Plane(inputs), always_ready=True))
    o : Out(stream.Signature(channels * sum_bits, always_ready=True))
        Signed numbers, channel 0 in the least significant bits.
    load : In(LOAD_STREAM)
        Absent where the tables are constant.
    """

    def __init__(
        self,
        *,
        weights: Sequence[Sequence[int]],
        sum_bits: int,
        weight_bits: int = WEIGHT_BITS_MAX,
        load: LoadPlace | None = None,
    ):
        check_positive(channels=len(weights), sum_bits=sum_bits)
        self.channels = len(weights)
        self.inputs = len(weights[0]) // TAPS
        self.weights = [[int(weight) for weight in channel] for channel in weights]
        self.sum_bits = sum_bits
        self.weight_bits = weight_bits
        self.place = load
        super().__init__(
            {
                "i": In(stream.Signature(Plane(self.inputs), always_ready=True)),
                "o": Out(stream.Signature(self.channels * sum_bits, always_ready=True)),
                **load_members(load),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        plane = self.i.p
        # `last` without `valid`, as after a reset, sets the accumulators to their start.
        valid, first, last = Signal(), Signal(), Signal(init=1)
        arriving: tuple[Value, ...] = self.i.valid, plane.first, plane.last
        if self.inputs > 1:
            stage = Signal(), Signal(), Signal(init=1)
            m.d.sync += [now.eq(old) for now, old in zip(stage, arriving, strict=True)]
            arriving = stage
        m.d.sync += [
            valid.eq(arriving[0]),
            first.eq(arriving[1]),
            last.eq(arriving[2]),
            self.o.valid.eq(valid & last),
        ]
        loaded = [] if self.place is None else self._loadable_tables(m, plane.bits)
        sums = []
        for channel, weights in enumerate(self.weights):
            bits = signed_width(
                sum(min(weight, 0) for weight in weights),
                sum(max(weight, 0) for weight in weights),
            )
            tables: list[Value] = [
                _table(weights[low:high], plane.bits[low:high], bits)
                for tap in range(0, len(weights), TAPS)
                for low, high in ((tap, tap + TABLE_TAPS), (tap + TABLE_TAPS, tap + TAPS))
            ]
            if self.inputs > 1:
                tables = self._registered_pairs(m, channel, tables, bits)
            start: Value = Const(-sum(weights), signed(bits + 1))
            # Between two pixels the accumulators hold their start value.
            restart: Value = last
            if self.place is not None:
                bits = table_bits(self.weight_bits)
                *tables, start = (row.word_select(channel, bits).as_signed() for row in loaded)
                restart = last | ~valid
            weighted = Signal(signed(bits), name=f"weighted_{channel}", reset_less=True)
            # Half of the start value; its odd bit is put where doubling leaves a bit free.
            shape = signed(self.sum_bits)
            init = -sum(weights) >> 1
            held = Signal(shape, init=init, name=f"held_{channel}", reset_less=True)
            total = Signal(shape, name=f"total_{channel}")
            whole_sum = Signal(shape, name=f"sum_{channel}", reset_less=True)
            doubled = Cat(first & start[0], held[:-1]).as_signed()
            m.d.sync += [
                weighted.eq(_sum(tables)),
                held.eq(Mux(restart, start >> 1, Mux(valid, total, held))),
                whole_sum.eq(total),
            ]
            m.d.comb += total.eq(doubled + weighted)
            sums.append(whole_sum)
        m.d.comb += self.o.payload.eq(Cat(sums))
        return m

    def _registered_pairs(
        self, m: Module, channel: int, tables: list[Value], bits: int
    ) -> list[Value]:
        """Return the sum of both tables of each input plane, a cycle later."""
        sums: list[Value] = []
        for index in range(self.inputs):
            pair = Signal(signed(bits), name=f"input_{channel}_{index}", reset_less=True)
            m.d.sync += pair.eq(tables[2 * index] + tables[2 * index + 1])
            sums.append(pair)
        return sums

    def _loadable_tables(self, m: Module, bits: Value) -> list[Value]:
        """Return what both tables give for a plane, and the accumulators' start values."""
        assert self.place is not None
        width = table_bits(self.weight_bits)
        layout = data.ArrayLayout(signed(width), self.channels)
        rows = [memory_row(layout, list(row)) for row in encoding_rows(self.weights)]
        found, first = [], 0
        for name, depth, address in (
            ("low", 1 << TABLE_TAPS, bits[:TABLE_TAPS]),
            ("high", 1 << (TAPS - TABLE_TAPS), bits[TABLE_TAPS:]),
        ):
            m.submodules[name] = memory = LoadableMemory(
                rows=rows[first:][:depth],
                row_bits=layout.size,
                read="comb",
                place=replace(self.place, row=first),
            )
            connect_load(m, self, memory)
            m.d.comb += memory.address.eq(address)
            found.append(memory.data)
            first += depth
        m.submodules.start = start = LoadableRegister(
            row=rows[first], row_bits=layout.size, place=replace(self.place, row=first)
        )
        connect_load(m, self, start)
        return [*found, start.data]


def _sum(values: Sequence[Value]) -> Value:
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total


def _table(weights: Sequence[int], chosen: Value, bits: int) -> Value:
    """Return the sum of the weights whose bit is set, by a constant table for each of its bits."""
    entries = table(weights)
    return Cat(
        Const(
            sum((value >> bit & 1) << entry for entry, value in enumerate(entries)), len(entries)
        ).bit_select(chosen, 1)
        for bit in range(bits)
    ).as_signed()
