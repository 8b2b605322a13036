"""Sub-command ``build``: the frozen network as an hls4ml project for the Vitis backend."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import shutil
from pathlib import Path
from typing import Any

from sw_model.spec import PIXEL_BITS, Deployment, NetworkSpec, UsageError, load_deployment
from sw_model.spec.network import LEVEL_BITS, NOISE_UNITS
from sw_model.support.files import replacing_folder
from sw_model.support.options import add_deployment_option, parse_size
from sw_model.support.progress import Phase, phases, unseen

from .compile import PROJECT, TESTBENCH
from .supported import check_supported

KIND = "HLS project"
MANIFEST = "manifest.json"
CONFIGURATION = "hls4ml_config.yml"
DEFAULT_SIZE = (64, 64)
PART = "xczu7ev-ffvc1156-2-e"
"""Default device, that of the ZCU104 board."""
CLOCK_NS = 5
"""Default clock period, in nanoseconds."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the sub-command."""
    parser.description = (
        "Write the frozen network as an hls4ml project for the Vitis backend, for frames of one "
        "size; the same input gives the same files. A network that takes a noise level gets a "
        "second input stream: the level of each frame, in sixteenths of a grey level."
    )
    parser.epilog = "example: python -m hls build --deployment compact --size 64,64 -o build/hls"
    add_project_options(parser)
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write"
    )


def add_project_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that describe a project."""
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
        help="number of timesteps, one that the deployment allows (default: the largest)",
    )
    parser.add_argument(
        "--reuse-factor",
        type=int,
        metavar="N",
        help="cycles of a layer per event word, a divisor of the number of channels (default: the "
        "number of channels, so that a layer has as many lanes as the RTL)",
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
        manifest = write_requested_project(args, folder, phase)
    height, width = manifest["size"]
    print(
        f"{args.output}: {PROJECT} for deployment {manifest['deployment'][:16]}, frames of "
        f"{height}x{width}, T = {manifest['timesteps']}, reuse factor {manifest['reuse_factor']}"
    )


def write_requested_project(args: argparse.Namespace, folder: Path, phase: Phase) -> dict[str, Any]:
    """Write the project that the command line describes, and return its manifest."""
    deployment = load_deployment(args.deployment)
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
        Cycles of a layer per event word.
    folder
        An existing, empty folder.
    phase
        Called with the name of each phase when it begins.

    Returns
    -------
    dict
        The manifest: deployment and options of the project as JSON values; also written to
        `MANIFEST`.

    Raises
    ------
    UsageError
        The network is not supported, T is not allowed, or the reuse factor does not divide the
        channels.
    """
    check_supported(deployment.spec)
    deployment.mult(timesteps)
    channels = deployment.spec.channels
    if reuse_factor < 1 or channels % reuse_factor:
        divisors = [n for n in range(1, channels + 1) if not channels % n]
        raise UsageError(
            f"reuse factor {reuse_factor} does not divide the {channels} channels; "
            f"give one of {', '.join(map(str, divisors))}"
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
    # Otherwise hls4ml writes the PyTorch object with all weights into its configuration.
    network = type(model.config.config["PytorchModel"])
    model.config.config["PytorchModel"] = f"{network.__module__}.{network.__name__}"
    with contextlib.redirect_stdout(io.StringIO()):  # it prints the folder
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
        **_inputs(deployment.spec),
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
    """Convert the network to hls4ml's ``ModelGraph``; parameters as in `write_project`."""
    # hls4ml and PyTorch take seconds to load, so import them after the checks of user input.
    from hls4ml.converters import convert_from_pytorch_model

    from .network import frozen_network
    from .register import BACKEND, register
    from .streams import set_stream_depths

    register()
    spec = deployment.spec
    pixels = f"ap_int<{PIXEL_BITS}>"
    inputs = {"pixels": (pixels, [*size, spec.colours])}
    if spec.noise_levels is not None:
        inputs["level"] = (f"ap_uint<{LEVEL_BITS}>", [1])
    with contextlib.redirect_stdout(io.StringIO()):  # it prints every layer
        model = convert_from_pytorch_model(
            frozen_network(deployment, timesteps),
            output_dir=str(folder),
            project_name=PROJECT,
            backend=BACKEND,
            io_type="io_stream",
            part=part,
            clock_period=clock_ns,
            hls_config={
                "Model": {
                    "Precision": pixels,  # required default, but every layer sets its precision
                    "ReuseFactor": reuse_factor,
                    "Strategy": "Resource",
                },
                "LayerName": {
                    name: {"Precision": {"result": precision}}
                    for name, (precision, _) in inputs.items()
                },
                "InputShape": [[None, *shape] for _, shape in inputs.values()],
            },
        )
    set_stream_depths(model)
    return model


def _inputs(spec: NetworkSpec) -> dict[str, Any]:
    """What the manifest says of a network that is not plain: code, planes and noise levels."""
    if spec.plain:
        return {}
    levels = None
    if spec.noise_levels is not None:
        low, high = spec.noise_levels
        levels = {"low": low, "high": high, "units_per_grey_level": NOISE_UNITS}
    return {
        "code": spec.code,
        "planes": spec.planes,
        "colours": spec.colours,
        "noise_levels": levels,
    }


def _make_reproducible(folder: Path, stamp: str, deployment: Deployment) -> None:
    """Replace what differs between runs: hls4ml's random stamp and the folder's path."""
    script = folder / "build_lib.sh"
    script.write_text(
        script.read_text(encoding="utf-8").replace(stamp, deployment.hash[: len(stamp)]),
        encoding="utf-8",
    )
    configuration = folder / CONFIGURATION
    # YAML quotes a stamp that reads like a number.
    text = configuration.read_text(encoding="utf-8").replace(f"'{stamp}'", stamp)
    text = text.replace(stamp, deployment.hash[: len(stamp)])
    configuration.write_text(text.replace(str(folder), "."), encoding="utf-8")
