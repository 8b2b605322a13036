"""Sub-command ``explore``: many configurations of the accelerator on one picture's spikes."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rtl.flow.nextpnr import TARGET_MHZ
from rtl.flow.yosys import check_tools
from rtl.stream.checks import check_frame_size
from sw_model.spec import Deployment, UsageError
from sw_model.spec.deployment import load_plain_deployment
from sw_model.spec.hardware.cycles import GROUP_CHANNELS
from sw_model.spec.hardware.registers import FRAME_HEIGHT_MAX, FRAME_WIDTH_MAX
from sw_model.spec.spike_counts import SpikeCounts, load_spike_counts
from sw_model.support.files import replacing_folder
from sw_model.support.options import add_deployment_option
from sw_model.support.packages import require_package
from sw_model.support.progress import progress

from .designs import MAPS
from .options import configurations_of, parse_sweep
from .points import OBJECTIVES, RESOURCES, pareto_front
from .report import available, legend, rows, table, write_report
from .sweep import Sweep, sweep

OUTPUT = Path("build/explore")
KIND = "exploration"
DEFAULT_OBJECTIVES = ("fps", "lut4", "block_ram", "energy")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the sub-command."""
    parser.description = (
        "Predict cycles, frames per second and energy of many configurations from a picture's "
        "spike counts, synthesise the parts of each with Yosys, add up their area, and mark the "
        "Pareto front. Syntheses are cached in build/synth; a group of 16 channels takes some "
        "minutes of a core. What the figures include: docs/log/exploration.md."
    )
    parser.epilog = (
        "example: python -m sw_model spikes --deployment best-s25 -o build/spikes.json && "
        "python -m rtl explore --spikes build/spikes.json --group 8,16 --weight-bits 4,8"
    )
    parser.add_argument(
        "--spikes",
        type=Path,
        required=True,
        metavar="FILE",
        help="a picture's spike counts, written by `python -m sw_model spikes`",
    )
    add_deployment_option(parser, "best-s25", " that they were counted with")
    parser.add_argument(
        "--group",
        metavar="N,...",
        help=f"most channels of a channel group, nine lanes each (default: {GROUP_CHANNELS}, or "
        "all if there are fewer)",
    )
    parser.add_argument(
        "--engines", default="1,2", metavar="N,...", help="engines (default: %(default)s)"
    )
    parser.add_argument(
        "--timesteps", metavar="T,...", help="T, at most that of the counts (default: that T)"
    )
    parser.add_argument(
        "--weight-bits",
        metavar="N,...",
        help="width of hidden weights (default: the deployment's)",
    )
    parser.add_argument(
        "--maps",
        default=",".join(MAPS),
        metavar="WHERE,...",
        help="activation maps on chip, or in external memory (default: %(default)s)",
    )
    parser.add_argument(
        "--clock", type=float, metavar="MHZ", help=f"assumed clock (default: {TARGET_MHZ})"
    )
    parser.add_argument(
        "--place",
        action="store_true",
        help="place and route each channel group and use its clock frequency instead (slow)",
    )
    parser.add_argument(
        "--whole",
        action="store_true",
        help="synthesise each accelerator as a whole instead of adding up its parts (for small "
        "networks; large ones take hours)",
    )
    parser.add_argument(
        "--device",
        default="LFE5U-85F",
        metavar="NAME",
        help="FPGA that configurations must fit (default: %(default)s)",
    )
    parser.add_argument(
        "--objectives",
        default=",".join(DEFAULT_OBJECTIVES),
        metavar="NAME,...",
        help=f"objectives of the front, out of {', '.join(OBJECTIVES)} (default: %(default)s)",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--jobs", type=int, metavar="N", help="parallel syntheses (default: one per core)"
    )
    where.add_argument(
        "--dask", metavar="ADDRESS", help="synthesise on the Dask cluster at this address"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=OUTPUT,
        metavar="DIR",
        help="output folder for table, CSV, JSON and figure (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print the JSON instead of the table")


def main(args: argparse.Namespace) -> None:
    """Run the sub-command."""
    wanted = parse_sweep(args)
    check_tools()
    require_package("matplotlib")  # the figure comes last, after hours
    deployment = load_plain_deployment(args.deployment, "the hardware")
    counts = load_spike_counts(args.spikes)
    check_counts(counts, deployment, args.spikes, args.deployment)
    configurations = list(configurations_of(args, counts, deployment))
    check_size(counts, {each.hardware.maps for each in configurations})
    client = None
    if args.dask is not None:
        from sw_model.support.cluster import connect

        client = connect(args.dask)
    with replacing_folder(args.output, KIND) as folder:
        with progress("", unit="syntheses") as bar:

            def report(label: str, done: int, total: int) -> None:
                bar.describe(label)
                bar(done, total)

            points = sweep(configurations, deployment, counts, wanted, client=client, tell=report)
        front = pareto_front(points, wanted.objectives)
        values = rows(points, front)
        write_report(folder, values, _setting(args, counts, deployment, wanted))
        content = (folder / "points.json").read_text(encoding="utf-8")
    if args.json:
        print(content, end="")
        return
    clock = "of the placed group" if wanted.place else "assumed"
    area = "of whole accelerators" if wanted.whole else "sums of parts"
    print(f"picture     {counts.picture}")
    print(f"network     {deployment.spec.name}, deployment {deployment.hash[:16]}")
    print(f"device      {wanted.device}; area {area}; clock {clock}")
    print(f"front       of {', '.join(wanted.objectives)}\n")
    text = table(values)
    print(text)
    print(legend(text), end="")
    print(f"written     {args.output}")


def check_counts(counts: SpikeCounts, deployment: Deployment, path: Path, name: str) -> None:
    """Raise `UsageError` unless the counts are of this deployment."""
    if counts.deployment != deployment.hash:
        raise UsageError(
            f"{path} has the spikes of deployment {counts.deployment[:16]} ({counts.network}), not "
            f"of {name} ({deployment.hash[:16]}): give that one as --deployment, or count again"
        )
    shape = counts.channels, len(counts.layers)
    if shape != (deployment.spec.channels, len(deployment.spec.spiking_layers)):
        raise UsageError(f"{path} is damaged: its layers are not those of {name}; count again")


def check_size(counts: SpikeCounts, maps: set[str]) -> None:
    """Raise `UsageError` if the frame is too large for hardware with maps in these places."""
    if "chip" in maps:
        check_frame_size(counts.height, counts.width)
    if counts.height > FRAME_HEIGHT_MAX or counts.width > FRAME_WIDTH_MAX:
        raise UsageError(
            f"a frame of {counts.height}x{counts.width} pixels is beyond the hardware's "
            f"{FRAME_HEIGHT_MAX}x{FRAME_WIDTH_MAX}: count the spikes of a smaller crop"
        )


def _setting(
    args: argparse.Namespace, counts: SpikeCounts, deployment: Deployment, wanted: Sweep
) -> dict[str, Any]:
    return {
        "deployment": deployment.hash,
        "network": deployment.spec.name,
        "picture": counts.picture,
        "height": counts.height,
        "width": counts.width,
        "theta": {
            str(steps): round(counts.theta(steps), 4) for steps in range(1, counts.timesteps + 1)
        },
        "device": wanted.device,
        "available": available(RESOURCES[wanted.device]),
        "area": "of the whole" if wanted.whole else "sum of parts",
        "clock": "of the placed channel group" if wanted.place else "assumed",
        "memory": asdict(wanted.memory),
        "objectives": list(wanted.objectives),
        "tools": check_tools(),
    }
