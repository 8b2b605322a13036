"""Memories that keep what a deployment needs, and can be loaded with another one's numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from sw_model.spec.registers import REGISTER_BITS, REGISTERS

from .checks import check_positive

CHUNK_BITS = REGISTER_BITS
"""What one write of LOAD_DATA brings."""


class LoadSignature(wiring.Signature):
    """A chunk on its way into one of the memories, as its sender sees it; always taken."""

    def __init__(self) -> None:
        fields = {field.name: Out(field.bits) for field in REGISTERS["LOAD_ADDRESS"].fields}
        super().__init__({"valid": Out(1), **fields, "data": Out(CHUNK_BITS)})


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
    index
        Number of the memory among those that can be loaded; None for a memory that cannot.

    Members
    -------
    address, enable : In
    data : Out(row_bits)
    load : In(LoadSignature())
        Only while nobody reads; absent where ``index`` is None.
    """

    def __init__(
        self,
        *,
        rows: Sequence[int],
        row_bits: int,
        read: Literal["sync", "comb"] = "sync",
        index: int | None = None,
    ):
        check_positive(rows=len(rows), row_bits=row_bits)
        self.rows = tuple(rows)
        self.row_bits = row_bits
        self.read = read
        self.index = index
        super().__init__(
            {
                "address": In(range(max(2, len(rows)))),
                "enable": In(1),
                "data": Out(row_bits),
                **({} if index is None else {"load": In(LoadSignature())}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        loadable = self.index is not None
        # Whole chunks, so that each has a write enable of its own.
        bits = -(-self.row_bits // CHUNK_BITS) * CHUNK_BITS if loadable else self.row_bits
        m.submodules.rows = rows = memory.Memory(
            shape=unsigned(bits), depth=len(self.rows), init=self.rows
        )
        port = rows.read_port(domain=self.read)
        m.d.comb += [port.addr.eq(self.address), self.data.eq(port.data)]
        if self.read == "sync":
            m.d.comb += port.en.eq(self.enable)
        if loadable:
            write = rows.write_port(granularity=CHUNK_BITS)
            chosen = Signal()
            m.d.comb += [
                write.addr.eq(self.load.row),
                write.data.eq(self.load.data.replicate(bits // CHUNK_BITS)),
                chosen.eq(
                    self.load.valid
                    & (self.load.memory == self.index)
                    & (self.load.row < len(self.rows))
                ),
                write.en.eq(
                    Cat(chosen & (self.load.chunk == chunk) for chunk in range(bits // CHUNK_BITS))
                ),
            ]
        return m
