"""The encoding layer's convolution, by tables instead of multipliers."""

from collections.abc import Sequence
from dataclasses import replace

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive
from rtl.stream.vectors import memory_row
from sw_model.spec import TAPS
from sw_model.spec.encoding_tables import TABLE_TAPS, encoding_rows, table, table_bits
from sw_model.spec.fixed_point import WEIGHT_BITS_MAX, signed_width
from sw_model.spec.packing import pass_channels

from .layouts import Plane
from .loading import LoadableMemory, LoadableRegister, LoadPlace, connect_load, load_members


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
    weight_bits
        Width of weights that can be loaded.
    load
        Which of the chunks that can be loaded are its own: the rows of
        `sw_model.spec.encoding_tables`, all channels side by side, with several passes each
        table of all of them before the next. None for constant tables.
    passes
        How many sets of channels take turns; ``weights`` has those of the first one first.
        No generator makes more than one: `rtl.explore.command` asks what that would cost, as in
        `ChannelGroup`.

    Members
    -------
    i : In(stream.Signature(Plane(), always_ready=True))
    part : In(range(passes))
        The set of channels, constant while an image goes through; absent where there is one.
    o : Out(stream.Signature(channels * sum_bits, always_ready=True))
        Signed numbers, channel 0 in the least significant bits; ``channels`` is
        ``len(weights) // passes``.
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
        passes: int = 1,
    ):
        check_positive(channels=len(weights), sum_bits=sum_bits, passes=passes)
        self.channels = pass_channels(len(weights), passes)
        self.parts = [
            [[int(weight) for weight in channel] for channel in weights[first:][: self.channels]]
            for first in range(0, len(weights), self.channels)
        ]
        self.sum_bits = sum_bits
        self.weight_bits = weight_bits
        self.place = load
        super().__init__(
            {
                "i": In(stream.Signature(Plane(), always_ready=True)),
                **({"part": In(range(passes))} if passes > 1 else {}),
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
        m.d.sync += [
            valid.eq(self.i.valid),
            first.eq(plane.first),
            last.eq(plane.last),
            self.o.valid.eq(valid & last),
        ]
        # Another set of channels has another start, which comes when the last pixel has gone.
        between = Signal(init=1)
        if len(self.parts) > 1:
            with m.If(valid):
                m.d.sync += between.eq(last)
        loaded = [] if self.place is None else self._loadable_tables(m, plane.bits)
        sums = []
        for channel, several in enumerate(zip(*self.parts, strict=True)):
            bits = signed_width(
                min(sum(min(weight, 0) for weight in weights) for weights in several),
                max(sum(max(weight, 0) for weight in weights) for weights in several),
            )
            tables = [
                self._chosen([_table(weights[taps], plane.bits[taps], bits) for weights in several])
                for taps in (slice(TABLE_TAPS), slice(TABLE_TAPS, TAPS))
            ]
            start = self._chosen(
                [Const(-sum(weights), signed(bits + 1)) for weights in several]
            ).as_signed()
            # Between two pixels the accumulators are at their start; the constant one stays there.
            restart: Value = last
            if self.place is not None:
                bits = table_bits(self.weight_bits)
                *tables, start = (row.word_select(channel, bits).as_signed() for row in loaded)
                restart = last | ~valid
            if len(several) > 1:
                restart = Mux(valid, last, between)
            weighted = Signal(signed(bits), name=f"weighted_{channel}", reset_less=True)
            # Half of the start; the other half's odd bit takes the place that doubling leaves free.
            shape = signed(self.sum_bits)
            init = -sum(several[0]) >> 1
            held = Signal(shape, init=init, name=f"held_{channel}", reset_less=True)
            total = Signal(shape, name=f"total_{channel}")
            whole_sum = Signal(shape, name=f"sum_{channel}", reset_less=True)
            doubled = Cat(first & start[0], held[:-1]).as_signed()
            m.d.sync += [
                weighted.eq(tables[0] + tables[1]),
                held.eq(Mux(restart, start >> 1, Mux(valid, total, held))),
                whole_sum.eq(total),
            ]
            m.d.comb += total.eq(doubled + weighted)
            sums.append(whole_sum)
        m.d.comb += self.o.payload.eq(Cat(sums))
        return m

    def _chosen(self, values: Sequence[Value]) -> Value:
        """The value of the set of channels under way."""
        return values[0] if len(values) == 1 else Value.cast(Array(values)[self.part])

    def _loadable_tables(self, m: Module, bits: Value) -> list[Value]:
        """What both tables give for a plane, and where accumulators start."""
        assert self.place is not None
        width = table_bits(self.weight_bits)
        layout = data.ArrayLayout(signed(width), self.channels)
        rows = [
            [memory_row(layout, list(row)) for row in encoding_rows(weights)]
            for weights in self.parts
        ]
        part = () if len(rows) == 1 else (self.part,)
        found, begin, first = [], 0, 0
        for name, depth, address in (
            ("low", 1 << TABLE_TAPS, bits[:TABLE_TAPS]),
            ("high", 1 << (TAPS - TABLE_TAPS), bits[TABLE_TAPS:]),
        ):
            table_rows = [row for mine in rows for row in mine[begin:][:depth]]
            m.submodules[name] = memory = LoadableMemory(
                rows=table_rows,
                row_bits=layout.size,
                read="comb",
                place=replace(self.place, row=first),
            )
            connect_load(m, self, memory)
            m.d.comb += memory.address.eq(Cat(address, *part))
            found.append(memory.data)
            begin += depth
            first += len(table_rows)
        place = replace(self.place, row=first)
        starts = [mine[begin] for mine in rows]
        start: LoadableRegister | LoadableMemory
        if len(starts) == 1:
            start = LoadableRegister(row=starts[0], row_bits=layout.size, place=place)
        else:
            start = LoadableMemory(rows=starts, row_bits=layout.size, read="comb", place=place)
            m.d.comb += start.address.eq(self.part)
        m.submodules.start = start
        connect_load(m, self, start)
        return [*found, start.data]


def _table(weights: Sequence[int], chosen: Value, bits: int) -> Value:
    """The sum of the weights whose bit is set: a constant table for each bit of the sum."""
    entries = table(weights)
    return Cat(
        Const(
            sum((value >> bit & 1) << entry for entry, value in enumerate(entries)), len(entries)
        ).bit_select(chosen, 1)
        for bit in range(bits)
    ).as_signed()
