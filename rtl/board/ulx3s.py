"""Top level for the board ULX3S with an LFE5U-85F: clock, reset, pins."""

from __future__ import annotations

from amaranth.hdl import (
    Cat,
    ClockDomain,
    ClockSignal,
    Elaboratable,
    Instance,
    IOPort,
    Module,
    Signal,
)
from amaranth.lib.cdc import ResetSynchronizer
from amaranth.lib.wiring import In

from sw_model.spec import Deployment, UsageError
from sw_model.spec.hardware.sdram import POWER_UP_MICROSECONDS
from sw_model.spec.hardware.serial import BAUD, SILENCE_SECONDS

from .ecp5 import SdramPins
from .top import MHZ_TO_HZ, Board
from .uart_receiver import DIVISOR_MIN
from .ulx3s_pins import OSCILLATOR_MHZ, PINS

VCO_MHZ = 600
"""Frequency of the PLL's oscillator, which an ECP5 allows between 400 and 800 MHz."""
CLOCKS_MHZ = (25, 50, 75, 100)
"""Clock frequencies: multiples of the board's oscillator that divide the PLL's."""
DEFAULT_MHZ = 50
SDRAM_LEAD = 2
"""Periods of the PLL's oscillator by which the SDRAM's clock leads: docs/design/hardware.md."""
BAUD_ERROR_MAX = 0.02
"""Largest relative error of a bit's length: half of the tolerance of a ten-bit frame."""


class Ulx3s(Elaboratable):
    """`Board` on the ULX3S.

    Button 1 (FIRE1) is the reset. LED 0: the memory is initialised; 1: a request is being received;
    2: the accelerator runs; 3: an answer is being sent; 4: the last request failed.

    Parameters
    ----------
    mhz
        Clock frequency in MHz, one of `CLOCKS_MHZ`.
    deployment, baud, columns, silence_seconds, power_up_microseconds
        As in `Board`.

    Attributes
    ----------
    ports
        The pins by their names in `PINS`.

    Raises
    ------
    UsageError
        The board's PLL cannot make the clock, or the line rate cannot be derived from it.
    """

    def __init__(
        self,
        *,
        deployment: Deployment,
        mhz: int = DEFAULT_MHZ,
        baud: int = BAUD,
        columns: int | None = None,
        silence_seconds: float = SILENCE_SECONDS,
        power_up_microseconds: int = POWER_UP_MICROSECONDS,
    ):
        check_clocks(mhz, baud)
        self.mhz = mhz
        self.baud = baud
        self.board = Board(
            deployment=deployment,
            mhz=mhz,
            baud=baud,
            columns=columns,
            silence_seconds=silence_seconds,
            power_up_microseconds=power_up_microseconds,
        )
        self._sdram = SdramPins()
        self.ports: dict[str, Signal | IOPort] = {
            name: self._sdram.ports[name]
            if name in self._sdram.ports
            else Signal(len(pin.sites.split()), name=name)
            for name, pin in PINS.items()
        }

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        ports, board = self.ports, self.board
        locked = self._clocks(m)
        m.submodules.reset = ResetSynchronizer(~locked | ports["btn"][1])
        m.submodules.board = board
        m.submodules.sdram = self._sdram
        m.d.comb += [
            board.receive.eq(ports["ftdi_txd"]),
            ports["ftdi_rxd"].eq(board.transmit),
            ports["led"].eq(
                Cat(board.ready, board.receiving, board.running, board.answering, board.failed)
            ),
            ports["wifi_gpio0"].eq(1),
        ]
        pins, inner = self._sdram.pins, board.pins
        for path, member, port in inner.signature.flatten(inner):
            other = getattr(pins, path[0])
            m.d.comb += port.eq(other) if member.flow == In else other.eq(port)
        return m

    def _clocks(self, m: Module) -> Signal:
        """Add the domains ``sync`` and ``sdram``.

        Returns
        -------
        Signal
            Their clocks are stable.
        """
        locked = Signal()
        m.domains.sync = sync = ClockDomain()
        m.domains.sdram = sdram = ClockDomain(reset_less=True)
        divider = VCO_MHZ // self.mhz
        # The phases of both outputs count from the same start; only their difference matters.
        phases = {"OP": divider - 1, "OS": divider - 1 - SDRAM_LEAD}
        dividers = {
            f"p_CLK{output}_{name}": value
            for output, phase in phases.items()
            for name, value in (
                ("ENABLE", "ENABLED"),
                ("DIV", divider),
                ("CPHASE", phase),
                ("FPHASE", 0),
            )
        }
        m.submodules.pll = Instance(
            "EHXPLLL",
            p_CLKI_DIV=1,
            p_CLKFB_DIV=self.mhz // OSCILLATOR_MHZ,
            p_FEEDBK_PATH="CLKOP",
            **dividers,
            i_CLKI=self.ports["clk_25mhz"],
            i_CLKFB=ClockSignal("sync"),
            i_RST=0,
            i_STDBY=0,
            i_PHASESEL0=0,
            i_PHASESEL1=0,
            i_PHASEDIR=0,
            i_PHASESTEP=0,
            i_PHASELOADREG=0,
            i_PLLWAKESYNC=0,
            i_ENCLKOP=0,
            i_ENCLKOS=0,
            o_CLKOP=sync.clk,
            o_CLKOS=sdram.clk,
            o_LOCK=locked,
            # Analogue settings that the tools expect (Project Trellis, `ecppll`).
            a_ICP_CURRENT="12",
            a_LPF_RESISTOR="8",
            a_MFG_ENABLE_FILTEROPAMP="1",
            a_MFG_GMCREF_SEL="2",
            a_FREQUENCY_PIN_CLKI=str(OSCILLATOR_MHZ),
            a_FREQUENCY_PIN_CLKOP=str(self.mhz),
            a_FREQUENCY_PIN_CLKOS=str(self.mhz),
        )
        return locked


def check_clocks(mhz: int, baud: int) -> None:
    """Raise `UsageError` unless the board can make this clock and, from it, this line rate."""
    if mhz not in CLOCKS_MHZ:
        raise UsageError(
            f"clock of {mhz} MHz cannot be made by the board's PLL; give one of "
            f"{', '.join(map(str, CLOCKS_MHZ))} MHz"
        )
    divisor = max(1, round(mhz * MHZ_TO_HZ / baud)) if baud > 0 else 0
    if divisor < DIVISOR_MIN or abs(mhz * MHZ_TO_HZ / divisor / baud - 1) > BAUD_ERROR_MAX:
        raise UsageError(
            f"line rate of {baud} bits per second cannot be made from {mhz} MHz within "
            f"{BAUD_ERROR_MAX:.0%}; give one up to {mhz * MHZ_TO_HZ // DIVISOR_MIN}, for example "
            f"{BAUD}"
        )
