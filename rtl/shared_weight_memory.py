"""Weight rows for several engines, out of one memory."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In

from .checks import check_positive
from .loading import CHUNK_BITS, LoadPlace, LoadSignature, load_target
from .netlist import memory_row
from .weight_memory import WeightSignature, answer_requests


class SharedWeightMemory(wiring.Component):
    """A memory that answers each reader's requests with rows of weights.

    To each reader what `WeightMemory` is: a row a cycle, latency three cycles. Each has a port of
    its own; loading has the first one's, and comes a cycle later than there. A block RAM with two
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
    load : In(LoadSignature())
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
                "load": In(LoadSignature()),
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
        row, chosen = load_target(m, self.load, self.place, len(self.rows))
        writing, chunk = Signal(), Signal.like(self.load.chunk)
        loaded = Signal(CHUNK_BITS)
        m.d.sync += [writing.eq(chosen), chunk.eq(self.load.chunk), loaded.eq(self.load.data)]
        write = rows.write_port(granularity=CHUNK_BITS)
        m.d.comb += [
            write.data.eq(loaded.replicate(chunks)),
            write.en.eq(
                Cat(writing & (chunk == self.place.chunk + index) for index in range(chunks))
            ),
        ]
        for index, reader in enumerate(self.readers):
            # A port without a register, and a register behind it: Yosys makes both one port of a
            # block RAM where it sees that reading and writing take turns. Of a port that has the
            # register already it wants that a row is read as it was before it is written, for
            # which it doubles the memory.
            port = rows.read_port(domain="comb")
            address = Signal.like(port.addr, name=f"address_{index}")
            found = Signal(self.row_bits, name=f"row_{index}", reset_less=True)
            asked = answer_requests(m, reader, found)
            m.d.comb += port.addr.eq(address)
            with m.If(~writing):
                m.d.sync += found.eq(port.data)
            if index == 0:
                m.d.comb += write.addr.eq(address)
                asked = Mux(chosen, row, asked)
            m.d.sync += address.eq(asked)
        return m
