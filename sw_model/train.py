"""Training of the float networks and quantisation-aware fine-tuning: ``python -m sw_model train``.

This is the command line with its folder, log and signals; what is trained and how is
`sw_model.training`'s.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import math
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress
from torch import nn

from sw_model import distributed
from sw_model.checkpoint import (
    CODINGS,
    GRADIENTS,
    MODELS,
    Checkpoint,
    TrainingOptions,
    WidthOptions,
    build_model,
)
from sw_model.data import PATCH, TRAINING_FOLDER, TrainingSet, data_folder
from sw_model.distributed import Workers
from sw_model.folded import FoldedDnCNN
from sw_model.machine import check_compiler, keep_freed_memory
from sw_model.network import DnCNN, SpikingDnCNN
from sw_model.run_folder import CHECKPOINT, LOG, RunFolder
from sw_model.spec import CONFIGURATIONS, UsageError
from sw_model.spec.command_line import INTERRUPTED
from sw_model.training import TrainingRun
from sw_model.widen import widen

EXAMPLE = """\
examples:
  python -m sw_model train --config compact --steps 16000 -o build/train/float
  python -m sw_model train --resume build/train/float/checkpoint.pt
  python -m sw_model train --quantise build/train/float/checkpoint.pt --steps 1000 --lr 1e-4 \\
      -o build/train/quantised
  torchrun --nproc-per-node 2 -m sw_model train --config paper --batch 64 -o build/train/two

exit codes: 0 finished, 1 system failure, 2 mistake in the command,
  3 stopped by --minutes before the last step, 130 interrupted
