"""One memory of weight rows for several engines."""

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

    To each reader it acts like `WeightMemory`: one row per cycle, latency three cycles. Each reader
    has its own port; loading uses the first one. So a block RAM with two ports keeps the weights
    once for two readers, provided that no port reads during a write.

    Parameters
    ----------
    rows
        Weights of each row, lane 0 first.
    weight_bits
        Width of a signed weight.
    load
        Place of its chunks when they are loaded.
    readers
        Number of readers.
    binary
        The few-spike code: requests and answers have ``first``.

    Members
    -------
    readers : In(WeightSignature(...)).array(readers)
    load : In(LOAD_STREAM)
        Only while no reader is active.
    """

    def __init__(
        self,
        *,
        rows: Sequence[Sequence[int]],
        weight_bits: int,
        load: LoadPlace,
        readers: int,
        binary: bool = False,
    ):
        check_positive(rows=len(rows), lanes=len(rows[0]), weight_bits=weight_bits, readers=readers)
        layout = data.ArrayLayout(signed(weight_bits), len(rows[0]))
        self.row_bits = layout.size
        self.rows = [memory_row(layout, list(row)) for row in rows]
        self.place = load
        super().__init__(
            {
                "readers": In(WeightSignature(len(rows), self.row_bits, binary=binary)).array(
                    readers
                ),
                "load": In(LOAD_STREAM),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        # Complete chunks, so that each has its own write enable.
        chunks = -(-self.row_bits // CHUNK_BITS)
        m.submodules.rows = rows = memory.Memory(
            shape=unsigned(chunks * CHUNK_BITS),
            depth=len(self.rows),
            init=self.rows,
            # Any other kind of RAM would have a copy for each reader.
            attrs={"ram_style": "block"},
        )
        loaded = register_chunk(m, self.load, self.place, len(self.rows), chunks)
        write = rows.write_port(granularity=CHUNK_BITS)
        # A cycle after `loaded`, because its row goes through the first port's address register.
        enables = Signal(chunks)
        data = Signal(CHUNK_BITS, reset_less=True)
        m.d.sync += [enables.eq(loaded.enables), data.eq(loaded.data)]
        m.d.comb += [write.data.eq(data.replicate(chunks)), write.en.eq(enables)]
        for index, reader in enumerate(self.readers):
            # As in `LoadableMemory`. A synchronous port would double the memory.
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
