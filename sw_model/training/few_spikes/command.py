"""Training of the few-spike code: ``python -m sw_model train-few-spikes``."""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch

from sw_model.spec import UsageError
from sw_model.support.cli import UNFINISHED
from sw_model.support.machine import check_compiler, keep_freed_memory
from sw_model.support.progress import progress
from sw_model.support.signals import WORDS, collected, exit_code
from sw_model.training.folder import CHECKPOINT, LOG, RunFolder

from .data import DATA_SET, WholePictures
from .options import CONFIGURATIONS, Options
from .run import FewSpikeRun, load
from .speed import bfloat16_is_faster
from .teacher import PLANES, Teacher

FROZEN = "frozen.safetensors"
SAVE_SECONDS = 120.0
EXAMPLE = """\
examples:
  python -m sw_model train-few-spikes --config video --minutes 240 --data DIR -o build/video
  python -m sw_model train-few-spikes --resume build/video/checkpoint.pt --data DIR --slice 30
  python -m sw_model train-few-spikes --start build/video/checkpoint.pt --minutes 60 -o build/more

exit codes: 0 finished, 1 system failure, 2 mistake in the command,
  3 stopped by --slice before the end, 130, 143, 129 after Ctrl-C, SIGTERM, SIGHUP
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    default = Options()
    parser.description = (
        "Trains a network of the few-spike code for all noise levels, and freezes it to "
        f"{FROZEN} in its folder."
    )
    parser.epilog = EXAMPLE
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--resume", type=Path, metavar="CHECKPOINT", help="continue this training in its folder"
    )
    source.add_argument(
        "--start",
        type=Path,
        metavar="CHECKPOINT",
        help="start from the weights of this training; --config colour takes those of video",
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help=f"folder of {CHECKPOINT}, {LOG}, {FROZEN}"
    )
    parser.add_argument("--data", metavar="DIR", help="folder that holds --set")
    parser.add_argument(
        "--set", default=DATA_SET, metavar="NAME", help="pictures (default: %(default)s)"
    )
    parser.add_argument(
        "--teacher", type=Path, metavar="FFDNET", help="float network whose residual is learnt"
    )
    parser.add_argument(
        "--config", choices=sorted(CONFIGURATIONS), help=f"network; default {default.config}"
    )
    for name, kind, text in (
        ("minutes", float, "length of the training, all calls together"),
        ("batch", int, "patches in a step"),
        ("patch", int, "side of a patch in pixels"),
        ("lr", float, "peak learning rate of AdamW"),
        ("muon", float, "peak learning rate of Muon for the hidden layers' weights, 0: AdamW"),
        ("price", float, "weight of a neuron's spikes, summed over layers, in the loss"),
        ("final-price", float, "--price at the end of the training"),
        ("teaching", float, "share of the teacher's residual in the target"),
        ("seed", int, "seed of weights, patches and noise"),
    ):
        value = getattr(default, name.replace("-", "_"))
        parser.add_argument(f"--{name}", type=kind, help=f"{text}; default {value}")
    parser.add_argument(
        "--slice", type=float, metavar="MINUTES", help="stop this call after so many minutes"
    )
    parser.add_argument("--every", type=float, default=8.0, metavar="MINUTES",
                        help="time between evaluations (default: %(default)s)")  # fmt: skip
    parser.add_argument("--threads", type=int, metavar="N", help="threads of PyTorch")
    parser.add_argument(
        "--fp32", action="store_true", help="convolve in float32 even if bfloat16 is faster"
    )
    parser.add_argument("--no-compile", action="store_true", help="use no C++ compiler; slower")


def main(args: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    if args.output is None and args.resume is None:
        raise UsageError("-o DIR is missing: name the folder of the new training")
    if args.slice is not None and not args.slice >= 0:
        raise UsageError(f"--slice {args.slice} is not 0 or more")
    if not args.every > 0:
        raise UsageError(f"--every {args.every} is not above 0")
    if args.threads is not None and args.threads < 1:
        raise UsageError(f"--threads {args.threads} is not 1 or more")
    names = [f.name for f in dataclasses.fields(Options)]
    given = {name: value for name in names if (value := getattr(args, name)) is not None}
    content = load(args.resume or args.start) if args.resume or args.start else None
    if args.resume and content is not None:
        if given:
            option = next(iter(given)).replace("_", "-")
            raise UsageError(f"--{option} cannot be combined with --resume; leave it out")
        options = Options.from_dict(content["options"])
    elif content is not None:
        options = Options(**({"config": content["options"]["config"]} | given))
    else:
        options = Options(**given)
    if not args.no_compile:
        check_compiler()
    folder = RunFolder(args.output or args.resume.parent, args.resume)
    teacher = None if args.teacher is None else Teacher.load(args.teacher)
    if teacher is not None and options.spec.colours > 1:
        raise UsageError(f"--teacher is for grey pictures, and --config {options.config} is not")
    if teacher is not None and options.patch % PLANES:
        raise UsageError(f"--patch {options.patch} is odd; --teacher needs an even number")
    keep_freed_memory()
    if args.threads:
        torch.set_num_threads(args.threads)
    run = FewSpikeRun(
        options,
        WholePictures.load(args.data, args.set, options.patch, options.spec.colours),
        teacher=teacher,
        compiled=not args.no_compile,
        bf16=not args.fp32 and bfloat16_is_faster(),
    )
    if content is not None:
        (run.resume if args.resume else run.start)(content)
    folder.make()
    folder.truncate_log(run.completed)
    return _train(run, folder, args.slice, args.every)


def _train(run: FewSpikeRun, folder: RunFolder, minutes: float | None, every: float) -> int:
    """Train until the schedule ends, the call's time is over, or a signal arrives."""
    deadline = math.inf if minutes is None else time.monotonic() + 60 * minutes
    saved = time.monotonic()
    evaluated = run.seconds
    losses: list[float] = []
    ending, code = "finished", 0
    with collected() as signals, progress("training", unit="%", total=100) as bar:
        while run.share < 1:
            if signals or time.monotonic() > deadline:
                ending = WORDS[signals[0]] if signals else "out of time"
                code = exit_code(signals[0]) if signals else UNFINISHED
                break
            losses.append(run.step())
            bar.describe(f"loss {losses[-1]:.1f}")
            bar(int(100 * run.share))
            if run.seconds - evaluated > 60 * every or run.share >= 1:
                entry = {
                    "step": run.completed,
                    "loss": round(float(np.mean(losses)), 3),
                    "rate": round(run.rate, 4),
                    "price": round(run.price, 3),
                    "held_out": run.evaluate(),
                    "minutes": round(run.seconds / 60, 2),
                }
                losses.clear()
                bar.print(folder.append_log(entry))
                evaluated = run.seconds
            if time.monotonic() - saved > SAVE_SECONDS:
                run.save(folder.checkpoint)
                saved = time.monotonic()
        run.save(folder.checkpoint)
    if not code:
        run.freeze().save(folder.path / FROZEN)
    print(f"{ending} at step {run.completed}: {folder.checkpoint}", file=sys.stderr)
    return code
