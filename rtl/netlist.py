"""How values reach the netlist."""

from amaranth.hdl import Value, ValueLike


def whole(value: ValueLike) -> Value:
    """The same value as the output of one cell.

    The OR with nothing costs no logic. Without it a vector that is put together from registers
    and outputs of components is driven piece by piece, and Icarus then resolves all of its bits
    again for everyone who reads it, each time a piece changes: minutes instead of seconds.
    """
    return Value.cast(value) | 0
