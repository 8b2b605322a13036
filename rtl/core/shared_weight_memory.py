"""Weight rows for several engines, out of one memory."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In

from rtl.stream.checks import check_positive
from rtl.stream.vectors import memory_row

from .layouts import WeightSignature
from .loading import CHUNK_BITS, LOAD_STREAM, LoadPlace, register_chunk
from .weight_memory import answer_requests


class SharedWeightMemory(wiring.Component):
    """A memory that answers each reader's requests with rows of weights.

    To each reader what `WeightMemory` is: a row a cycle, latency three cycles. Each has a port of
    its own; loading has the first one's. A block RAM with two
    ports therefore keeps the weights once for two readers, as long as no port reads while
    something is written.

    Parameters
    ----------
    rows
        Weights, a row each, lane 0 first.
    weight_bits
        Width of a signed weight.
    load
        Which of the chunks that can be loaded are its own.
    readers
        How many there are.

    Members
    -------
    readers : In(WeightSignature(...)).array(readers)
    load : In(LOAD_STREAM)
        Only while nobody reads.
    """

    def __init__(
        self, *, rows: Sequence[Sequence[int]], weight_bits: int, load: LoadPlace, readers: int
    ):
        check_positive(rows=len(rows), lanes=len(rows[0]), weight_bits=weight_bits, readers=readers)
        layout = data.ArrayLayout(signed(weight_bits), len(rows[0]))
        self.row_bits = layout.size
        self.rows = [memory_row(layout, list(row)) for row in rows]
        self.place = load
        super().__init__(
            {
                "readers": In(WeightSignature(len(rows), self.row_bits)).array(readers),
                "load": In(LOAD_STREAM),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        # Whole chunks, so that each has a write enable of its own.
        chunks = -(-self.row_bits // CHUNK_BITS)
        m.submodules.rows = rows = memory.Memory(
            shape=unsigned(chunks * CHUNK_BITS),
            depth=len(self.rows),
            init=self.rows,
            # Anything else would have a copy for each reader.
            attrs={"ram_style": "block"},
        )
        loaded = register_chunk(m, self.load, self.place, len(self.rows), chunks)
        write = rows.write_port(granularity=CHUNK_BITS)
        # A cycle later than `loaded`, as its row goes through the first port's address register.
        enables = Signal(chunks)
        data = Signal(CHUNK_BITS, reset_less=True)
        m.d.sync += [enables.eq(loaded.enables), data.eq(loaded.data)]
        m.d.comb += [write.data.eq(data.replicate(chunks)), write.en.eq(enables)]
        for index, reader in enumerate(self.readers):
            # As in `LoadableMemory`; with a register of the port's own, the memory would double.
            port = rows.read_port(domain="comb")
            address = Signal.like(port.addr, name=f"address_{index}")
            found = Signal(self.row_bits, name=f"row_{index}", reset_less=True)
            asked = answer_requests(m, reader, found)
            m.d.comb += port.addr.eq(address)
            with m.If(~enables.any()):
                m.d.sync += found.eq(port.data)
            if index == 0:
                m.d.comb += write.addr.eq(address)
                asked = Mux(loaded.enables.any(), loaded.row, asked)
            m.d.sync += address.eq(asked)
        return m
