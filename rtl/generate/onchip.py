"""Sub-command ``generate``: Verilog, memory contents and manifest from a deployment."""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

from rtl.flow.verilog import verilog_text, verilog_tools
from rtl.onchip.accelerator import Accelerator
from rtl.onchip.supported import check_supported
from rtl.stream.checks import check_frame_size
from sw_model.spec import Deployment, load_deployment
from sw_model.support.files import replacing_folder
from sw_model.support.options import add_deployment_option, parse_size
from sw_model.support.progress import Phase, phases, unseen

from .integration import integration_files
from .port_meanings import accelerator_interfaces

TOP = "spiking_dncnn"
"""Name of the Verilog module and of its file."""
MANIFEST = "manifest.json"
DEFAULT_MAX_SIZE = (64, 64)
"""Default largest frame of the hardware, height and width."""


def generate(
    deployment: Deployment,
    *,
    max_height: int,
    max_width: int,
    folder: Path,
    phase: Phase = unseen,
) -> Path:
    """Write the accelerator for a deployment; the same input gives the same bytes.

    The folder gets `spiking_dncnn.v`, which is self-contained; the files of
    `rtl.generate.integration`; the contents of its memories in `memory/`, as hexadecimal text with
    one row per line; and `manifest.json` with the deployment's hash, the hardware's parameters, the
    tools' versions and the SHA-256 of every file.

    Parameters
    ----------
    max_height, max_width
        Largest frame, in pixels.
    folder
        Created, or replaced if it was written by this function.
    phase
        Called with the name of each phase when it begins.

    Returns
    -------
    Path
        The Verilog file.

    Raises
    ------
    UsageError
        The size is impossible, the hardware does not support the network, or the folder cannot be
        written.
    """
    # Check first: Amaranth warns about a component that is never elaborated.
    check_frame_size(max_height, max_width)
    check_supported(deployment.spec)
    with replacing_folder(folder, "accelerator") as temporary:
        phase("building the components")
        accelerator = Accelerator(deployment=deployment, max_height=max_height, max_width=max_width)
        header = f"// {TOP}: deployment {deployment.hash}, frames up to {max_height}x{max_width}\n"
        files = {f"{TOP}.v": header + verilog_text(accelerator, TOP, phase=phase)}
        interfaces = accelerator_interfaces(levels=deployment.spec.noise_levels is not None)
        files |= integration_files(files[f"{TOP}.v"], TOP, interfaces)
        for name, rows in accelerator.memory_contents().items():
            files[f"memory/{name}.hex"] = "".join(row + "\n" for row in rows)
        for name, text in files.items():
            (temporary / name).parent.mkdir(exist_ok=True)
            (temporary / name).write_text(text, encoding="utf-8")
        manifest = _manifest(deployment, max_height, max_width, files)
        (temporary / MANIFEST).write_text(
            json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8"
        )
    return folder / f"{TOP}.v"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the sub-command."""
    parser.description = (
        "Write the accelerator for a frozen network; the same input gives the same bytes."
    )
    parser.epilog = (
        "example: python -m rtl generate --deployment compact --max-size 64,64 -o build/rtl"
    )
    add_deployment_option(parser, "compact")
    parser.add_argument(
        "--max-size",
        default="{},{}".format(*DEFAULT_MAX_SIZE),
        metavar="H,W",
        help="largest frame of the hardware, in pixels (default: %(default)s)",
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write"
    )


def main(args: argparse.Namespace) -> None:
    """Run the sub-command."""
    height, width = parse_size(args.max_size, "--max-size")
    deployment = load_deployment(args.deployment)
    with phases() as phase:
        path = generate(
            deployment, max_height=height, max_width=width, folder=args.output, phase=phase
        )
    print(f"{path}: {TOP} for deployment {deployment.hash[:16]}, frames up to {height}x{width}")


def _manifest(
    deployment: Deployment, max_height: int, max_width: int, files: dict[str, str]
) -> dict[str, object]:
    spec = deployment.spec
    return {
        "top": TOP,
        "deployment": deployment.hash,
        "network": spec.name,
        "layers": len(spec.layers),
        "channels": spec.channels,
        "timesteps": list(spec.timesteps),
        "max_height": max_height,
        "max_width": max_width,
        "tools": verilog_tools(),
        "widths": {
            name: getattr(deployment.widths, name)
            for name in ("lane", "sum", "current", "membrane", "bias", "threshold")
        },
        "sha256": {
            name: hashlib.sha256(text.encode()).hexdigest() for name, text in sorted(files.items())
        },
    }
