"""Packed vectors, memory words and ports of the netlist."""

from collections.abc import Iterable, Sequence

from amaranth.hdl import Array, Cat, Const, Signal, Value
from amaranth.lib import data
from amaranth.lib.wiring import Component


def gathered(values: Sequence[Value], signal: Value) -> Value:
    """Concatenate values into one vector, the first in the least significant bits.

    The concatenation costs no logic. It is written as a choice by one bit between two equal
    branches, so that it becomes a process in Verilog. Icarus runs a process once for all values
    that change at the same time. A continuous assignment would be a tree of concatenations, of
    which Icarus copies a whole branch, bit by bit, for every value that changes. That takes most
    of the simulation time where hundreds of sums change in a cycle.

    Parameters
    ----------
    signal
        Any one-bit signal that is defined after reset.
    """
    return Array([Cat(values)] * 2)[signal]


def lanes(vector: Value, bits: int) -> list[Value]:
    """Split a packed vector into signed numbers of `bits` bits each.

    Ports carry such vectors as plain bits: for every element of a signal with an array layout,
    Amaranth writes a separate net, which costs Icarus a third of its time.
    """
    return [vector.word_select(lane, bits).as_signed() for lane in range(len(vector) // bits)]


def extended(weights: Iterable[Value], bits: int) -> Value:
    """Sign-extend each weight to `bits` bits and concatenate them."""
    return Cat(Cat(weight, weight[-1].replicate(bits - len(weight))) for weight in weights)


def memory_row(layout: data.Layout, row: object) -> int:
    """The memory word of a row with this layout, first field in the least significant bits."""
    return Const.cast(layout.const(row)).value


def ports(component: Component) -> list[Signal]:
    """Ports of a top-level component, without constants.

    A stream that is always ready has a constant ``ready``, which Amaranth refuses as a port.
    """
    values = [Value.cast(value) for _, _, value in component.signature.flatten(component)]
    return [value for value in values if isinstance(value, Signal)]
