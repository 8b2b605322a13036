"""Area on AMD's 7 series, from Yosys alone and without timing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .area import xc7_area
from .kept_results import load_required
from .yosys import CACHE, TOP, synthesise

FAMILY = "xc7"
"""Value of ``--device``."""
TIMING = "not available: no open tool that this project uses times this family"


def xc7_figures(
    text: str, lanes: int, busy: float | None = None, cache: Path = CACHE
) -> dict[str, Any]:
    """Synthesise with ``synth_xilinx`` and collect the figures.

    Parameters
    ----------
    text
        RTLIL.
    lanes, busy
        Number of lanes of the design; share of busy cycles, as in
        `rtl.flow.synth.synthesis_report`.

    Raises
    ------
    SynthesisFailure
        The design has latches or loops.
    """
    folder = synthesise(text, device_family=FAMILY, cache=cache)
    stat = load_required(folder / "stat.json")
    area = xc7_area(stat["modules"][f"\\{TOP}"]["num_cells_by_type"])
    luts = area["LUTs"] + area["LUTs as RAM or shift register"]
    return {
        "device": FAMILY,
        "area": {name: {"used": count} for name, count in area.items()},
        "luts_per_lane": round(luts / lanes, 2) if lanes else None,
        "busy": busy,
        "luts_per_useful_sop": None
        if busy is None or not lanes
        else round(luts / (lanes * busy), 2),
        "fmax_mhz": None,
        "timing": TIMING,
        "placements": [],
    }


def xc7_text(report: dict[str, Any]) -> list[str]:
    """Lines of the text report, from the device on."""
    lines = [
        "device      AMD 7 series (xc7), by Yosys' synth_xilinx; LUTs before pairs are packed",
        "checked     no latches, no combinational loops, no net with two drivers",
        "",
        *(f"{name:30}{cells['used']:8}" for name, cells in report["area"].items()),
    ]
    if report["luts_per_lane"] is not None:
        lines.append(f"{'LUTs per lane':30}{report['luts_per_lane']:8}")
    if report["luts_per_useful_sop"] is not None:
        lines.append(
            f"{'LUTs per SOP':30}{report['luts_per_useful_sop']:8}    useful SOP per cycle, "
            f"array busy {report['busy']:.1%}"
        )
    return [*lines, "", f"timing      {report['timing']}"]
