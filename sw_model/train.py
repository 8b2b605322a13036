"""Training of the float networks and quantisation-aware fine-tuning: ``python -m sw_model train``.

This is the command line with its folder, log and signals; what is trained and how is
`sw_model.training`'s.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress

from sw_model import distributed
from sw_model.data import PATCH, TRAINING_FOLDER, TrainingSet, data_folder
from sw_model.machine import check_compiler, keep_freed_memory
from sw_model.neurons import RESETS, SHAPES
from sw_model.run_folder import CHECKPOINT, LOG, RunFolder
from sw_model.run_start import run_from_arguments
from sw_model.spec import CONFIGURATIONS, UsageError
from sw_model.spec.command_line import INTERRUPTED
from sw_model.training import TrainingRun
from sw_model.training_options import CODINGS, GRADIENTS, MODELS, TrainingOptions, WidthOptions

EXAMPLE = """\
examples:
  python -m sw_model train --config compact --steps 16000 -o build/train/float
  python -m sw_model train --resume build/train/float/checkpoint.pt
  python -m sw_model train --quantise build/train/float/checkpoint.pt --steps 1000 --lr 1e-4 \\
      -o build/train/quantised
  python -m sw_model train --quantise compact --steps 500 --lr 1e-4 --surrogate-width 0.5 \\
      -o build/train/mine
  torchrun --nproc-per-node 2 -m -- sw_model train --config paper --batch 64 -o build/train/two

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
    workers.wait()
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
        help="fold this trained spiking network and fine-tune it with quantised weights; a "
        "deployment, by its shipped name or as .safetensors, is fine-tuned as it is frozen, "
        "or in widths that are given",
    )
    start.add_argument(
        "--start",
        type=Path,
        metavar="CHECKPOINT",
        help="start from this network's weights; a configuration of more channels widens it; or "
        "from a float DnCNN of `baseline --export` (.safetensors)",
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
        (
            "surrogate-width",
            float,
            "half the base of the surrogate gradient, or half its width at half height: arctan",
        ),
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
        "--surrogate",
        choices=SHAPES,
        help=f"shape of the surrogate gradient; default {default.surrogate}",
    )
    parser.add_argument(
        "--reset-gradient",
        choices=RESETS,
        help="whether the gradient through time takes a reset as given or as the spike's; "
        f"default {default.reset_gradient}",
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
    parser.add_argument(
        "--teacher",
        type=Path,
        metavar="BASELINE",
        help="learn the residual of this float DnCNN (`baseline --export`) instead of the noise",
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
        ending = _train(args, folder, workers, device)
    return EXIT_CODES[ending]


def _train(
    args: argparse.Namespace, folder: RunFolder, workers: distributed.Workers, device: str
) -> str:
    """Trains in this process, leaves nothing of the run behind, and returns why it ended."""
    run = run_from_arguments(args, TrainingSet.load(args.data), workers, device)
    if workers.first:
        folder.make()
        folder.truncate_log(run.completed)
    ending = train_run(run, folder, every=args.every, minutes=args.minutes)
    if workers.first:
        print(f"{ending} at step {run.completed}: {folder.checkpoint}", file=sys.stderr)
    return ending
