"""Builds the accelerator with AXI ports, and the memory beside it, into a program."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

from rtl.generate_system import TOP
from rtl.register_files import c_header
from sw_model.support.files import locked
from sw_model.support.processes import run
from sw_model.support.temporary import disposable, keep

from .errors import BenchFailure
from .runners import MAKE_ARGUMENTS, VerilatorRunner, check_available, verilator_root, waivers

MAIN = Path(__file__).with_name("system_main.cpp")
HEADER = "spiking_dncnn.h"
JOBS = 2
"""Compilers that run at the same time."""


def build_system(text: str, build_root: Path, optimisation: str = "-O3", engines: int = 1) -> Path:
    """The program of accelerator and memory; built once for the same sources.

    Parameters
    ----------
    text
        Verilog of `rtl.system.System`.
    optimisation
        Of the C++ compiler: what takes longest for small networks and short runs.
    engines
        That it has, a port to memory each.

    Raises
    ------
    UsageError
        Verilator is missing.
    BenchFailure
        Something does not build.
    """
    check_available("verilator")
    recipe = [
        text,
        optimisation,
        str(engines),
        MAIN.read_text(),
        c_header(),
        Path(__file__).read_text(),
    ]
    recipe += VerilatorRunner().versions()
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
            (folder / f"{TOP}.v").write_text(text)
            (folder / HEADER).write_text(c_header())
            (folder / "control.vlt").write_text(waivers([f"{TOP}.v"]))
            root = verilator_root()
            objects = folder / "objects"
            _call(
                [
                    f"{root}/bin/verilator_bin",
                    "--cc",
                    "--exe",
                    "-O3",
                    "-Wall",
                    "--x-assign",
                    "fast",
                    "--x-initial",
                    "fast",
                    "--output-split",
                    "20000",
                    "--top-module",
                    TOP,
                    "--Mdir",
                    str(objects),
                    "-CFLAGS",
                    f"-I{folder} -std=c++20 -DENGINES={engines}",
                    "-o",
                    str(folder / "partial"),
                    "control.vlt",
                    f"{TOP}.v",
                    str(MAIN),
                ],
                folder,
            )
            _call(
                [
                    "make",
                    f"-j{JOBS}",
                    "-C",
                    str(objects),
                    "-f",
                    f"V{TOP}.mk",
                    f"VERILATOR_ROOT={root}",
                    *MAKE_ARGUMENTS,
                    f"PYTHON3={sys.executable}",
                    f"OPT_FAST={optimisation}",
                    "OPT_SLOW=-O0",
                ],
                folder,
            )
            shutil.rmtree(objects)
            (folder / "partial").rename(program)
            keep(folder)
    return program


def _call(command: list[str], folder: Path) -> None:
    environment = os.environ | {"VERILATOR_ROOT": str(verilator_root())}
    done = run(command, cwd=folder, env=environment)
    if done.returncode:
        keep(folder)
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise BenchFailure(f"{TOP} does not build: {' | '.join(lines[-6:])}; in {folder}")
