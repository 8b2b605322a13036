"""Runs the stages of a recipe in order; stopped stages are resumed, finished ones skipped."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sw_model.spec import UsageError
from sw_model.support.files import write_atomically

from ..baseline_command import baseline_of
from ..checkpoint import Checkpoint
from ..folder import CHECKPOINT
from ..freeze_command import freeze_checkpoint, save_deployment
from .recipe import Stage, load_recipe

RESULT = "frozen.safetensors"
RECIPE_FILE = "recipe"
"""File in a recipe's folder with the recipe's name and the divisor of its steps."""


def run_recipe(args: argparse.Namespace, train: Callable[[argparse.Namespace], int]) -> int:
    """Runs the remaining trainings of the recipe ``args.recipe`` in the folder ``args.output``.

    Parameters
    ----------
    args
        Arguments of ``train``; other options than the recipe apply to all its trainings.
    train
        Runs one training and returns its exit code.

    Returns
    -------
    int
        0, or the exit code of the training that stopped.

    Raises
    ------
    UsageError
        The recipe is unknown, the folder holds another one, or a training's options are wrong.
    """
    stages = load_recipe(args.recipe)
    if args.output is None:
        raise UsageError("-o DIR is missing: name the folder of the recipe")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UsageError("--recipe trains in one process; start its trainings one by one")
    shorten = 1 if args.shorten is None else args.shorten
    if shorten < 1:
        raise UsageError(f"--shorten {shorten} is not 1 or more")
    folder = args.output
    _make_folder(folder, f"{args.recipe} {shorten}")
    for stage in stages:
        code = train(stage_arguments(stage, folder, args, shorten))
        if code:
            print(
                f"stopped in the training {stage.name!r}, {RESULT} is not written; "
                "the same command continues",
                file=sys.stderr,
            )
            return code
        _finish(stage, folder)
    return 0


def stage_arguments(
    stage: Stage, folder: Path, args: argparse.Namespace, shorten: int = 1
) -> argparse.Namespace:
    """The arguments of ``train`` that start a stage, or resume it if it has a checkpoint.

    Parameters
    ----------
    args
        Arguments of the recipe's command line, which take precedence over the stage's.
    shorten
        Divisor of the steps.
    """
    checkpoint = folder / stage.name / CHECKPOINT
    own: dict[str, Any] = {"teacher": stage.teacher and folder / stage.teacher}
    if checkpoint.exists():
        own |= {"resume": checkpoint}
    else:
        own |= stage.options | {
            "steps": -(-stage.steps // shorten),
            "start": stage.start and folder / stage.start,
            "quantise": stage.quantise and folder / stage.quantise,
        }
    values = vars(args) | {"recipe": None, "shorten": None, "output": checkpoint.parent}
    values |= {name: value for name, value in own.items() if values[name] is None}
    return argparse.Namespace(**values)


def _make_folder(folder: Path, recipe: str) -> None:
    """Makes the folder of a recipe; raises `UsageError` if it belongs to another recipe."""
    file = folder / RECIPE_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = (
            file.read_text(encoding="utf-8", errors="replace").strip() if file.exists() else None
        )
    except OSError as error:
        name = str(error.filename or folder)
        raise UsageError(f"cannot use the folder {name!r}: {error.strerror}") from None
    if found is None:
        write_atomically(file, f"{recipe}\n".encode())
    elif found != recipe:
        raise UsageError(
            f"{str(folder)!r} holds a training of {found!r}, not {recipe!r}; name another folder"
        )


def _finish(stage: Stage, folder: Path) -> None:
    """Writes the deployment and the baseline of a finished stage, if it has them."""
    if stage.freeze is None and stage.export is None:
        return
    checkpoint = Checkpoint.load(folder / stage.name / CHECKPOINT)
    if stage.freeze is not None:
        deployment = freeze_checkpoint(checkpoint, name=stage.freeze.name)
        save_deployment(deployment, folder / stage.freeze.file)
    if stage.export is not None:
        baseline_of(checkpoint).save(folder / stage.export)
        print(f"{folder / stage.export}: baseline", file=sys.stderr)
