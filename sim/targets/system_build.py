"""Build of a simulation program of the accelerator with AXI ports and a memory model."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

from rtl.flow.lint_waivers import waivers
from rtl.generate.axi import TOP
from rtl.generate.header import c_header
from sim.simulators.bench import last_lines
from sim.simulators.errors import BenchFailure
from sim.simulators.runners import (
    LOG,
    RUNNERS,
    BuildFailure,
    command_lines,
    link_tools,
    make,
    verilate,
)
from sw_model.support.files import locked
from sw_model.support.temporary import disposable, keep

MAIN = Path(__file__).with_name("system_main.cpp")
HEADER = "spiking_dncnn.h"


def build_system(text: str, build_root: Path, optimisation: str = "-O3", engines: int = 1) -> Path:
    """Return the path of the simulation program; builds are cached by their sources.

    Parameters
    ----------
    text
        Verilog of `rtl.axi.accelerator.System`.
    optimisation
        Optimisation option of the C++ compiler, which dominates the time of short runs.
    engines
        Number of engines, each with its own memory port.

    Raises
    ------
    UsageError
        Verilator is missing.
    BenchFailure
        Something does not build.
    """
    recipe = [
        text,
        optimisation,
        str(engines),
        MAIN.read_text(encoding="utf-8"),
        c_header(),
        Path(__file__).read_text(encoding="utf-8"),
        command_lines(),
        *RUNNERS["verilator"].versions(),
    ]
    key = hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:16]
    folder = (build_root / "system" / key).absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    program = folder / "main"
    with locked(folder.with_suffix(".lock")):
        if program.exists():
            return program
        shutil.rmtree(folder, ignore_errors=True)
        with disposable(folder):
            folder.mkdir()
            objects = folder / "objects"
            objects.mkdir()
            (objects / f"{TOP}.v").write_text(text, encoding="utf-8")
            (objects / HEADER).write_text(c_header(), encoding="utf-8")
            (objects / MAIN.name).write_text(MAIN.read_text(encoding="utf-8"), encoding="utf-8")
            (objects / "control.vlt").write_text(waivers([f"{TOP}.v"]), encoding="utf-8")
            link_tools(objects)
            options = ["-O3", "--x-assign", "fast", "--x-initial", "fast", "--top-module", TOP]
            options += ["-CFLAGS", f"-std=c++20 -DENGINES={engines}", "--output-split", "20000"]
            try:
                verilate(objects, [*options, "-o", "main", "control.vlt", f"{TOP}.v", MAIN.name])
                make(objects, ["-f", f"V{TOP}.mk", f"OPT_FAST={optimisation}", "OPT_SLOW=-O0"])
            except BuildFailure as failure:
                keep(folder)
                log = objects / LOG
                raise BenchFailure(f"{TOP} {failure}: {last_lines(log)}; log: {log}") from None
            (objects / "main").rename(program)
            shutil.rmtree(objects)
            keep(folder)
    return program