"""
SAVE_SECONDS = 120.0
THREADS_MAX = 1024
UNFINISHED = 3
"""Exit code of a run that ``--minutes`` stopped before its last step."""
EXIT_CODES = {"finished": 0, "out of time": UNFINISHED, "interrupted": INTERRUPTED}


@contextlib.contextmanager
def interruption() -> Iterator[list[int]]:
    """Collects SIGINT and SIGTERM instead of dying of them; a second one kills as usual."""
    received: list[int] = []

    def receive(number: int, _frame: object) -> None:
        received.append(number)
        signal.signal(number, signal.default_int_handler)

    before = {s: signal.signal(s, receive) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def train_run(
    run: TrainingRun, folder: RunFolder, *, every: int, minutes: float | None = None
) -> str:
    """Trains until the schedule, the time or the user's patience ends.

    Parameters
    ----------
    every
        Steps between two evaluations, each a line of the log.
    minutes
        Time limit of this call.

    Returns
    -------
    str
        Why it ended: ``"finished"``, ``"out of time"`` or ``"interrupted"``.
    """
    workers = run.workers
    deadline = math.inf if minutes is None else time.monotonic() + 60 * minutes
    saved = time.monotonic()
    losses: list[float] = []
    console = Console(stderr=True)
    progress = Progress(console=console, disable=not (console.is_terminal and workers.first))
    with interruption() as interrupted, progress as bar:
        task = bar.add_task("training", total=run.options.steps, completed=run.completed)
        while True:
            if run.completed >= run.options.steps:
                ending = "finished"
                break
            if workers.any(bool(interrupted)):
                ending = "interrupted"
                break
            if workers.any(time.monotonic() > deadline):
                ending = "out of time"
                break
            losses.append(run.step())
            bar.update(task, completed=run.completed, description=f"loss {losses[-1]:.1f}")
            if not workers.first:
                continue
            if run.completed % every == 0 or run.completed == run.options.steps:
                entry = {
                    "step": run.completed,
                    "loss": round(float(np.mean(losses)), 3),
                    "lr": float(f"{run.options.lr * run.rate_factor(run.completed - 1):.3g}"),
                    **run.evaluate(),
                    "minutes": round(run.seconds / 60, 2),
                }
                losses.clear()
                console.print(folder.append_log(entry), highlight=False, soft_wrap=True)
            if time.monotonic() - saved > SAVE_SECONDS:
                run.checkpoint().save(folder.checkpoint)
                saved = time.monotonic()
    if workers.first:
        run.checkpoint().save(folder.checkpoint)
    return ending


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``python -m sw_model train``."""
    default = TrainingOptions()
    parser.description = "Trains a network, or fine-tunes a trained one with quantised weights."
    parser.epilog = EXAMPLE
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    start = parser.add_mutually_exclusive_group()
    start.add_argument(
        "--resume",
        type=Path,
        metavar="CHECKPOINT",
        help="continue this run in its folder; of its options only --steps can change",
    )
    start.add_argument(
        "--quantise",
        type=Path,
        metavar="CHECKPOINT",
        help="fold this trained spiking network and fine-tune it with quantised weights",
    )
    start.add_argument(
        "--start",
        type=Path,
        metavar="CHECKPOINT",
        help="start from this network's weights; a configuration of more channels widens it",
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help=f"folder of {CHECKPOINT} and {LOG}"
    )
    parser.add_argument("--data", metavar="DIR", help=f"folder that holds {TRAINING_FOLDER}/*.png")
    parser.add_argument(
        "--config", choices=sorted(CONFIGURATIONS), help=f"network; default {default.config}"
    )
    parser.add_argument(
        "--model",
        choices=[m for m in MODELS if m != "quantised"],
        help="spiking network or its ReLU twin; default snn",
    )
    for name, kind, text in (
        ("steps", int, "length of the schedule"),
        ("batch", int, f"patches of {PATCH}x{PATCH} a step"),
        ("lr", float, "peak learning rate of AdamW"),
        ("muon", float, "peak learning rate of Muon for the hidden layers' weights, 0: AdamW"),
        ("weight-decay", float, "weight decay of AdamW"),
        ("warmup", int, "steps over which the rate rises"),
        ("sigma", float, "standard deviation of the noise, 0..255 scale"),
        ("seed", int, "seed of weights, patches and noise"),
        ("surrogate-width", float, "half the base of the surrogate gradient's triangle"),
        ("ema", float, "decay a step of the averaged weights"),
        ("supervision", float, "initial weight of losses in mid-network"),
        ("activity", float, "weight of the mean rates, summed over layers, in the loss"),
        ("timesteps", int, "T to train with, 0: the configuration's largest"),
    ):
        value = getattr(default, name.replace("-", "_"))
        parser.add_argument(f"--{name}", type=kind, help=f"{text}; default {value}")
    parser.add_argument(
        "--gradient",
        choices=GRADIENTS,
        help="through all timesteps, of rates with spikes forward, or of rates instead of spikes; "
        f"default {default.gradient}",
    )
    parser.add_argument(
        "--coding",
        choices=CODINGS,
        help="pixels as a constant current, or rate coding with a Bernoulli draw a timestep; "
        f"default {default.coding}, or that of --start",
    )
    parser.add_argument(
        "--round-weights",
        action="store_true",
        default=None,
        help="round hidden weights to the configuration's width from the start",
    )
    parser.add_argument(
        "--fp32", action="store_false", dest="bf16", default=None, help="convolve in float32 only"
    )
    WidthOptions.add_arguments(parser)
    parser.add_argument(
        "--minutes", type=float, help="stop after this time, ready to resume, with exit code 3"
    )
    parser.add_argument("--every", type=int, default=500, help="steps between evaluations")
    parser.add_argument("--threads", type=int, help="threads; default: PyTorch's")
    parser.add_argument(
        "--device",
        choices=("cpu", "cuda"),
        help="where to train; default: cuda where PyTorch finds one",
    )
    parser.add_argument(
        "--no-compile", action="store_true", help="do without a C++ compiler, several times slower"
    )


def widened(network: nn.Module, options: TrainingOptions) -> nn.Module:
    """The network of a run that starts from that of another, narrower configuration."""
    model = build_model(options)
    if not (isinstance(network, DnCNN) and isinstance(model, DnCNN)):
        raise UsageError(
            f"--config {options.config} is another network than that of --start, which is "
            "quantised; only one in floats can be widened"
        )
    widen(network, model)
    return model


