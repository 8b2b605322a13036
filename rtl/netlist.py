"""How vectors and memories' contents reach the netlist."""

from collections.abc import Iterable

from amaranth.hdl import Cat, Const, Signal, Value, ValueLike
from amaranth.lib import data
from amaranth.lib.wiring import Component


def whole(value: ValueLike) -> Value:
    """The same value as the output of one cell.

    The OR with nothing costs no logic. Without it a vector that is put together from registers
    and outputs of components is driven piece by piece, and Icarus then resolves all of its bits
    again for everyone who reads it, each time a piece changes: minutes instead of seconds.
    """
    return Value.cast(value) | 0


def lanes(vector: Value, bits: int) -> list[Value]:
    """The signed numbers of `bits` bits each that lie side by side in a vector.

    Vectors of many numbers travel as plain bits: for every element of a signal with an array
    layout, Amaranth writes a net of its own, which costs Icarus a third of its time.
    """
    return [vector.word_select(lane, bits).as_signed() for lane in range(len(vector) // bits)]


def extended(weights: Iterable[Value], bits: int) -> Value:
    """Signed weights side by side, each brought to `bits` bits."""
    return Cat(Cat(weight, weight[-1].replicate(bits - len(weight))) for weight in weights)


def memory_row(layout: data.Layout, row: object) -> int:
    """The word that a row with this layout is, its first field in the least significant bits."""
    return Const.cast(layout.const(row)).value


def ports(component: Component) -> list[Signal]:
    """Ports of a component as the top of a netlist: those that are no constants.

    A stream that is always ready has a constant for a ``ready``, which Amaranth refuses as a port.
    """
    values = [Value.cast(value) for _, _, value in component.signature.flatten(component)]
    return [value for value in values if isinstance(value, Signal)]
