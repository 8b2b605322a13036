"""Sub-command ``run``: compare golden model and targets on a picture, bit for bit."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sim.compare import job
from sim.report.figure import write_figure
from sim.report.run import Outcome, report, summary
from sim.simulators.runners import check_available
from sim.targets import DEFAULT_TARGETS, TARGETS
from sim.targets import rtl as denoiser
from sw_model.pictures.eight_bit import write_picture
from sw_model.pictures.options import DEFAULT_SIGMA, describe
from sw_model.spec import GREY_MAX, UsageError
from sw_model.support.files import check_output, replacing_folder, write_atomically
from sw_model.support.progress import progress

OUTPUT = Path("build/sim")
"""Default folder for pictures and report."""
REPORT = "report.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the sub-command."""
    parser.description = (
        "Add noise to a picture, denoise it with the golden model and with the generated RTL in "
        "simulators or the HLS project in C simulation, and compare every event word of every "
        "layer and every denoised pixel. "
        "Exit code 1 if anything differs."
    )
    parser.epilog = "example: python -m sim run --image castle.png --crop 0,0,48,48 --noise 15"
    job.add_arguments(parser, DEFAULT_SIGMA, told=True)
    parser.add_argument(
        "--target",
        default=",".join(DEFAULT_TARGETS),
        metavar="NAMES",
        help=f"targets to compare, of {', '.join(TARGETS)}, separated by commas; they run in "
        "parallel (default: %(default)s)",
    )
    parser.add_argument("--waves", action="store_true", help="also write the waveforms")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=OUTPUT,
        metavar="DIR",
        help="folder for pictures, figure and report (default: %(default)s)",
    )
    parser.add_argument(
        "--json", metavar="FILE", help="write the figures as JSON; - prints only them"
    )


def main(args: argparse.Namespace) -> int:
    """Run the sub-command."""
    targets = _parse_targets(args.target)
    for target in targets:
        if (simulator := TARGETS[target].simulator) is not None:
            check_available(simulator)
        if args.waves and TARGETS[target].waves is None:
            raise UsageError(f"target {target} has no waveforms: leave out --waves or the target")
    jobs = {target: job.make_job(args, TARGETS[target].crop) for target in targets}
    for target, frame_job in jobs.items():
        TARGETS[target].check(frame_job.deployment)
    json_file = None if args.json in (None, "-") else Path(args.json)
    if json_file is not None:
        check_output(json_file)
    with replacing_folder(args.output, "simulation") as folder:
        outcomes = run(jobs, job.max_size(args), folder, waves=args.waves)
        content = json.dumps(report(outcomes), indent=2, sort_keys=True, allow_nan=False) + "\n"
        write_outputs(outcomes, folder)
        (folder / REPORT).write_text(content, encoding="utf-8")
    if json_file is not None:
        write_atomically(json_file, content.encode())
    if args.json == "-":
        sys.stdout.write(content)
    else:
        first = outcomes[0].job
        print(f"picture     {first.picture}")
        print(f"deployment  {describe(first.deployment, first.timesteps)}")
        print(f"noise       {first.noise}")
        if first.level is not None:
            print(f"level       {first.level:g}")
        for outcome in outcomes:
            print(f"\n{summary(outcome)}")
        print(f"\nwritten     {args.output}")
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def run(
    jobs: dict[str, job.Job], max_size: tuple[int, int], folder: Path, *, waves: bool = False
) -> list[Outcome]:
    """Run the jobs of all targets in parallel.

    Parameters
    ----------
    jobs
        Jobs by target, all with the same deployment.
    max_size
        Height and width of the hardware's largest frame.
    folder
        Gets a folder for each target, with the waveforms if ``waves``.

    Raises
    ------
    BenchFailure, CompileFailure
        A target does not build, or a simulation does not start.
    """
    deployment = next(iter(jobs.values())).deployment
    for target in jobs:
        (folder / target).mkdir()
    with (
        progress("Verilog", unit="event words") as generating,
        ThreadPoolExecutor(len(jobs)) as pool,
    ):
        hardware = {
            make: make(deployment, *max_size)
            for make in dict.fromkeys(TARGETS[target].make for target in jobs)
            if make is not None
        }
        generating.remove()

        def simulate(target: str) -> Outcome:
            frame_job = jobs[target]
            words = sum(words[..., 0].size for words in frame_job.words)
            bar = generating.add_bar(target, words)
            chosen = TARGETS[target]
            if chosen.run is not None:
                simulation = chosen.run(frame_job)
            else:
                assert chosen.simulator and chosen.make, "hardware has a simulator"
                simulation = denoiser.simulate(
                    chosen.simulator,
                    hardware[chosen.make],
                    [
                        denoiser.Frame(
                            pixels=frame_job.pixels,
                            timesteps=frame_job.timesteps,
                            level=frame_job.level_units,
                        )
                    ],
                    expected_cycles=sum(frame_job.cycles),
                    waves=folder / target / chosen.waves if waves and chosen.waves else None,
                    progress=bar,
                )
            bar(words)
            return Outcome(target=target, job=frame_job, simulation=simulation)

        return list(pool.map(simulate, jobs))


def write_outputs(outcomes: Sequence[Outcome], folder: Path) -> None:
    """Write the clean, noisy, golden and denoised pictures of each target, and one figure."""
    for outcome in outcomes:
        frame_job = outcome.job
        for name, picture in (
            ("clean", frame_job.clean),
            ("noisy", frame_job.pixels.clip(0, GREY_MAX).astype("uint8")),
            ("golden", frame_job.golden.denoised),
            (TARGETS[outcome.target].kind, outcome.picture),
        ):
            if picture is not None:
                write_picture(folder / outcome.target / f"{name}.png", picture)
    write_figure(folder / "figure.png", outcomes)


def _parse_targets(text: str) -> list[str]:
    targets = text.split(",")
    for target in targets:
        if target not in TARGETS or targets.count(target) > 1:
            raise UsageError(
                f"--target {text!r} is not a list of {', '.join(TARGETS)}, each at most once"
            )
    return targets
