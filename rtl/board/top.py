"""The accelerator with SDRAM and a serial line, independent of the board."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.axi.accelerator import System
from rtl.axi.signature import AxiSignature
from sw_model.spec import Deployment
from sw_model.spec.hardware.sdram import POWER_UP_MICROSECONDS
from sw_model.spec.hardware.serial import BAUD, SILENCE_SECONDS

from .link import SerialLink
from .sdram import SdramController, SdramSignature

MHZ_TO_HZ = 1_000_000


class Board(wiring.Component):
    """Receives and returns frames over a serial line; images and maps lie in SDRAM.

    Parameters
    ----------
    deployment
        The frozen network.
    mhz
        Clock frequency in MHz.
    baud
        Bits per second on the line.
    columns
        Input columns of the widest strip, as in `System`.
    silence_seconds
        Time without a byte that ends a message.
    power_up_microseconds
        As in `SdramController`.

    Members
    -------
    receive : In(1)
    transmit : Out(1)
        The serial line, seen from the board.
    pins : Out(SdramSignature())
        The SDRAM, before the registers of its pins.
    ready, receiving, running, answering, failed : Out(1)
        The memory is initialised; state of the current request; the last request failed.
    """

    def __init__(
        self,
        *,
        deployment: Deployment,
        mhz: int,
        baud: int = BAUD,
        columns: int | None = None,
        silence_seconds: float = SILENCE_SECONDS,
        power_up_microseconds: int = POWER_UP_MICROSECONDS,
    ):
        self.system = System(deployment=deployment, columns=columns)
        self.link = SerialLink(
            deployment=deployment,
            divisor=round(mhz * MHZ_TO_HZ / baud),
            silence=round(mhz * MHZ_TO_HZ * silence_seconds),
        )
        self.controller = SdramController(mhz=mhz, power_up_microseconds=power_up_microseconds)
        super().__init__(
            {
                "receive": In(1, init=1),
                "transmit": Out(1, init=1),
                "pins": Out(SdramSignature()),
                **{
                    name: Out(1)
                    for name in ("ready", "receiving", "running", "answering", "failed")
                },
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        m.submodules.system = system = self.system
        m.submodules.link = link = self.link
        m.submodules.controller = controller = self.controller
        wiring.connect(m, link.registers, system.s_axi)
        wiring.connect(m, wiring.flipped(self.pins), controller.pins)
        m.d.comb += [
            link.receive.eq(self.receive),
            self.transmit.eq(link.transmit),
            link.ready.eq(controller.ready),
            link.irq.eq(system.irq),
            self.ready.eq(controller.ready),
        ]
        for name in ("receiving", "running", "answering", "failed"):
            m.d.comb += getattr(self, name).eq(getattr(link, name))
        self._connect_memory(m, link.owner)
        return m

    def _connect_memory(self, m: Module, owner: Signal) -> None:
        """Switch the memory between link and system.

        Each starts only after the other has received all its responses.
        """
        signals = (
            AxiSignature().flatten(port)
            for port in (self.controller.bus, self.system.m_axi, self.link.memory)
        )
        for (path, member, port), (*_, system), (*_, link) in zip(*signals, strict=True):
            if member.flow == Out:
                m.d.comb += port.eq(Mux(owner, system, link))
            elif path[-1].endswith(("valid", "ready")):
                m.d.comb += [system.eq(port & owner), link.eq(port & ~owner)]
            else:
                m.d.comb += [system.eq(port), link.eq(port)]
