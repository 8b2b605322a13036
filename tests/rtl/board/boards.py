"""The board and its memory controller beside a model of the SDRAM, and how their benches run."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth.hdl import ClockDomain, Elaboratable, IOPort, Module, Signal, Value
from amaranth.lib.wiring import In

from rtl.axi.signature import AxiSignature
from rtl.board.ecp5 import SdramPins
from rtl.board.sdram import SdramController
from rtl.board.ulx3s import Ulx3s
from rtl.flow.verilog import verilog_text
from sw_model.spec.hardware.sdram import RAS_MAX_NANOSECONDS, REFRESH_NANOSECONDS, TIMES
from sw_model.spec.hardware.serial import BYTE_BITS
from tests.rtl.networks import NETWORKS
from tests.rtl.running import run_sources

FOLDER = Path(__file__).parent
MODELS = ("ecp5_models.v", "sdram_model.v")
HARNESS, TOP = "harness", "device"
POWER_UP_MICROSECONDS = 2
"""Of the controllers under test, so that nobody waits 10,000 cycles."""
SLOTS = 64
"""Rows of 1 KiB that the model of the SDRAM keeps, for frames of a few pixels."""
ROWS = 1 << 15
"""All that the part has."""
COLUMNS = 4
"""Input columns of the board's strips: frames of a few pixels are cut into several."""
MHZ = 50
BIT_CYCLES = 4
"""Cycles of a bit on the board's line."""
SILENCE_CYCLES = 40 * BYTE_BITS * BIT_CYCLES
"""Cycles without a byte that end a message: 40 bytes' time."""


class ControllerWithPins(Elaboratable):
    """The memory controller and its pins, without a board."""

    def __init__(self, mhz: int):
        self._controller = SdramController(mhz=mhz, power_up_microseconds=POWER_UP_MICROSECONDS)
        self._pins = SdramPins()
        self._clocks = {name: Signal(name=name) for name in ("clk", "lead", "rst")}
        self.ports: dict[str, Signal | IOPort] = {**self._clocks, **self._pins.ports}
        self.ports["ready"] = self._controller.ready
        for path, _, value in AxiSignature().flatten(self._controller.bus):
            self.ports[f"axi_{path[-1]}"] = value

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.domains.sync = sync = ClockDomain()
        m.domains.sdram = sdram = ClockDomain(reset_less=True)
        m.d.comb += [
            sync.clk.eq(self._clocks["clk"]),
            sync.rst.eq(self._clocks["rst"]),
            sdram.clk.eq(self._clocks["lead"]),
        ]
        m.submodules.controller = self._controller
        m.submodules.sdram = self._pins
        inner = self._controller.pins
        for path, member, port in inner.signature.flatten(inner):
            other = getattr(self._pins.pins, path[0])
            m.d.comb += port.eq(other) if member.flow == In else other.eq(port)
        return m


def harness(device: str, inner: list[str], mhz: int, slots: int = SLOTS) -> str:
    """Verilog of a device beside the SDRAM's model; all other pins are the harness's own.

    Parameters
    ----------
    device
        Its Verilog, with `TOP` as top module.
    inner
        Names of the pins that go to the model.
    slots
        Rows that the model keeps.
    """
    header, _, body = device.partition(f"module {TOP}(")[2].partition(");")
    names = [name.strip() for name in header.split(",")]
    outer = [name for name in names if name not in inner]
    declared = {}
    for line in body.splitlines():
        words = line.strip().rstrip(";").split()
        if words and words[0] in ("input", "output"):
            declared.setdefault(words[-1], " ".join((words[0], "wire", *words[1:-1])))
    ports = [f"{declared[name].replace('wire reg', 'wire')} {name}" for name in outer]
    clocks = [name for name in ("clk", "lead", "locked") if name not in outer]
    ports += [f"input wire {name}" for name in clocks]
    ports += [f"output wire [31:0] {name}" for name in ("violations", "refreshes")]
    times = {f"T_{name}_PS": 1000 * nanoseconds for name, (nanoseconds, _) in TIMES.items()}
    times["T_REFRESH_PS"] = int(1000 * REFRESH_NANOSECONDS)
    times["T_RAS_MAX_PS"] = 1000 * RAS_MAX_NANOSECONDS
    times["PERIOD_PS"] = 1_000_000 // mhz
    times["SLOTS"] = slots
    times["POWER_UP_CYCLES"] = POWER_UP_MICROSECONDS * mhz
    widths = {"sdram_a": 13, "sdram_ba": 2, "sdram_dqm": 2, "sdram_d": 16}
    model_pins = {
        **{name.removeprefix("sdram_"): name for name in inner if name != "sdram_d"},
        "dq": "sdram_d",
        "violations": "violations",
        "refreshes": "refreshes",
    }
    lines = [
        "// Generated for a bench.",
        f"module {HARNESS} (",
        ",\n".join(f"    {port}" for port in ports),
        ");",
        *(f"  wire [{widths.get(name, 1) - 1}:0] {name};" for name in inner),
        f"  {TOP} device (" + ", ".join(f".{name}({name})" for name in names) + ");",
        "  sdram_model #(" + ", ".join(f".{name}({value})" for name, value in times.items()),
        "  ) part (" + ", ".join(f".{pin}({name})" for pin, name in model_pins.items()) + ");",
        "endmodule",
    ]
    return "\n".join([*lines, ""])


