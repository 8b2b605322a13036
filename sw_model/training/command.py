"""Training of the float networks and quantisation-aware fine-tuning: ``python -m sw_model train``.

This module has the command line with folder, log and signals; `sw_model.training.run` trains.
"""

from __future__ import annotations

import argparse
import math
import signal
import sys
import time

import numpy as np
import torch

from sw_model.pictures.sets import data_folder
from sw_model.spec import UsageError
from sw_model.support.cli import UNFINISHED
from sw_model.support.machine import check_compiler, keep_freed_memory
from sw_model.support.progress import progress
from sw_model.support.signals import WORDS, collected, exit_code

from . import distributed
from .arguments import add_arguments
from .data import PATCH, TrainingSet
from .flags import named_as_flags
from .folder import RunFolder
from .recipes.running import run_recipe
from .run import TrainingRun
from .start.begin import begin
from .start.request import Request, run_folder

__all__ = ["add_arguments", "main", "train_run"]

SAVE_SECONDS = 120.0
THREADS_MAX = 1024
EXIT_CODES = {"finished": 0, "out of time": UNFINISHED} | {
    word: exit_code(number) for number, word in WORDS.items()
}


def train_run(
    run: TrainingRun, folder: RunFolder, *, every: int, minutes: float | None = None
) -> str:
    """Trains until the schedule ends, the time is over, or a signal arrives.

    Parameters
    ----------
    every
        Steps between two evaluations; each evaluation is a line of the log.
    minutes
        Time limit of this call.

    Returns
    -------
    str
        Why training ended, one of `EXIT_CODES`.
    """
    workers = run.workers
    deadline = math.inf if minutes is None else time.monotonic() + 60 * minutes
    saved = time.monotonic()
    losses: list[float] = []
    showing = progress("training", total=run.options.steps, shown=workers.first)
    with collected() as signals, showing as bar:
        while True:
            if run.completed >= run.options.steps:
                ending = "finished"
                break
            if workers.any(bool(signals)):
                # The signal may have gone to another process only.
                ending = WORDS[signals[0] if signals else signal.SIGINT]
                break
            if workers.any(time.monotonic() > deadline):
                ending = "out of time"
                break
            losses.append(run.step())
            bar(run.completed)
            bar.describe(f"loss {losses[-1]:.1f}")
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
                bar.print(folder.append_log(entry))
            if time.monotonic() - saved > SAVE_SECONDS:
                run.checkpoint().save(folder.checkpoint)
                saved = time.monotonic()
    if workers.first:
        run.checkpoint().save(folder.checkpoint)
    workers.wait()
    return ending


@named_as_flags()
def main(args: argparse.Namespace) -> int:
    """Runs the command line; returns the exit code, one of `EXIT_CODES`."""
    if args.recipe is not None:
        return run_recipe(args, _train_one)
    if args.shorten is not None:
        raise UsageError(f"--shorten {args.shorten} is for --recipe only")
    return _train_one(args)


def _train_one(args: argparse.Namespace) -> int:
    """One training, new or resumed; returns the exit code."""
    folder = run_folder(args)
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
    """Trains in this process and returns why training ended.

    A function of its own, so that the run is released before the process group is destroyed.
    """
    images = TrainingSet.load(args.data, min(args.patch or PATCH, PATCH))
    request = Request.from_arguments(args)
    run = begin(request, images, compiled=not args.no_compile, workers=workers, device=device)
    if workers.first:
        folder.make()
        folder.truncate_log(run.completed)
    ending = train_run(run, folder, every=args.every, minutes=args.minutes)
    if workers.first:
        print(f"{ending} at step {run.completed}: {folder.checkpoint}", file=sys.stderr)
    return ending
