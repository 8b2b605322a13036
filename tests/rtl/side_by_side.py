"""Several variants of a component in one netlist, so that a simulator builds them at once."""

from __future__ import annotations

from collections.abc import Mapping

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import Component, Out


class SideBySide(wiring.Component):
    """Components that share clock and reset; each port has its component's name as a prefix."""

    def __init__(self, components: Mapping[str, Component]):
        self._components = dict(components)
        super().__init__({name: Out(part.signature) for name, part in self._components.items()})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for name, part in self._components.items():
            m.submodules[name] = part
            wiring.connect(m, part, wiring.flipped(getattr(self, name)))
        return m
