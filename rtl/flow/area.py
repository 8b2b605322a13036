"""Area from Yosys alone, without placement; cells are counted as nextpnr would count them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from sw_model.support.files import write_atomically

from .kept_results import load_cached, load_required
from .nextpnr import trim_carries
from .yosys import CACHE, COMPLETE, TOP, result_folder, run_yosys, synthesis_script

AREA = "area.json"
NETLIST = "netlist.json"
WEIGHTS = "weight_memory"
"""Part of the names of block RAM that holds hidden weights."""
RAM_LUTS = 6
"""LUT4 per LUT RAM of 16 words of four bits: four for the words, two for the write port."""
CARRY_LUTS = 2
"""LUT4 per carry cell, also per cell that brings a carry into or out of a chain."""
CONSTANT_LUTS = 2
"""LUT4 that nextpnr adds once per design for the two constants; not counted for parts."""


@dataclass(frozen=True, kw_only=True)
class Area:
    """Numbers of ECP5 cells; areas of parts can be added and multiplied.

    Attributes
    ----------
    lut4
        As nextpnr counts TRELLIS_COMB: LUTs, carries and LUT RAM.
    flip_flops, block_ram, dsp
        Other cells; ``dsp`` counts multipliers of 18 by 18 bits.
    weight_ram
        Blocks of ``block_ram`` that hold hidden weights.
    """

    lut4: int = 0
    flip_flops: int = 0
    block_ram: int = 0
    dsp: int = 0
    weight_ram: int = 0

    def __add__(self, other: Area) -> Area:
        return Area(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in FIELDS})

    def __mul__(self, count: int) -> Area:
        return Area(**{f.name: getattr(self, f.name) * count for f in FIELDS})


FIELDS = fields(Area)


def area_folder(text: str, cache: Path = CACHE) -> Path:
    """Cache folder of the result of `measure_area`."""
    script = synthesis_script("ecp5", f"write_json {NETLIST}")
    return result_folder(text, script, cache, kind="area")


def kept_area(folder: Path) -> Area | None:
    """Area that `measure_area` cached in a folder; None if it is missing or damaged."""
    return load_cached(folder / AREA, _area)


def _area(content: dict[str, Any]) -> Area:
    """Area from its JSON; raises an exception unless all values are counts."""
    if not all(type(count) is int and count >= 0 for count in content.values()):
        raise ValueError("not counts")
    return Area(**content)


def measure_area(text: str, *, cache: Path = CACHE) -> Area:
    """Area of a design on an ECP5; the result is cached.

    Parameters
    ----------
    text
        RTLIL, as `rtl.flow.yosys.design_text` returns it.

    Raises
    ------
    SynthesisFailure
        Yosys failed, or found a latch, a combinational loop or a net with two drivers.
    """
    folder = area_folder(text, cache)
    if (area := kept_area(folder)) is None:
        # Run Yosys again even if it completed before: the netlist is not cached.
        (folder / COMPLETE).unlink(missing_ok=True)
        script = synthesis_script("ecp5", f"write_json {NETLIST}")
        folder = run_yosys(text, script, cache, kind="area")
        area = ecp5_area(load_required(folder / NETLIST)["modules"][TOP])
        content = {field.name: getattr(area, field.name) for field in FIELDS}
        write_atomically(folder / AREA, (json.dumps(content) + "\n").encode())
        # Far larger than all other files, and no longer needed.
        (folder / NETLIST).unlink()
    return area


def ecp5_area(module: dict[str, Any]) -> Area:
    """Count the cells of a module of Yosys' JSON; unused carries are trimmed in place.

    nextpnr adds a carry cell before each chain whose carry input is a signal, and one after each
    carry that other logic uses.
    """
    trim_carries(module)
    cells = module["cells"]
    kinds = Counter(cell["type"] for cell in cells.values())
    carries = [cell["connections"] for cell in cells.values() if cell["type"] == "CCU2C"]
    outputs = {carry["COUT"][0] for carry in carries}
    chained = Counter(carry["CIN"][0] for carry in carries)
    users = Counter(
        bit
        for cell in cells.values()
        for port, bits in cell["connections"].items()
        if cell["port_directions"][port] == "input"
        for bit in bits
    )
    users.update(bit for port in module["ports"].values() for bit in port["bits"])
    chain_inputs = sum(carry["CIN"][0] not in outputs for carry in carries)
    chain_outputs = sum(users[bit] > chained[bit] for bit in outputs if bit != "x")
    blocks = [name for name, cell in cells.items() if cell["type"] in ("DP16KD", "PDPW16KD")]
    return Area(
        lut4=kinds["LUT4"]
        + CARRY_LUTS * (kinds["CCU2C"] + chain_inputs + chain_outputs)
        + RAM_LUTS * kinds["TRELLIS_DPR16X4"],
        flip_flops=kinds["TRELLIS_FF"],
        block_ram=len(blocks),
        dsp=kinds["MULT18X18D"],
        weight_ram=sum(WEIGHTS in name for name in blocks),
    )


XC7_LUTS = tuple(f"LUT{inputs}" for inputs in range(1, 7))
XC7_RAM_LUTS = {
    # LUTs per LUT RAM or shift register of each kind.
    "RAM32X1S": 1,
    "RAM32X1D": 2,
    "RAM64X1S": 1,
    "RAM64X1D": 2,
    "RAM128X1S": 2,
    "RAM128X1D": 4,
    "RAM256X1S": 4,
    "RAM32M": 4,
    "RAM64M": 4,
    "SRL16E": 1,
    "SRLC32E": 1,
}
XC7_FLIP_FLOPS = ("FDRE", "FDSE", "FDCE", "FDPE", "FDRE_1", "FDSE_1", "FDCE_1", "FDPE_1")
XC7_OTHERS = {
    # Resource and Yosys' cell.
    "CARRY4": "CARRY4",
    "RAMB18": "RAMB18E1",
    "RAMB36": "RAMB36E1",
    "DSP48": "DSP48E1",
    "MUXF7": "MUXF7",
    "MUXF8": "MUXF8",
    "clock buffers": "BUFG",
}


def xc7_area(cells: Mapping[str, int]) -> dict[str, int]:
    """Area on AMD's 7 series by resource, from Yosys' cell counts."""
    area = {name: cells.get(name, 0) for name in XC7_LUTS}
    area["LUT1"] += cells.get("INV", 0)  # an inverter takes a LUT
    area["LUTs"] = sum(area.values())
    area["LUTs as RAM or shift register"] = sum(
        luts * cells.get(name, 0) for name, luts in XC7_RAM_LUTS.items()
    )
    area["flip-flops"] = sum(cells.get(name, 0) for name in XC7_FLIP_FLOPS)
    area |= {name: cells.get(kind, 0) for name, kind in XC7_OTHERS.items()}
    known = {*XC7_LUTS, "INV", *XC7_RAM_LUTS, *XC7_FLIP_FLOPS, *XC7_OTHERS.values()}
    area["other cells"] = sum(count for name, count in cells.items() if name not in known)
    return area
