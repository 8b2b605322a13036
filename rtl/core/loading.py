"""Memories of a deployment's numbers, which can be loaded with those of another deployment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive
from sw_model.spec.hardware.registers import REGISTER_BITS, REGISTERS, load_memory

CHUNK_BITS = REGISTER_BITS
"""Width of one write of LOAD_DATA."""
_BLOCK_BITS = 4096
"""Smallest memory, in bits, that is put into block RAM; a block has 18 432 bits."""


class LoadChunk(data.StructLayout):
    """A chunk and its destination: the fields of the register LOAD_ADDRESS."""

    def __init__(self) -> None:
        fields = {field.name: field.bits for field in REGISTERS["LOAD_ADDRESS"].fields}
        super().__init__({**fields, "data": CHUNK_BITS})


LOAD_STREAM = stream.Signature(LoadChunk(), always_ready=True)
"""Chunks for the memories, as seen by their sender; always accepted."""


@dataclass(frozen=True)
class LoadPlace:
    """The chunks that belong to a memory.

    Attributes
    ----------
    name
        One of `sw_model.spec.hardware.registers.LOAD_MEMORIES`; several memories may share it.
    row, chunk
        Numbers of its first row and of the first chunk of its rows.
    """

    name: str
    row: int = 0
    chunk: int = 0


def load_members(place: LoadPlace | None) -> dict[str, wiring.Member]:
    """Return the member ``load`` of a component that can be loaded; none without a place."""
    return {} if place is None else {"load": In(LOAD_STREAM)}


def load_target(
    m: Module, load: wiring.PureInterface, place: LoadPlace, rows: int
) -> tuple[Signal, Signal]:
    """Return a chunk's row in a memory of ``rows`` rows, and whether it belongs to the memory."""
    row, chosen = Signal(len(load.p.row), name="row"), Signal()
    m.d.comb += [
        # Rows before the first one wrap around to numbers beyond the last one.
        row.eq(load.p.row - place.row),
        chosen.eq(load.valid & (load.p.memory == load_memory(place.name)) & (row < rows)),
    ]
    return row, chosen


def connect_load(m: Module, outer: wiring.Component, *inner: wiring.Component) -> None:
    """Connect a component's ``load`` to the inner components that can be loaded."""
    for component in inner:
        if "load" in component.signature.members:
            wiring.connect(m, wiring.flipped(outer.load), component.load)


@dataclass(frozen=True)
class LoadedChunk:
    """A chunk in registers in front of a memory, made by `register_chunk`.

    Attributes
    ----------
    enables
        Write enables of a row's chunks; at most one is set.
    row, data
        Row and content of the chunk.
    """

    enables: Signal
    row: Signal
    data: Signal


def register_chunk(
    m: Module, load: wiring.PureInterface, place: LoadPlace, rows: int, chunks: int
) -> LoadedChunk:
    """Return registers that hold a chunk loaded into a memory, a cycle later.

    Chunks come over long wires and go to all blocks of a large memory. The registers only take
    chunks for this memory, so they differ from those of all others: synthesis would merge equal
    registers, even those of memories far apart on the chip.

    Parameters
    ----------
    rows, chunks
        Numbers of rows and of chunks per row.
    """
    row, chosen = load_target(m, load, place, rows)
    chunk = LoadedChunk(
        enables=Signal(chunks, name="load_enables"),
        row=Signal(range(max(2, rows)), name="load_row", reset_less=True),
        data=Signal(CHUNK_BITS, name="load_data", reset_less=True),
    )
    mine = Signal(chunks)
    m.d.comb += [
        enable.eq(chosen & (load.p.chunk == place.chunk + index))
        for index, enable in enumerate(mine)
    ]
    m.d.sync += chunk.enables.eq(mine)
    with m.If(mine.any()):
        m.d.sync += [chunk.row.eq(row), chunk.data.eq(load.p.data)]
    return chunk


