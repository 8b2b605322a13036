"""A memory of which two rows are read in a cycle."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal, Value, unsigned
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from rtl.core.loading import CHUNK_BITS, LoadPlace, load_members, ram_style, register_chunk
from rtl.stream.checks import check_positive


class PairMemory(wiring.Component):
    """Two rows a cycle, through both ports of its block RAM; rows can be loaded.

    A block RAM has two ports. A row that is loaded goes through the address register of the first
    one, so that loading needs no third. Latency: two cycles, for address and memory.

    Parameters
    ----------
    rows
        Contents: an unsigned number for each row.
    row_bits
        Width of a row.
    place
        Place of its chunks when they are loaded; None for a memory that cannot be loaded.

    Members
    -------
    row, second_row : In
        Numbers of the rows.
    data, second_data : Out(row_bits)
    load : In(LOAD_STREAM)
        Only while nothing is read; absent where ``place`` is None.
    """

    def __init__(self, *, rows: Sequence[int], row_bits: int, place: LoadPlace | None = None):
        check_positive(rows=len(rows), row_bits=row_bits)
        self.rows = tuple(rows)
        self.row_bits = row_bits
        self.place = place
        numbers = range(max(2, len(rows)))
        super().__init__(
            {
                "row": In(numbers),
                "second_row": In(numbers),
                "data": Out(row_bits),
                "second_data": Out(row_bits),
                **load_members(place),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        reads = [(self.row, self.data), (self.second_row, self.second_data)]
        if self.place is not None:
            self._read_or_load(m, reads, self.place)
            return m
        m.submodules.rows = rows = memory.Memory(
            shape=unsigned(self.row_bits), depth=len(self.rows), init=self.rows
        )
        for index, (row, found) in enumerate(reads):
            port = rows.read_port(domain="sync")
            address = Signal.like(row, name=f"address_{index}")
            m.d.sync += address.eq(row)
            m.d.comb += [port.addr.eq(address), found.eq(port.data)]
        return m

    def _read_or_load(
        self, m: Module, reads: Sequence[tuple[Value, Value]], place: LoadPlace
    ) -> None:
        # Complete chunks, so that each has its own write enable.
        chunks = -(-self.row_bits // CHUNK_BITS)
        m.submodules.rows = rows = memory.Memory(
            shape=unsigned(chunks * CHUNK_BITS),
            depth=len(self.rows),
            init=self.rows,
            attrs={"ram_style": ram_style(len(self.rows), self.row_bits)},
        )
        loaded = register_chunk(m, self.load, place, len(self.rows), chunks)
        write = rows.write_port(granularity=CHUNK_BITS)
        # A cycle after `loaded`, because its row goes through the first port's address register.
        enables = Signal(chunks)
        data = Signal(CHUNK_BITS, reset_less=True)
        m.d.sync += [enables.eq(loaded.enables), data.eq(loaded.data)]
        m.d.comb += [write.data.eq(data.replicate(chunks)), write.en.eq(enables)]
        for index, (row, found) in enumerate(reads):
            # As in `LoadableMemory`. A synchronous port would double the memory.
            port = rows.read_port(domain="comb")
            address = Signal.like(row, name=f"address_{index}")
            kept = Signal(self.row_bits, name=f"row_{index}", reset_less=True)
            asked: Value = row
            if index == 0:
                asked = Mux(loaded.enables.any(), loaded.row, row)
                m.d.comb += write.addr.eq(address)
            m.d.comb += [port.addr.eq(address), found.eq(kept)]
            m.d.sync += address.eq(asked)
            with m.If(~enables.any()):
                m.d.sync += kept.eq(port.data)
