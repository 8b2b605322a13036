"""Cells of the ECP5 that the board's top level instantiates, declared for Yosys.

Yosys reads its own library of them only during synthesis; before that the design's hierarchy would
be incomplete.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """Pins and parameters of a cell."""

    inputs: Sequence[str]
    outputs: Sequence[str]
    bidirectional: Sequence[str] = ()
    parameters: Sequence[str] = ()


_PIN_REGISTER = Cell(("SCLK", "SP", "CD", "D"), ("Q",))
_PHASE = ("PHASESEL0", "PHASESEL1", "PHASEDIR", "PHASESTEP", "PHASELOADREG")
CELLS = {
    "EHXPLLL": Cell(
        ("CLKI", "CLKFB", "RST", "STDBY", *_PHASE, "PLLWAKESYNC", "ENCLKOP", "ENCLKOS"),
        ("CLKOP", "CLKOS", "LOCK"),
        parameters=(
            *("CLKI_DIV", "CLKFB_DIV", "FEEDBK_PATH"),
            *(
                f"CLK{output}_{name}"
                for output in ("OP", "OS")
                for name in ("ENABLE", "DIV", "CPHASE", "FPHASE")
            ),
        ),
    ),
    "ODDRX1F": Cell(("SCLK", "RST", "D0", "D1"), ("Q",)),
    "OFS1P3DX": _PIN_REGISTER,
    "IFS1P3DX": _PIN_REGISTER,
    "BB": Cell(("I", "T"), ("O",), bidirectional=("B",)),
}


def declarations() -> str:
    """All cells as black boxes, in RTLIL."""
    lines = []
    for name, cell in CELLS.items():
        lines += ["attribute \\blackbox 1", f"module \\{name}"]
        lines += [f"  parameter \\{parameter}" for parameter in cell.parameters]
        number = 0
        for direction, pins in (
            ("input", cell.inputs),
            ("output", cell.outputs),
            ("inout", cell.bidirectional),
        ):
            for pin in pins:
                number += 1
                lines.append(f"  wire {direction} {number} \\{pin}")
        lines.append("end")
    return "\n".join([*lines, ""])