def _run(
    simulator: str,
    top: Elaboratable,
    ports: Mapping[str, Any],
    mhz: int,
    bench: str,
    arguments: Mapping[str, Any],
    testcase: str | None = None,
    slots: int = SLOTS,
) -> None:
    pins = {
        name: (value if isinstance(value, IOPort) else Value.cast(value), None)
        for name, value in ports.items()
    }
    text = verilog_text(top, TOP, pins)
    inner = [name for name in ports if name.startswith("sdram_")]
    sources = {f"{TOP}.v": text, f"{HARNESS}.v": harness(text, inner, mhz, slots)}
    sources |= {name: (FOLDER / name).read_text() for name in MODELS}
    run_sources(simulator, sources, HARNESS, bench, arguments, testcase)


@dataclass(frozen=True)
class SdramCase:
    """The memory controller at a clock frequency, and its bench `sdram_bench` or one test of it."""

    mhz: int
    testcase: str | None = None

    def run(self, simulator: str) -> None:
        """Build and run; raises `BenchFailure` if the bench fails, RuntimeError if nothing runs."""
        top = ControllerWithPins(self.mhz)
        arguments = {"mhz": self.mhz}
        _run(simulator, top, top.ports, self.mhz, "sdram_bench", arguments, self.testcase)


@dataclass(frozen=True)
class BoardCase:
    """The whole board with one of `NETWORKS`, and its bench `board_bench`."""

    network: str

    def run_picture(self, simulator: str, height: int, width: int) -> None:
        """Build with strips as wide as a board's, and run `board_frame_bench`; raises as `run`."""
        arguments = {"network": self.network, "size": [height, width]}
        self._run(simulator, None, "board_frame_bench", arguments, slots=ROWS)

    def run(self, simulator: str, testcase: str | None = None) -> None:
        """Build, and run all tests or one.

        Raises `BenchFailure` if the bench fails, RuntimeError if nothing runs.
        """
        self._run(simulator, COLUMNS, "board_bench", {"network": self.network}, testcase)

    def _run(
        self,
        simulator: str,
        columns: int | None,
        bench: str,
        arguments: Mapping[str, Any],
        testcase: str | None = None,
        slots: int = SLOTS,
    ) -> None:
        top = Ulx3s(
            deployment=NETWORKS[self.network].deployment,
            mhz=MHZ,
            baud=MHZ * 1_000_000 // BIT_CYCLES,
            columns=columns,
            silence_seconds=SILENCE_CYCLES / (MHZ * 1e6),
            power_up_microseconds=POWER_UP_MICROSECONDS,
        )
        _run(simulator, top, top.ports, MHZ, bench, arguments, testcase, slots)


def main() -> int:
    """Send a picture of ``HEIGHT WIDTH`` pixels through a board with a network of few channels."""
    height, width = map(int, sys.argv[1:])
    started = time.monotonic()
    BoardCase("tiny").run_picture("verilator", height, width)
    print(
        f"board with a test's network: {height}x{width} pixels through line and SDRAM, "
        f"0 mismatches, {time.monotonic() - started:.0f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
