"""Pins of an ECP5 with I/O registers."""

from __future__ import annotations

from collections.abc import Iterator

from amaranth.hdl import (
    ClockSignal,
    Elaboratable,
    Instance,
    IOPort,
    Module,
    Signal,
    Value,
)

from .sdram import SdramSignature


class SdramPins(Elaboratable):
    """The SDRAM's pins, each with a register, so that routing does not affect their timing.

    Outputs change a cycle after ``pins``. The part's data are sampled at the rising edge of
    ``sync`` and visible in the cycle after it. The part's clock is that of domain ``sdram``, driven
    by a double-data-rate register: its edges are those of the domain.

    Attributes
    ----------
    pins
        Interface for the controller.
    ports
        The pins by their names in the board's constraints, ``sdram_clk`` and so on.
    """

    def __init__(self) -> None:
        self.pins = SdramSignature().flip().create()
        pins = self.pins
        self._registered = {
            "sdram_rasn": pins.command[0],
            "sdram_casn": pins.command[1],
            "sdram_wen": pins.command[2],
            "sdram_ba": pins.bank,
            "sdram_a": pins.address,
            "sdram_dqm": pins.mask,
        }
        self.ports: dict[str, Signal | IOPort] = {
            name: Signal(len(value), name=name) for name, value in self._registered.items()
        }
        for name in ("sdram_clk", "sdram_cke", "sdram_csn"):
            self.ports[name] = Signal(name=name)
        self.ports["sdram_d"] = IOPort(len(pins.written), name="sdram_d")

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        pins = self.pins
        m.submodules.clock = Instance(
            "ODDRX1F",
            i_SCLK=ClockSignal("sdram"),
            i_RST=0,
            i_D0=1,
            i_D1=0,
            o_Q=self.ports["sdram_clk"],
        )
        m.d.comb += [self.ports["sdram_cke"].eq(1), self.ports["sdram_csn"].eq(0)]
        for name, value in self._registered.items():
            for bit, register in _registers("OFS1P3DX", value, self.ports[name]):
                m.submodules[f"{name}_{bit}"] = register
        data = self.ports["sdram_d"]
        away, outwards, inwards = (
            Signal(len(pins.written), name=name) for name in ("away", "outwards", "inwards")
        )
        idle = (~pins.drive).replicate(len(pins.written))
        for name, kind, source, target in (
            ("away", "OFS1P3DX", idle, away),
            ("outwards", "OFS1P3DX", pins.written, outwards),
            ("inwards", "IFS1P3DX", inwards, pins.read),
        ):
            for bit, register in _registers(kind, source, target):
                m.submodules[f"sdram_d_{name}_{bit}"] = register
        for bit in range(len(pins.written)):
            m.submodules[f"buffer_{bit}"] = Instance(
                "BB",
                i_T=away[bit],
                i_I=outwards[bit],
                o_O=inwards[bit],
                io_B=data[bit],
            )
        return m


def _registers(kind: str, source: Value, target: Value) -> Iterator[tuple[int, Instance]]:
    """One I/O register per bit."""
    for bit in range(len(target)):
        yield (
            bit,
            Instance(
                kind,
                i_SCLK=ClockSignal(),
                i_SP=1,
                i_CD=0,
                i_D=source[bit],
                o_Q=target[bit],
            ),
        )
