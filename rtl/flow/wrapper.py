"""A wrapper with registers on all ports of a component, and only two pins."""

from __future__ import annotations

from collections.abc import Mapping

from amaranth.hdl import (
    Cat,
    ClockDomain,
    ClockSignal,
    DomainRenamer,
    Module,
    ResetSignal,
    Signal,
    Value,
)
from amaranth.lib import wiring
from amaranth.lib.wiring import Component, In, Out

FOLD = 4
"""Bits that are folded into one per cycle: the inputs of a LUT."""


class RegisteredPins(wiring.Component):
    """Feeds components from registers, and folds their outputs into one bit.

    All inputs are parts of one long shift register, fed from a pin. The tools know no input value,
    and each input comes from a register that can be placed near its use. All outputs are captured
    in registers and folded by XOR, four bits into one per cycle, so that no logic is optimised
    away. The figures are therefore not improved by pin placement or by missing logic. Shift
    register and folding count as area; `bits` bounds how much.

    Parameters
    ----------
    parts
        The components, by name.

    Members
    -------
    feed : In(1)
    folded : Out(1)

    Attributes
    ----------
    bits
        Total number of input and output bits of all parts.
    """

    def __init__(self, parts: Mapping[str, Component]):
        self.parts = dict(parts)
        super().__init__({"feed": In(1), "folded": Out(1)})
        self.bits = sum(len(value) for _, _, value in self._members())

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        # The reset comes from a register, so that its path is timed.
        m.domains.inner = inner = ClockDomain()
        reset = Signal(init=1)
        m.d.sync += reset.eq(ResetSignal())
        m.d.comb += [inner.clk.eq(ClockSignal()), inner.rst.eq(reset)]
        for name, part in self.parts.items():
            m.submodules[name] = DomainRenamer("inner")(part)

        fed = Signal()
        m.d.sync += fed.eq(self.feed)
        captured = []
        for name, flow, value in self._members():
            register = Signal(len(value), name=f"{flow.name.lower()}_{name}", reset_less=True)
            if flow == In:
                m.d.sync += register.eq(Cat(fed, register[:-1]))
                m.d.comb += value.eq(register)
                fed = register[-1]
            else:
                m.d.sync += register.eq(value)
                captured.append(register)
        bits: Value = Cat(captured)
        while len(bits) > 1:
            level = Signal(-(-len(bits) // FOLD), name="level", reset_less=True)
            m.d.sync += level.eq(
                Cat(bits[first : first + FOLD].xor() for first in range(0, len(bits), FOLD))
            )
            bits = level
        m.d.comb += self.folded.eq(bits)
        return m

    def _members(self) -> list[tuple[str, wiring.Flow, Value]]:
        """Name, direction and value of every port that is a signal of one or more bits."""
        members = []
        for part_name, part in self.parts.items():
            for path, member, port in part.signature.flatten(part):
                value = Value.cast(port)
                if isinstance(value, Signal) and len(value):
                    name = "_".join((part_name, *map(str, path)))
                    members.append((name, member.flow, value))
        return members
