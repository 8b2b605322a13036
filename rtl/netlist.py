"""How values and memories' contents reach the netlist."""

from collections.abc import Iterable

from amaranth.hdl import Const, Value, ValueLike
from amaranth.lib import data


def whole(value: ValueLike) -> Value:
    """The same value as the output of one cell.

    The OR with nothing costs no logic. Without it a vector that is put together from registers
    and outputs of components is driven piece by piece, and Icarus then resolves all of its bits
    again for everyone who reads it, each time a piece changes: minutes instead of seconds.
    """
    return Value.cast(value) | 0


def hexadecimal_rows(layout: data.Layout, rows: Iterable[object]) -> list[str]:
    """Rows of a memory as `$readmemh` takes them, first field in the least significant bits."""
    digits = -(-layout.size // 4)
    return [f"{Const.cast(layout.const(row)).value:0{digits}x}" for row in rows]
