"""Sub-command ``synth``: area and clock frequency of the hardware on an FPGA."""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from sw_model.spec import Deployment, UsageError
from sw_model.spec.deployment import load_plain_deployment
from sw_model.spec.hardware.strips import ENGINES_MAX
from sw_model.support.files import check_output, write_atomically
from sw_model.support.options import add_deployment_option, parse_seeds, parse_size
from sw_model.support.progress import progress

from .designs import PARTS, report_head, wrapped_design
from .frame import frame_performance, frame_text, load_frame
from .nextpnr import (
    DEVICES,
    PACKAGE,
    SEED_MAX,
    SPEED,
    SPEEDS,
    TARGET_MHZ,
    Placement,
    place_and_route,
)
from .parallel import parse_jobs, run_side_by_side
from .xc7 import FAMILY, xc7_figures, xc7_text
from .yosys import CACHE, check_tools, design_text, synthesise

ACCELERATORS_MAX = 16
COLUMNS = {
    # Row of the report, and nextpnr's cell type.
    "LUT4": "TRELLIS_COMB",
    "LUT RAM writes": "TRELLIS_RAMW",
    "flip-flops": "TRELLIS_FF",
    "block RAM": "DP16KD",
    "DSP": "MULT18X18D",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the sub-command."""
    parser.description = (
        "Synthesise the accelerator for a frozen network with Yosys, place and route it with "
        "nextpnr, and report area and clock frequency. Results are cached in build/synth. The full "
        "network takes hours on one core; --deployment compact is smaller. "
        f"--device {FAMILY} gives the area on AMD's 7 series, by Yosys alone and without timing."
    )
    parser.epilog = "example: python -m rtl synth --deployment best-s25 --speed 8 --seeds 0,1,2"
    add_deployment_option(parser, "best-s25")
    parser.add_argument(
        "--device",
        default="LFE5U-85F",
        metavar="NAME",
        help=f"FPGA: {', '.join(DEVICES)}, or {FAMILY} for area only (default: %(default)s)",
    )
    parser.add_argument(
        "--speed", type=int, metavar="GRADE", help=f"speed grade (default: {SPEED})"
    )
    parser.add_argument(
        "--engines",
        type=int,
        default=1,
        metavar="N",
        help=f"engines of the accelerator, up to {ENGINES_MAX}; with --max-size: number of "
        "accelerators (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, metavar="N", help="seed of the placement (default: 0)")
    parser.add_argument(
        "--seeds", metavar="N,N,...", help="several seeds; the report gives their median"
    )
    parser.add_argument(
        "--jobs", type=int, metavar="N", help="seeds in parallel (default: one per core)"
    )
    parser.add_argument(
        "--max-size",
        metavar="H,W",
        help="synthesise the accelerator with its maps on chip, for frames up to this size, "
        "instead of the one with AXI ports and its maps in external memory",
    )
    parser.add_argument(
        "--busy",
        type=float,
        metavar="SHARE",
        help="share of cycles in which the array processes an event, as `sim run` measures it: "
        "adds the area per useful synaptic operation per cycle",
    )
    parser.add_argument(
        "--frame",
        type=Path,
        metavar="FILE",
        help="figures of a frame, as `python -m sim frame --predict --figures FILE` writes them: "
        "adds frames per second and the area per useful synaptic operation per cycle",
    )
    parser.add_argument(
        "--component",
        choices=sorted(PARTS),
        metavar="NAME",
        help=f"synthesise a part alone: {', '.join(sorted(PARTS))}",
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="also write JSON to FILE")
    parser.add_argument("--json", action="store_true", help="print the JSON instead of the report")


def main(args: argparse.Namespace) -> None:
    """Run the sub-command."""
    if args.device not in (*DEVICES, FAMILY):
        raise UsageError(f"--device {args.device!r} is none of {', '.join((*DEVICES, FAMILY))}")
    if args.device == FAMILY and (args.speed, args.seed, args.seeds) != (None, None, None):
        raise UsageError(f"--device {FAMILY} is not placed: leave out --speed, --seed and --seeds")
    speed = SPEED if args.speed is None else args.speed
    if speed not in SPEEDS:
        raise UsageError(f"--speed {speed} is none of {', '.join(map(str, SPEEDS))}")
    largest = ENGINES_MAX if args.max_size is None else ACCELERATORS_MAX
    if not 1 <= args.engines <= largest:
        raise UsageError(f"--engines {args.engines} is not 1 to {largest}")
    if args.busy is not None and not 0 < args.busy <= 1:
        raise UsageError(f"--busy {args.busy} is not a share above 0 and up to 1")
    seeds = parse_seeds(args.seed, args.seeds, largest=SEED_MAX)
    jobs = parse_jobs(args.jobs)
    if args.component is not None and (args.max_size is not None or args.engines != 1):
        raise UsageError("--component goes with neither --max-size nor --engines: give one of them")
    if args.frame is not None and (args.component is not None or args.max_size is not None):
        raise UsageError("--frame goes with neither --component nor --max-size: leave it out")
    if args.frame is not None and args.device == FAMILY:
        raise UsageError(f"--device {FAMILY} has no clock frequency: leave out --frame")
    size = None if args.max_size is None else parse_size(args.max_size, "--max-size")
    if args.output is not None:
        check_output(args.output)
    deployment = load_plain_deployment(args.deployment, "the hardware")
    frame = None if args.frame is None else load_frame(args.frame, deployment, args.engines)
    report = synthesis_report(
        deployment,
        device=args.device,
        speed=speed,
        engines=args.engines,
        seeds=seeds,
        size=size,
        component=args.component,
        busy=args.busy,
        jobs=jobs,
    )
    if frame is not None:
        report["frame"] = frame_performance(report, frame, deployment)
    content = json.dumps(report, indent=2, sort_keys=True, allow_nan=False) + "\n"
    if args.output is not None:
        write_atomically(args.output, content.encode())
    print(content if args.json else report_text(report), end="")


def synthesis_report(
    deployment: Deployment,
    *,
    device: str,
    speed: int,
    engines: int,
    seeds: list[int],
    size: tuple[int, int] | None = None,
    component: str | None = None,
    busy: float | None = None,
    jobs: int = 1,
    cache: Path = CACHE,
) -> dict[str, Any]:
    """Synthesise, also place and route if the device is supported, and collect the figures.

    Raises
    ------
    UsageError
        The tools are missing.
    SynthesisFailure
        The design has latches or loops, or does not fit.
    """
    check_tools()
    with progress("Yosys") as bar:
        wrapper, lanes, what = wrapped_design(
            deployment, engines=engines, size=size, component=component
        )
        text = design_text(wrapper)
        head = report_head(deployment, wrapper, text, engines=engines, lanes=lanes, what=what)
        if device == FAMILY:
            return head | xc7_figures(text, lanes, busy, cache)
        folder = synthesise(text, cache=cache)
        work = (
            (
                f"seed {seed}",
                partial(place_and_route, folder, device=device, speed=speed, seed=seed),
            )
            for seed in seeds
        )
        placed = run_side_by_side(
            work, jobs=jobs, tell=lambda label, done: bar.describe(f"nextpnr, {label}")
        )
        placements = [placed[f"seed {seed}"] for seed in seeds]
    area = {
        name: {
            "used": placements[0].used.get(kind, 0),
            "available": placements[0].available.get(kind, 0),
        }
        for name, kind in COLUMNS.items()
    }
    return {
        **head,
        "device": device,
        "speed": speed,
        "package": PACKAGE,
        "target_mhz": TARGET_MHZ,
        "area": area,
        "lut4_per_lane": round(area["LUT4"]["used"] / lanes, 2) if lanes else None,
        "busy": busy,
        "lut4_per_useful_sop": None
        if busy is None or not lanes
        else round(area["LUT4"]["used"] / (lanes * busy), 2),
        "fmax_mhz": round(median(placement.fmax_mhz for placement in placements), 2),
        "placements": [_placement(placement) for placement in placements],
    }


def report_text(report: dict[str, Any]) -> str:
    """The report as text."""
    lines = [
        f"network     {report['network']}, deployment {report['deployment'][:16]}, "
        f"{report['weight_bits']}-bit hidden weights, T up to {report['timesteps_max']}",
        f"design      {report['design']}; {report['engines']} engine(s), {report['lanes']} lanes",
        f"wrapper     {report['wrapper']} ({report['wrapper_bits']} bits)",
    ]
    if report["device"] == FAMILY:
        return "\n".join([*lines, *xc7_text(report)]) + "\n"
    lines += [
        f"device      {report['device']}-{report['speed']} in {report['package']}",
        "checked     no latches, no combinational loops, no net with two drivers",
        "",
    ]
    for name, cells in report["area"].items():
        share = cells["used"] / cells["available"] if cells["available"] else 0
        lines.append(f"{name:15}{cells['used']:8} of {cells['available']:6}  {share:6.1%}")
    if report["lut4_per_lane"] is not None:
        lines.append(f"{'LUT4 per lane':15}{report['lut4_per_lane']:8}")
    if report["lut4_per_useful_sop"] is not None:
        lines.append(
            f"{'LUT4 per SOP':15}{report['lut4_per_useful_sop']:8}    useful SOP per cycle, "
            f"array busy {report['busy']:.1%}"
        )
    lines += ["", f"{'Fmax':15}{report['fmax_mhz']:8} MHz, median of {len(report['placements'])}"]
    for placement in report["placements"]:
        path = placement["path"]
        lines += [
            f"  seed {placement['seed']}: {placement['fmax_mhz']} MHz; critical path "
            f"{path['nanoseconds']} ns, {path['routing']} of it routing",
            f"    from {path['from']}",
            f"    to   {path['to']}",
        ]
    if "frame" in report:
        lines += ["", *frame_text(report["frame"])]
    return "\n".join(lines) + "\n"


def _placement(placement: Placement) -> dict[str, Any]:
    return {
        "seed": placement.seed,
        "fmax_mhz": round(placement.fmax_mhz, 2),
        "path": placement.path,
    }