def ram_style(rows: int, row_bits: int) -> str:
    """Return the value of ``ram_style`` for a memory that can be loaded.

    Such a memory has an asynchronous read port with a register behind it, so that a read of a row
    being written may give anything. Synthesis then cannot choose the kind of RAM by itself.
    """
    return "block" if rows * row_bits >= _BLOCK_BITS else "distributed"


class LoadableMemory(wiring.Component):
    """A memory with one read port, whose rows can be loaded in chunks of 32 bits.

    Parameters
    ----------
    rows
        Contents: an unsigned number for each row.
    row_bits
        Width of a row.
    read
        "sync": latency one cycle; "comb": no latency.
    place
        Place of its chunks; None for a memory that cannot be loaded.

    Members
    -------
    address : In
    data : Out(row_bits)
    load : In(LOAD_STREAM)
        Only while no reader is active; absent where ``place`` is None.
    """

    def __init__(
        self,
        *,
        rows: Sequence[int],
        row_bits: int,
        read: Literal["sync", "comb"] = "sync",
        place: LoadPlace | None = None,
    ):
        check_positive(rows=len(rows), row_bits=row_bits)
        self.rows = tuple(rows)
        self.row_bits = row_bits
        self.read = read
        self.place = place
        super().__init__(
            {
                "address": In(range(max(2, len(rows)))),
                "data": Out(row_bits),
                **load_members(place),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        if self.place is None:
            m.submodules.rows = rows = memory.Memory(
                shape=unsigned(self.row_bits), depth=len(self.rows), init=self.rows
            )
            port = rows.read_port(domain=self.read)
            m.d.comb += [port.addr.eq(self.address), self.data.eq(port.data)]
            return m
        # Complete chunks, so that each has its own write enable.
        chunks = -(-self.row_bits // CHUNK_BITS)
        style = ram_style(len(self.rows), self.row_bits) if self.read == "sync" else "distributed"
        m.submodules.rows = rows = memory.Memory(
            shape=unsigned(chunks * CHUNK_BITS),
            depth=len(self.rows),
            init=self.rows,
            attrs={"ram_style": style},
        )
        loaded = register_chunk(m, self.load, self.place, len(self.rows), chunks)
        write, port = rows.write_port(granularity=CHUNK_BITS), rows.read_port(domain="comb")
        m.d.comb += [
            write.addr.eq(loaded.row),
            write.data.eq(loaded.data.replicate(chunks)),
            write.en.eq(loaded.enables),
            port.addr.eq(self.address),
        ]
        if self.read == "comb":
            m.d.comb += self.data.eq(port.data)
            return m
        found = Signal(self.row_bits, reset_less=True)
        # Not read in the cycle of a write, see `ram_style`.
        with m.If(~loaded.enables.any()):
            m.d.sync += found.eq(port.data)
        m.d.comb += self.data.eq(found)
        return m


class LoadableRegister(wiring.Component):
    """A row in registers, which can be loaded in chunks of 32 bits.

    Parameters
    ----------
    row
        Initial content, an unsigned number.
    row_bits
        Width of the row.
    place
        Place of its chunks.

    Members
    -------
    data : Out(row_bits)
    load : In(LOAD_STREAM)
    """

    def __init__(self, *, row: int, row_bits: int, place: LoadPlace):
        check_positive(row_bits=row_bits)
        self.row = row
        self.row_bits = row_bits
        self.place = place
        super().__init__({"data": Out(row_bits), **load_members(place)})

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        chunks = -(-self.row_bits // CHUNK_BITS)
        held = Signal(self.row_bits, init=self.row, reset_less=True)
        loaded = register_chunk(m, self.load, self.place, 1, chunks)
        for index, enable in enumerate(loaded.enables):
            with m.If(enable):
                m.d.sync += held.word_select(index, CHUNK_BITS).eq(loaded.data)
        m.d.comb += self.data.eq(held)
        return m
