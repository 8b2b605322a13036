"""The options of ``python -m sw_model train``."""

from __future__ import annotations

import argparse
from pathlib import Path

from sw_model.network.neurons import RESETS, SHAPES
from sw_model.spec import CONFIGURATIONS

from .data import TRAINING_FOLDER
from .folder import CHECKPOINT, LOG
from .options import CALIBRATIONS, CODINGS, GRADIENTS, MODELS, SCHEDULES, TrainingOptions
from .recipes.recipe import RECIPES
from .widths import WidthOptions

EXAMPLE = """\
examples:
  python -m sw_model train --config compact --steps 16000 -o build/train/float
  python -m sw_model train --resume build/train/float/checkpoint.pt
  python -m sw_model train --quantise build/train/float/checkpoint.pt --steps 1000 --lr 1e-4 \\
      -o build/train/quantised
  python -m sw_model train --quantise compact --steps 500 --lr 1e-4 --surrogate-width 0.5 \\
      -o build/train/mine
  python -m sw_model train --recipe compact -o build/train/compact
  torchrun --nproc-per-node 2 -m -- sw_model train --config paper --batch 64 -o build/train/two

exit codes: 0 finished, 1 system failure, 2 mistake in the command,
  3 stopped by --minutes before the last step, 130, 143, 129 after Ctrl-C, SIGTERM, SIGHUP
"""


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
    start.add_argument(
        "--convert",
        type=Path,
        metavar="CHECKPOINT",
        help="start spikes, or rates, from a float DnCNN's weights: a run of --model ann, or a "
        "file of `baseline --export` (.safetensors)",
    )
    start.add_argument(
        "--recipe",
        metavar="|".join(RECIPES),
        help="do the trainings that a shipped network came from, or go on with them, each in a "
        "folder of its own in -o; other options are given to all of them",
    )
    parser.add_argument(
        "--shorten", type=int, metavar="N", help="divide the steps of --recipe by N, to try it out"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help=f"folder of {CHECKPOINT} and {LOG}"
    )
    parser.add_argument("--data", metavar="DIR", help=f"folder that holds {TRAINING_FOLDER}")
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
        ("batch", int, "patches a step"),
        ("patch", int, "pixels of a patch's sides"),
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
        (
            "partial-sums",
            float,
            "weight of the mean loss of the residuals after fewer than T timesteps",
        ),
        ("features", float, "initial weight of the loss of the features of --teacher"),
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
        "--schedule",
        choices=SCHEDULES,
        help="rates that fall to zero or stay after --warmup; default " + default.schedule,
    )
    parser.add_argument(
        "--calibration",
        choices=CALIBRATIONS,
        help="what --convert matches: scales, the means of all layers as well, or nothing; "
        f"default {default.calibration}",
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
