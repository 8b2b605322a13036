"""Sub-command ``build``: the frozen network as an hls4ml project for the Vitis backend."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import shutil
from pathlib import Path
from typing import Any

from sw_model.spec import PIXEL_BITS, Deployment, UsageError
from sw_model.spec.deployment import load_plain_deployment
from sw_model.support.files import replacing_folder
from sw_model.support.options import add_deployment_option, parse_size
from sw_model.support.progress import Phase, phases, unseen

from .compile import PROJECT, TESTBENCH

KIND = "HLS project"
MANIFEST = "manifest.json"
CONFIGURATION = "hls4ml_config.yml"
DEFAULT_SIZE = (64, 64)
PART = "xczu7ev-ffvc1156-2-e"
"""Default device: the one of the ZCU104 board."""
CLOCK_NS = 5
"""Default clock period."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the sub-command."""
    parser.description = (
        "Write the frozen network as an hls4ml project for the Vitis backend, for frames of one "
        "size; the same input gives the same files."
    )
    parser.epilog = "example: python -m hls build --deployment compact --size 64,64 -o build/hls"
    add_project_options(parser)
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write"
    )


def add_project_options(parser: argparse.ArgumentParser) -> None:
    """Options that describe a project."""
    add_deployment_option(parser, "compact")
    parser.add_argument(
        "--size",
        default="{},{}".format(*DEFAULT_SIZE),
        metavar="H,W",
        help="size of the frames (default: %(default)s)",
    )
    parser.add_argument(
        "--timesteps",
        type=int,
        metavar="T",
        help="one of those that the deployment allows (default: the largest)",
    )
    parser.add_argument(
        "--reuse-factor",
        type=int,
        metavar="N",
        help="cycles that a layer takes for an event word; divides the channels (default: their "
        "number, so that a layer has as many lanes as the RTL)",
    )
    parser.add_argument("--part", default=PART, help="device for Vitis HLS (default: %(default)s)")
    parser.add_argument(
        "--clock",
        type=float,
        default=CLOCK_NS,
        metavar="NS",
        help="clock period in nanoseconds (default: %(default)s)",
    )


def main(args: argparse.Namespace) -> None:
    """Run the sub-command."""
    with replacing_folder(args.output, KIND) as folder, phases() as phase:
        manifest = write_asked(args, folder, phase)
    height, width = manifest["size"]
    print(
        f"{args.output}: {PROJECT} for deployment {manifest['deployment'][:16]}, frames of "
        f"{height}x{width}, T = {manifest['timesteps']}, reuse factor {manifest['reuse_factor']}"
    )


def write_asked(args: argparse.Namespace, folder: Path, phase: Phase) -> dict[str, Any]:
    """Write the project that the command line describes; gives its manifest."""
    deployment = load_plain_deployment(args.deployment, "the HLS project")
    timesteps = deployment.spec.timesteps_max if args.timesteps is None else args.timesteps
    channels = deployment.spec.channels
    if not args.clock > 0:
        raise UsageError(f"--clock {args.clock:g} is not a period above 0 ns")
    return write_project(
        deployment,
        size=parse_size(args.size, "--size"),
        timesteps=timesteps,
        reuse_factor=channels if args.reuse_factor is None else args.reuse_factor,
        folder=folder,
        part=args.part,
        clock_ns=args.clock,
        phase=phase,
    )


def write_project(
    deployment: Deployment,
    *,
    size: tuple[int, int],
    timesteps: int,
    reuse_factor: int,
    folder: Path,
    part: str = PART,
    clock_ns: float = CLOCK_NS,
    phase: Phase = unseen,
) -> dict[str, Any]:
    """Write an hls4ml project; the same input gives the same files.

    Parameters
    ----------
    size
        Height and width of the frames.
    reuse_factor
        Cycles that a layer takes for an event word.
    folder
        An existing, empty folder.
    phase
        Is told what begins.

    Returns
    -------
    dict
        What the project was made from, as plain JSON values; also written to `MANIFEST`.

    Raises
    ------
    UsageError
        T is not allowed, or the reuse factor does not divide the channels.
    """
    deployment.mult(timesteps)
    channels = deployment.spec.channels
    if reuse_factor < 1 or channels % reuse_factor:
        divisors = [n for n in range(1, channels + 1) if not channels % n]
        raise UsageError(
            f"reuse factor {reuse_factor} does not divide the {channels} channels; "
            f"take one of {', '.join(map(str, divisors))}"
        )
    phase("converting the network with hls4ml")
    model = convert(
        deployment,
        size=size,
        timesteps=timesteps,
        reuse_factor=reuse_factor,
        folder=folder,
        part=part,
        clock_ns=clock_ns,
    )
    phase("writing the project")
    # hls4ml would write the PyTorch object into its configuration, with all weights once more.
    model.config.config["PytorchModel"] = "hls.network.FrozenDnCNN"
    with contextlib.redirect_stdout(io.StringIO()):  # it prints where it writes
        model.write()
    _make_reproducible(folder, str(model.config.get_config_value("Stamp")), deployment)
    shutil.copyfile(Path(__file__).with_name(TESTBENCH), folder / TESTBENCH)
    manifest = {
        "top": PROJECT,
        "deployment": deployment.hash,
        "network": deployment.spec.name,
        "size": list(size),
        "timesteps": timesteps,
        "reuse_factor": reuse_factor,
        "channels": channels,
        "spiking_layers": len(deployment.spec.spiking_layers),
        "part": part,
        "clock_ns": clock_ns,
    }
    (folder / MANIFEST).write_text(
        json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8"
    )
    return manifest


def convert(
    deployment: Deployment,
    *,
    size: tuple[int, int],
    timesteps: int,
    reuse_factor: int,
    folder: Path,
    part: str = PART,
    clock_ns: float = CLOCK_NS,
) -> Any:
    """The network as hls4ml's ``ModelGraph``; parameters as for `write_project`."""
    # hls4ml and PyTorch load for seconds: a mistake of the user must show before.
    from hls4ml.converters import convert_from_pytorch_model

    from .network import FrozenDnCNN
    from .register import BACKEND, register
    from .streams import set_stream_depths

    register()
    pixels = f"ap_int<{PIXEL_BITS}>"
    with contextlib.redirect_stdout(io.StringIO()):  # it prints every layer
        model = convert_from_pytorch_model(
            FrozenDnCNN(deployment, timesteps),
            output_dir=str(folder),
            project_name=PROJECT,
            backend=BACKEND,
            io_type="io_stream",
            part=part,
            clock_period=clock_ns,
            hls_config={
                "Model": {
                    "Precision": pixels,  # of what has no precision of its own: nothing
                    "ReuseFactor": reuse_factor,
                    "Strategy": "Resource",
                },
                "LayerName": {"pixels": {"Precision": {"result": pixels}}},
                "InputShape": [[None, *size, 1]],
            },
        )
    set_stream_depths(model)
    return model


def _make_reproducible(folder: Path, stamp: str, deployment: Deployment) -> None:
    """Take out what differs from run to run: hls4ml's random stamp and the folder's path."""
    script = folder / "build_lib.sh"
    script.write_text(
        script.read_text(encoding="utf-8").replace(stamp, deployment.hash[: len(stamp)]),
        encoding="utf-8",
    )
    configuration = folder / CONFIGURATION
    text = configuration.read_text(encoding="utf-8").replace(stamp, deployment.hash[: len(stamp)])
    configuration.write_text(text.replace(str(folder), "."), encoding="utf-8")
