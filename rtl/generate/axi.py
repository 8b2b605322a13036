"""Sub-command ``system``: Verilog, C header and manifest of the accelerator with AXI ports."""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

from rtl.axi.accelerator import System, memory_ports
from rtl.axi.supported import check_supported
from rtl.flow.ram_budget import DEVICE, ram_budget
from rtl.flow.verilog import verilog_text, verilog_tools
from sw_model.spec import Deployment, UsageError, load_deployment
from sw_model.spec.hardware.registers import VERSION
from sw_model.spec.hardware.strips import ENGINES_MAX, check_engines
from sw_model.support.files import replacing_folder
from sw_model.support.options import add_deployment_option
from sw_model.support.progress import Phase, phases, unseen

from .header import HEADER, c_header
from .integration import integration_files
from .port_meanings import system_interfaces

TOP = "spiking_dncnn_system"
"""Name of the Verilog module and of its file."""


def generate_system(
    deployment: Deployment, folder: Path, engines: int = 1, *, phase: Phase = unseen
) -> Path:
    """Write the accelerator with AXI ports; the same input gives the same bytes.

    The folder gets `spiking_dncnn_system.v`, its C header, the files of
    `rtl.generate.integration`, and `manifest.json`.

    Parameters
    ----------
    engines
        Number of engines that share a frame's rows, 1 or 2.
    phase
        Called with the name of each phase when it begins.

    Returns
    -------
    Path
        The Verilog file.

    Raises
    ------
    UsageError
        The hardware does not support the network, or the folder cannot be written.
    """
    check_supported(deployment.spec)
    with replacing_folder(folder, "accelerator with AXI ports") as temporary:
        phase("building the components")
        system = System(deployment=deployment, engines=engines)
        text = verilog_text(system, TOP, system.ports, phase)
        files = {
            f"{TOP}.v": f"// {TOP}: deployment {deployment.hash}\n{text}",
            HEADER.name: c_header(),
        }
        files |= integration_files(files[f"{TOP}.v"], TOP, system_interfaces(engines))
        for name, content in files.items():
            (temporary / name).write_text(content, encoding="utf-8")
        manifest = {
            "top": TOP,
            "deployment": deployment.hash,
            "network": deployment.spec.name,
            "registers": VERSION,
            "columns": system.columns,
            "engines": engines,
            "memory_ports": memory_ports(engines),
            "tools": verilog_tools(),
            "sha256": {
                name: hashlib.sha256(content.encode()).hexdigest()
                for name, content in sorted(files.items())
            },
        }
        (temporary / "manifest.json").write_text(
            json.dumps(manifest, indent=2) + "\n", encoding="utf-8"
        )
    return folder / f"{TOP}.v"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the sub-command."""
    parser.description = (
        "Write the accelerator that keeps images and maps in external memory: AXI4 to the memory, "
        "AXI4-Lite to software. The same input gives the same bytes."
    )
    parser.epilog = (
        "examples: python -m rtl system --deployment best-s25 -o build/system; "
        "python -m rtl system --engines 2 --budget"
    )
    add_deployment_option(parser, "best-s25")
    parser.add_argument(
        "--engines",
        type=int,
        default=1,
        metavar="N",
        help=f"datapaths that share a frame's rows, 1 to {ENGINES_MAX}, each with its own memory "
        f"port (default: %(default)s)",
    )
    parser.add_argument(
        "--budget",
        action="store_true",
        help=f"only print its share of the block RAM of an {DEVICE}",
    )
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="folder to write")


def main(args: argparse.Namespace) -> None:
    """Run the sub-command."""
    check_engines(args.engines)
    if args.budget == (args.output is not None):
        raise UsageError("give either --output DIR or --budget")
    deployment = load_deployment(args.deployment)
    check_supported(deployment.spec)
    if args.budget:
        with phases() as phase:
            phase("building the netlist")
            budget = ram_budget(deployment, args.engines)
        print(f"deployment {deployment.spec.name} {deployment.hash[:16]}")
        print(f"{args.engines} engine(s), strips of at most {budget.columns} columns")
        print(budget.text())
        return
    with phases() as phase:
        path = generate_system(deployment, args.output, args.engines, phase=phase)
    print(f"{path}: {TOP} for deployment {deployment.hash[:16]}")
