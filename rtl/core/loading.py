"""Memories that keep what a deployment needs, and can be loaded with another one's numbers."""

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
"""What one write of LOAD_DATA brings."""
_BLOCK_BITS = 4096
"""Of a memory from which on it is given block RAM, of 18 432 bits each."""


class LoadChunk(data.StructLayout):
    """A chunk, and where it goes: the fields of the register LOAD_ADDRESS."""

    def __init__(self) -> None:
        fields = {field.name: field.bits for field in REGISTERS["LOAD_ADDRESS"].fields}
        super().__init__({**fields, "data": CHUNK_BITS})


LOAD_STREAM = stream.Signature(LoadChunk(), always_ready=True)
"""Chunks on their way into the memories, as their sender sees them; always taken."""


@dataclass(frozen=True)
class LoadPlace:
    """Which chunks belong to a memory.

    Attributes
    ----------
    name
        Memory of `sw_model.spec.hardware.registers.LOAD_MEMORIES`, which may consist of several.
    row, chunk
        What its first row, and the first chunk of its rows, are called.
    """

    name: str
    row: int = 0
    chunk: int = 0


def load_members(place: LoadPlace | None) -> dict[str, wiring.Member]:
    """The member ``load`` of a component that can be loaded, none of another."""
    return {} if place is None else {"load": In(LOAD_STREAM)}


def load_target(
    m: Module, load: wiring.PureInterface, place: LoadPlace, rows: int
) -> tuple[Signal, Signal]:
    """The row that a chunk belongs to, and whether it is one of a memory's ``rows`` rows."""
    row, chosen = Signal(len(load.p.row), name="row"), Signal()
    m.d.comb += [
        # Rows before the first one wrap around to far behind the last.
        row.eq(load.p.row - place.row),
        chosen.eq(load.valid & (load.p.memory == load_memory(place.name)) & (row < rows)),
    ]
    return row, chosen


def connect_load(m: Module, outer: wiring.Component, *inner: wiring.Component) -> None:
    """Pass what is loaded on to components inside of one, where they can be loaded."""
    for component in inner:
        if "load" in component.signature.members:
            wiring.connect(m, wiring.flipped(outer.load), component.load)


@dataclass(frozen=True)
class LoadedChunk:
    """A chunk in registers in front of a memory, as `register_chunk` makes them.

    Attributes
    ----------
    enables
        Write enables of a row's chunks: one of them where there is something to write.
    row, data
        Where it goes, and what it is.
    """

    enables: Signal
    row: Signal
    data: Signal


def register_chunk(
    m: Module, load: wiring.PureInterface, place: LoadPlace, rows: int, chunks: int
) -> LoadedChunk:
    """Registers that hold what is loaded into a memory, a cycle later.

    What is loaded comes over long wires, and goes to all blocks of a large memory. Registers that
    only take what is for this memory differ from those of all others: synthesis would make one out
    of equal ones, for memories all over the chip.

    Parameters
    ----------
    rows, chunks
        The memory's rows, and how many chunks a row has.
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
    """What a memory that can be loaded should consist of.

    A memory of this kind has its register behind a port without a clock, so that what is read
    need not be kept where it is just written. Synthesis then has to be told.
    """
    return "block" if rows * row_bits >= _BLOCK_BITS else "distributed"


class LoadableMemory(wiring.Component):
    """A memory with one read port, whose rows can be loaded in chunks of 32 bits.

    Parameters
    ----------
    rows
        Contents, a row each, as unsigned numbers.
    row_bits
        Width of a row.
    read
        "sync": latency one cycle; "comb": none.
    place
        Which chunks are its own; None for a memory that cannot be loaded.

    Members
    -------
    address : In
    data : Out(row_bits)
    load : In(LOAD_STREAM)
        Only while nobody reads; absent where ``place`` is None.
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
        # Whole chunks, so that each has a write enable of its own.
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
        # Reading and writing take turns, see `ram_style`.
        with m.If(~loaded.enables.any()):
            m.d.sync += found.eq(port.data)
        m.d.comb += self.data.eq(found)
        return m


class LoadableRegister(wiring.Component):
    """A row that is there all the time, and can be loaded in chunks of 32 bits.

    Parameters
    ----------
    row
        What it holds first, an unsigned number.
    row_bits
        Its width.
    place
        Which chunks are its own.

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
