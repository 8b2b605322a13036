"""How vectors and memories' contents reach the netlist."""

from collections.abc import Iterable, Sequence

from amaranth.hdl import Array, Cat, Const, Signal, Value
from amaranth.lib import data
from amaranth.lib.wiring import Component


def gathered(values: Sequence[Value], signal: Value) -> Value:
    """Values side by side in one vector, the first in the least significant bits.

    This is a concatenation and costs no logic, but one that is written as a choice by a bit of
    which both branches are the same: so it becomes a process. Icarus runs a process once for all
    that changes at the same time. As a continuous assignment a concatenation is a tree of which
    Icarus copies a whole branch, bit by bit, for every single value that changes, which is most of
    the simulation's time where hundreds of sums change in a cycle.

    Parameters
    ----------
    signal
        One bit, any that is known after reset.
    """
    return Array([Cat(values)] * 2)[signal]


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
