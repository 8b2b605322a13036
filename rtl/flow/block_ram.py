"""Block RAM of a design on an ECP5, estimated by the rules with which Yosys maps memories.

The rules are those of Yosys' pass memory_libmap with its description of this family's memories
(``lattice/brams_16kd.txt``, ``lattice/lutrams_trellis.txt``), as far as the memories of this
project need them; `tests/rtl/flow/test_block_ram.py` compares them with Yosys' results.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

BLOCKS = {"LFE5U-25F": 56, "LFE5U-45F": 108, "LFE5U-85F": 208}
"""Blocks of 18 kbit per device."""
_BLOCK_COST, _TABLE_COST = 128, 4
_BYTE = 9
"""Bits of a block that share a write enable."""
_BLOCK_ROWS = {1: 1 << 14, 2: 1 << 13, 4: 1 << 12, 9: 1 << 11, 18: 1 << 10, 36: 1 << 9}
"""Rows of a block by their width; 36 bits take both of its ports."""
_TABLE_ROWS, _TABLE_BITS = 16, 4
"""Rows and bits of a LUT RAM: one write port, one read port."""
_CONSTANT = 1 / 16
"""Cost in logic of a bit that is never written; that of a writable bit is 1."""
_WIRING = 0.5
"""Cost per bit of the multiplexers between the parts of a deep memory."""
_READ_FIRST, _READ = 14, 2
"""Cost of a read port with registers that keep the old word while it is overwritten; without."""
_LINE_BUFFER = ".line_"
"""In the names of memories without those registers, see `rtl.flow.yosys.LINE_BUFFERS`."""


@dataclass(frozen=True)
class MemoryShape:
    """A memory of a design.

    Attributes
    ----------
    name
        Hierarchical name, from the top.
    width, depth
        Width in bits, without upper bits that nothing reads; depth in rows.
    reads
        Number of read ports.
    clocked
        The read ports have a register.
    enables
        Bits of each write enable, in the order of the row; empty for a read-only memory.
    style
        The style attribute for Yosys: "distributed", "block" (only for memories whose first reader
        shares the write port), or "" for none.
    """

    name: str
    width: int
    depth: int
    reads: int
    clocked: bool
    enables: tuple[int, ...]
    style: str

    @property
    def blocks(self) -> int:
        """Blocks of block RAM; 0 if LUTs or registers are cheaper."""
        cost, blocks = min(self._block_costs())
        if self.style == "block":
            return blocks
        others = [self.width * self.depth * (1 if self.enables else _CONSTANT)]
        if self.enables:
            others.append(self._table_cost())
        if self.style == "distributed" or not self.clocked or cost >= min(others):
            return 0
        return blocks

    def _block_costs(self) -> Iterator[tuple[float, int]]:
        """Cost and number of blocks for each width of a block."""
        for unit, rows in _BLOCK_ROWS.items():
            parts = -(-self.depth // rows)
            bits = parts * self._padded(min(unit, _BYTE) if self.enables else 1)
            # One of the two ports is for writing, unless a reader shares it.
            copies, registers = self.reads, _READ if _LINE_BUFFER in self.name else _READ_FIRST
            if self.style == "block":
                if unit == 36 and self.reads > 1:
                    continue
                copies, registers = max(1, self.reads - 1), _READ
            elif not self.enables:
                copies = self.reads if unit == 36 else -(-self.reads // 2)
                registers = _READ * self.reads
            blocks = -(-bits // unit) * copies
            yield _BLOCK_COST * blocks + self._wiring(parts) + registers, blocks

    def _table_cost(self) -> float:
        parts = -(-self.depth // _TABLE_ROWS)
        tables = parts * self._padded(_TABLE_BITS) // _TABLE_BITS * self.reads
        return _TABLE_COST * tables + self._wiring(parts) + _READ * self.reads

    def _padded(self, byte: int) -> int:
        """Bits of a row, those of each write enable rounded up to whole bytes."""
        return sum(-(-bits // byte) * byte for bits in self.enables or (self.width,))

    def _wiring(self, parts: int) -> float:
        chosen = (parts - 1) * self.width * self.reads
        return _WIRING * (chosen + (parts * len(self.enables) if parts > 1 else 0))


def memories(text: str) -> list[MemoryShape]:
    """All memories of a design.

    Parameters
    ----------
    text
        RTLIL as Amaranth writes it: one module per component, named by its hierarchical path.
    """
    shapes = []
    for module in re.finditer(r"^module \\(\S+)$(.*?)^end$", text, re.MULTILINE | re.DOTALL):
        reads: dict[str, list[bool]] = {}
        used: dict[str, int] = {}
        enables: dict[str, tuple[int, ...]] = {}
        for cell in re.finditer(
            r"^  cell \$mem(rd|wr)_v2 .*?$(.*?)^  end$", module[2], re.MULTILINE | re.DOTALL
        ):
            name = _parameter(cell[2], "MEMID").strip('"').replace("\\\\", "\\")
            if cell[1] == "rd":
                reads.setdefault(name, []).append(_parameter(cell[2], "CLK_ENABLE") != "0")
                used[name] = max(used.get(name, 0), _used_bits(cell[2], module[2]))
            else:
                enables[name] = _enables(cell[2])
        for memory in re.finditer(
            r"((?:^  attribute .*\n)*)^  memory width (\d+) size (\d+) (\S+)$",
            module[2],
            re.MULTILINE,
        ):
            name = memory[4]
            shape = MemoryShape(
                name=f"{module[1]}.{name.lstrip(chr(92))}",
                width=used[name],
                depth=int(memory[3]),
                reads=len(reads[name]),
                clocked=all(reads[name]),
                enables=_lowest_bits(enables.get(name, ()), used[name]),
                style=_style(memory[1]),
            )
            shapes.append(shape)
    return shapes


def _style(attributes: str) -> str:
    match = re.search(r'attribute \\r[ao]m_style "(\w+)"', attributes)
    return match[1] if match else ""


def _parameter(cell: str, name: str) -> str:
    match = re.search(rf"^    parameter \\{name} (.*)$", cell, re.MULTILINE)
    assert match is not None, f"no parameter {name}"
    return match[1]


def _used_bits(cell: str, module: str) -> int:
    """Bits of a row up to the highest one that is used from a read port."""
    match = re.search(r"^    connect \\DATA (\S+)", cell, re.MULTILINE)
    assert match is not None, "read port without data"
    used = re.findall(rf" {re.escape(match[1])} \[(\d+)", module)
    return max((int(bit) + 1 for bit in used), default=int(_parameter(cell, "WIDTH")))


def _enables(cell: str) -> tuple[int, ...]:
    """Numbers of adjacent bits that share a write enable, from the lowest bit."""
    match = re.search(r"^    connect \\EN (.*)$", cell, re.MULTILINE)
    assert match is not None, "no write enable"
    bits = []
    for name, high, low in re.findall(r"(\S+) \[(\d+)(?::(\d+))?\]", match[1]):
        bits += [(name, bit) for bit in range(int(high), int(low or high) - 1, -1)]
    counts = [len(list(same)) for _, same in groupby(reversed(bits))]
    return tuple(counts) or (int(_parameter(cell, "WIDTH")),)


def _lowest_bits(counts: tuple[int, ...], width: int) -> tuple[int, ...]:
    """Reduce the result of `_enables` to the lowest `width` bits."""
    left = width
    lowest = []
    for count in counts:
        if left > 0:
            lowest.append(min(count, left))
        left -= count
    return tuple(lowest)
