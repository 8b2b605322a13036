"""Memories that keep what a deployment needs, and can be loaded with another one's numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from sw_model.spec.registers import REGISTER_BITS, REGISTERS, load_memory

from .checks import check_positive

CHUNK_BITS = REGISTER_BITS
"""What one write of LOAD_DATA brings."""


class LoadSignature(wiring.Signature):
    """A chunk on its way into one of the memories, as its sender sees it; always taken."""

    def __init__(self) -> None:
        fields = {field.name: Out(field.bits) for field in REGISTERS["LOAD_ADDRESS"].fields}
        super().__init__({"valid": Out(1), **fields, "data": Out(CHUNK_BITS)})


@dataclass(frozen=True)
class LoadPlace:
    """Which chunks belong to a memory.

    Attributes
    ----------
    name
        Memory of `sw_model.spec.registers.LOAD_MEMORIES`, which may consist of several.
    row, chunk
        What its first row, and the first chunk of its rows, are called.
    """

    name: str
    row: int = 0
    chunk: int = 0


def load_members(place: LoadPlace | None) -> dict[str, wiring.Member]:
    """The member ``load`` of a component that can be loaded, none of another."""
    return {} if place is None else {"load": In(LoadSignature())}


def load_target(
    m: Module, load: wiring.PureInterface, place: LoadPlace, rows: int
) -> tuple[Signal, Signal]:
    """The row that a chunk belongs to, and whether it is one of a memory's ``rows`` rows."""
    row, chosen = Signal.like(load.row), Signal()
    m.d.comb += [
        # Rows before the first one wrap around to far behind the last.
        row.eq(load.row - place.row),
        chosen.eq(load.valid & (load.memory == load_memory(place.name)) & (row < rows)),
    ]
    return row, chosen


def connect_load(m: Module, outer: wiring.Component, *inner: wiring.Component) -> None:
    """Pass what is loaded on to components inside of one, where they can be loaded."""
    for component in inner:
        if "load" in component.signature.members:
            wiring.connect(m, wiring.flipped(outer.load), component.load)


class LoadableMemory(wiring.Component):
    """A memory with one read port, whose rows can be loaded in chunks of 32 bits.

    Parameters
    ----------
    rows
        Contents, a row each, as unsigned numbers.
    row_bits
        Width of a row.
    read
        "sync": latency one cycle, in which ``enable`` is set; "comb": none.
    place
        Which chunks are its own; None for a memory that cannot be loaded.
    logic
        Ask synthesis for tables of logic while it cannot be loaded.

    Members
    -------
    address, enable : In
    data : Out(row_bits)
    load : In(LoadSignature())
        Only while nobody reads; absent where ``place`` is None.
    """

    def __init__(
        self,
        *,
        rows: Sequence[int],
        row_bits: int,
        read: Literal["sync", "comb"] = "sync",
        place: LoadPlace | None = None,
        logic: bool = False,
    ):
        check_positive(rows=len(rows), row_bits=row_bits)
        self.rows = tuple(rows)
        self.row_bits = row_bits
        self.read = read
        self.place = place
        self.logic = logic
        super().__init__(
            {
                "address": In(range(max(2, len(rows)))),
                "enable": In(1),
                "data": Out(row_bits),
                **load_members(place),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        place, bits = self.place, self.row_bits
        if place is not None:
            # Whole chunks, so that each has a write enable of its own.
            bits = -(-bits // CHUNK_BITS) * CHUNK_BITS
        m.submodules.rows = rows = memory.Memory(
            shape=unsigned(bits),
            depth=len(self.rows),
            init=self.rows,
            attrs={"rom_style": "logic"} if self.logic and place is None else {},
        )
        port = rows.read_port(domain=self.read)
        m.d.comb += [port.addr.eq(self.address), self.data.eq(port.data)]
        if self.read == "sync":
            m.d.comb += port.en.eq(self.enable)
        if place is not None:
            write = rows.write_port(granularity=CHUNK_BITS)
            row, chosen = load_target(m, self.load, place, len(self.rows))
            m.d.comb += [
                write.addr.eq(row),
                write.data.eq(self.load.data.replicate(bits // CHUNK_BITS)),
                write.en.eq(
                    Cat(
                        chosen & (self.load.chunk == place.chunk + chunk)
                        for chunk in range(bits // CHUNK_BITS)
                    )
                ),
            ]
        return m