def _run_from_arguments(
    args: argparse.Namespace, images: TrainingSet, workers: Workers, device: str
) -> TrainingRun:
    how: dict[str, Any] = {"compiled": not args.no_compile, "workers": workers, "device": device}
    fields = {f.name for f in dataclasses.fields(TrainingOptions)}
    given = {k: v for k, v in vars(args).items() if k in fields and v is not None}
    if (widths := WidthOptions.from_arguments(args)) != WidthOptions():
        if not args.quantise:
            raise UsageError("widths of integers are given with --quantise only")
        given["widths"] = widths
    if args.resume:
        checkpoint = Checkpoint.load(args.resume)
        for name, value in given.items():
            kept = getattr(checkpoint.options, name)
            if name != "steps" and value != kept:
                flags = {"bf16": "--fp32", "round_weights": "--round-weights"}
                option = flags.get(name, f"--{name.replace('_', '-')} {value}")
                instead = "" if name in flags else f", which has {kept}"
                raise UsageError(
                    f"{option} does not fit the run to resume{instead}; "
                    "of a run's options only --steps can change"
                )
        checkpoint.options = dataclasses.replace(checkpoint.options, **given)
        if checkpoint.options.steps < checkpoint.step:
            raise UsageError(
                f"--steps {checkpoint.options.steps} is less than the {checkpoint.step} steps "
                "that the run to resume has done"
            )
        return TrainingRun.resume(checkpoint, images, **how)
    data = f"{TRAINING_FOLDER}: {len(images.images)} images, {len(images.held_out)} held out"
    history: list[dict[str, Any]] = []
    source = args.quantise or args.start
    if source:
        origin = Checkpoint.load(source)
        history = [*origin.history, origin.record()]
        old = origin.options
        kept = {name: getattr(old, name) for name in ("config", "model", "widths", "coding")}
        for name in ("config", "model") if args.quantise else ("model",):
            if given.get(name, kept[name]) != kept[name]:
                raise UsageError(
                    f"--{name} {given[name]} does not fit {str(source)!r}, "
                    f"whose network has {name} {kept[name]!r}"
                )
        options = TrainingOptions(
            **(kept | given | ({"model": "quantised"} if args.quantise else {}))
        )
        # How to train is the new run's, the weights are the old one's.
        own = {name: getattr(options, name) for name in ("surrogate_width", "timesteps")}
        if not args.quantise:
            names = ("gradient", "round_weights", "coding")
            own |= {name: getattr(options, name) for name in names}
        origin.options = dataclasses.replace(origin.options, **own)
        model = origin.network()
        if options.config != origin.options.config:
            model = widened(model, options)
        if args.quantise:
            if not isinstance(model, SpikingDnCNN):
                raise UsageError(
                    f"{str(source)!r} holds a network of model {origin.options.model!r}; "
                    "only 'snn' can be quantised"
                )
            model = FoldedDnCNN(model, widths.apply(model.spec), options.gradient)
    else:
        options = TrainingOptions(**given)
        model = build_model(options)
    return TrainingRun(options, images, model, history=history, data=data, **how)


def main(args: argparse.Namespace) -> int:
    """Runs the command line; returns the exit code, one of `EXIT_CODES`."""
    if args.output is None and args.resume is None:
        raise UsageError("-o DIR is missing: name the folder of the new run")
    if args.every < 1:
        raise UsageError(f"--every {args.every} is not 1 or more")
    if args.minutes is not None and not args.minutes >= 0:
        raise UsageError(f"--minutes {args.minutes} is not 0 or more")
    if args.threads is not None and not 1 <= args.threads <= THREADS_MAX:
        raise UsageError(f"--threads {args.threads} is not in 1..{THREADS_MAX}")
    if args.device == "cuda" and not torch.cuda.is_available():
        raise UsageError(
            "--device cuda: PyTorch finds no CUDA device here; --device cpu does without"
        )
    device = args.device or ("cuda" if torch.cuda.is_available() else "cpu")
    if not args.no_compile and device == "cpu":
        check_compiler()
    folder = RunFolder(args.output or args.resume.parent, args.resume)
    data_folder(args.data)
    keep_freed_memory()
    if args.threads:
        torch.set_num_threads(args.threads)
    with distributed.workers(device) as workers:
        run = _run_from_arguments(args, TrainingSet.load(args.data), workers, device)
        if workers.first:
            folder.make()
            folder.truncate_log(run.completed)
        ending = train_run(run, folder, every=args.every, minutes=args.minutes)
    if workers.first:
        print(f"{ending} at step {run.completed}: {folder.checkpoint}", file=sys.stderr)
    return EXIT_CODES[ending]
