"""The accelerator as a gate-level netlist of FPGA cells."""

from __future__ import annotations

from dataclasses import replace

from rtl.flow.gates import gate_netlist
from rtl.flow.yosys import design_text
from rtl.generate.onchip import TOP
from rtl.onchip.accelerator import Accelerator
from sw_model.spec import Deployment, UsageError

from .rtl import Hardware

LANES_MAX = 9 * 16
"""Most lanes for gate-level simulation; more take hours."""


def check_size(deployment: Deployment) -> None:
    """Raise `UsageError` for a network that is too large for gate-level simulation."""
    lanes = 9 * deployment.spec.channels
    if lanes > LANES_MAX:
        raise UsageError(
            f"target gates: {deployment.spec.channels} channels are too many to simulate cell by "
            f"cell; give a --deployment of {LANES_MAX // 9} channels or fewer, such as one frozen "
            f"from configuration 'tiny'"
        )


def make_hardware(deployment: Deployment, max_height: int, max_width: int) -> Hardware:
    """Synthesise an accelerator for the ECP5; see `rtl.flow.gates.gate_netlist`."""
    accelerator = Accelerator(deployment=deployment, max_height=max_height, max_width=max_width)
    sources = gate_netlist(design_text(accelerator, TOP), top=TOP)
    hardware = Hardware(
        deployment=deployment,
        max_height=max_height,
        max_width=max_width,
        verilog=sources.pop(f"{TOP}.v"),
    )
    return replace(hardware, library=sources)
