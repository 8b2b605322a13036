"""Verilog, C header and a manifest of the accelerator with AXI ports."""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

from amaranth.back import verilog

from sw_model.spec import Deployment, load_deployment
from sw_model.spec.files import replacing_folder
from sw_model.spec.registers import VERSION

from .register_files import HEADER, c_header
from .system import System

TOP = "spiking_dncnn_system"
"""Name of the Verilog module, and of its file."""


def generate_system(deployment: Deployment, folder: Path) -> Path:
    """Write the accelerator with AXI ports; the same input gives the same bytes.

    Returns
    -------
    Path
        The Verilog file.

    Raises
    ------
    UsageError
        The folder cannot be written.
    """
    with replacing_folder(folder, "accelerator with AXI ports") as temporary:
        system = System(deployment=deployment)
        text = verilog.convert(system, name=TOP, ports=system.ports, emit_src=False)
        files = {
            f"{TOP}.v": f"// {TOP}: deployment {deployment.hash}\n{text}",
            HEADER.name: c_header(),
        }
        for name, content in files.items():
            (temporary / name).write_text(content)
        manifest = {
            "top": TOP,
            "deployment": deployment.hash,
            "network": deployment.spec.name,
            "registers": VERSION,
            "columns": system.columns,
            "sha256": {
                name: hashlib.sha256(content.encode()).hexdigest()
                for name, content in sorted(files.items())
            },
        }
        (temporary / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    return folder / f"{TOP}.v"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the sub-command."""
    parser.description = (
        "Write the accelerator that keeps images and maps in external memory: AXI4 to the memory, "
        "AXI4-Lite to software. The same input gives the same bytes."
    )
    parser.epilog = "example: python -m rtl system --deployment best-s25 -o build/system"
    parser.add_argument(
        "--deployment",
        default="best-s25",
        help="frozen file or shipped name (default: %(default)s)",
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write"
    )


def main(args: argparse.Namespace) -> None:
    """Run the sub-command."""
    deployment = load_deployment(args.deployment)
    path = generate_system(deployment, args.output)
    print(f"{path}: {TOP} for deployment {deployment.hash[:16]}")
