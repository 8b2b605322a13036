"""Sub-command ``frame``: compare a whole frame on the accelerator with AXI ports, bit for bit."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from rtl.axi.supported import check_supported
from sim.compare import job
from sim.report.frame import FrameOutcome, prediction, report, summary
from sim.report.frame_figures import frame_figures
from sim.simulators.runners import check_available
from sim.targets.system import MEMORY, SystemRun, SystemSimulation
from sw_model.pictures.eight_bit import write_picture
from sw_model.pictures.options import DEFAULT_SIGMA, describe
from sw_model.spec import GREY_MAX, UsageError
from sw_model.spec.hardware.strips import ENGINES_MAX, check_engines
from sw_model.spec.hardware.system_cycles import MemoryTiming
from sw_model.support.files import check_output, replacing_folder, write_atomically
from sw_model.support.progress import progress

OUTPUT = Path("build/sim-frame")
REPORT = "report.json"
CROP = "60,180,256,256"
"""Default crop of the default picture."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the sub-command."""
    parser.description = (
        "Denoise a frame with the golden model and with the accelerator that keeps maps and images "
        "in external memory, in Verilator, and compare every event word of every layer, every "
        "denoised pixel and every layer's cycles. Exit code 1 if anything differs."
    )
    parser.epilog = "example: python -m sim frame --deployment compact --crop 0,0,64,64"
    job.add_arguments(parser, DEFAULT_SIGMA, sized=False)
    parser.add_argument(
        "--latency",
        default=f"{MEMORY.read},{MEMORY.write}",
        metavar="READ,WRITE",
        help="latencies of the memory, in cycles (default: %(default)s)",
    )
    parser.add_argument(
        "--engines",
        type=int,
        default=1,
        metavar="N",
        help=f"datapaths that share the rows, 1 to {ENGINES_MAX} (default: %(default)s)",
    )
    parser.add_argument(
        "--predict",
        action="store_true",
        help="only the golden model and the cycle model: cycles and busy shares, in seconds",
    )
    parser.add_argument(
        "--figures",
        type=Path,
        metavar="FILE",
        help="with --predict: also write the figures that `python -m rtl synth --frame` takes",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=OUTPUT,
        metavar="DIR",
        help="folder for pictures and report (default: %(default)s)",
    )


def main(args: argparse.Namespace) -> int:
    """Run the sub-command."""
    if not args.predict:
        check_available("verilator")
    if args.figures is not None:
        if not args.predict:
            raise UsageError("--figures goes with --predict only: add it, or leave out --figures")
        check_output(args.figures)
    memory = _parse_latency(args.latency)
    check_engines(args.engines)
    frame_job = job.make_job(args, CROP)
    check_supported(frame_job.deployment.spec)
    if args.predict:
        system, system_run = _system(frame_job, args.engines), _system_run(frame_job, memory)
        print(f"deployment  {describe(frame_job.deployment, frame_job.timesteps)}")
        print(prediction(frame_job, system, system_run))
        if args.figures is not None:
            content = json.dumps(
                frame_figures(frame_job, system, system_run), indent=2, allow_nan=False
            )
            write_atomically(args.figures, f"{content}\n".encode())
        return 0
    with replacing_folder(args.output, "frame simulation") as folder:
        outcome = run(frame_job, memory, args.engines)
        for name, picture in (
            ("clean", frame_job.clean),
            ("noisy", frame_job.pixels.clip(0, GREY_MAX).astype("uint8")),
            ("golden", frame_job.golden.denoised),
            ("rtl", outcome.result.denoised),
        ):
            write_picture(folder / f"{name}.png", picture)
        content = json.dumps(report(outcome), indent=2, sort_keys=True, allow_nan=False)
        (folder / REPORT).write_text(content + "\n", encoding="utf-8")
    print(f"picture     {frame_job.picture}")
    print(f"deployment  {describe(frame_job.deployment, frame_job.timesteps)}")
    print(f"noise       {frame_job.noise}")
    print(summary(outcome))
    print(f"written     {args.output}")
    return 0 if outcome.passed else 1


def run(frame_job: job.Job, memory: MemoryTiming, engines: int = 1) -> FrameOutcome:
    """Build the accelerator, denoise the frame and return all results.

    Raises
    ------
    BenchFailure
        The accelerator does not build, violates the bus protocol, or does not end without error.
    """
    layers = len(frame_job.deployment.spec.layers)
    with progress("golden model", unit="layers", total=layers) as bar:
        system, system_run = _system(frame_job, engines), _system_run(frame_job, memory)
        predicted = system.expected_cycles(system_run, frame_job.words)
        bar.describe("building")
        system.build()
        bar.describe("simulating")
        begun = time.monotonic()
        result = system.run(system_run, sum(predicted), bar)
        seconds = time.monotonic() - begun
    return FrameOutcome(
        job=frame_job,
        run=system_run,
        system=system,
        result=result,
        predicted=predicted,
        seconds=seconds,
    )


def _system(frame_job: job.Job, engines: int) -> SystemSimulation:
    return SystemSimulation(frame_job.deployment, engines=engines)


def _system_run(frame_job: job.Job, memory: MemoryTiming) -> SystemRun:
    return SystemRun(pixels=frame_job.pixels, timesteps=frame_job.timesteps, memory=memory)


def _parse_latency(text: str) -> MemoryTiming:
    try:
        read, write = (int(part) for part in text.split(","))
    except ValueError:
        read = write = 0
    if min(read, write) < 1:
        raise UsageError(f"--latency {text!r} is not READ,WRITE, two integers of 1 or more")
    return MemoryTiming(read=read, write=write)
