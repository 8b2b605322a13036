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
      -o build/train/compact-tuned
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
        "deployment (shipped name or .safetensors file) is fine-tuned with its own widths "
        "or the given ones",
    )
    start.add_argument(
        "--start",
        type=Path,
        metavar="CHECKPOINT",
        help="start from this network's weights, or from a float DnCNN of `baseline --export` "
        "(.safetensors); a configuration with more channels widens the network",
    )
    start.add_argument(
        "--convert",
        type=Path,
        metavar="CHECKPOINT",
        help="convert a float DnCNN to spikes, or rates, as the start: a run of --model ann, or a "
        "file of `baseline --export` (.safetensors)",
    )
    start.add_argument(
        "--recipe",
        metavar="|".join(RECIPES),
        help="repeat the trainings of a shipped network, or continue them, each in its own folder "
        "in -o; other options apply to all of them",
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
        ("batch", int, "patches in a step"),
        ("patch", int, "side of a patch in pixels"),
        ("lr", float, "peak learning rate of AdamW"),
        ("muon", float, "peak learning rate of Muon for the hidden layers' weights, 0: AdamW"),
        ("weight-decay", float, "weight decay of AdamW"),
        ("warmup", int, "steps over which the learning rate rises"),
        ("sigma", float, "standard deviation of the noise, 0..255 scale"),
        ("seed", int, "seed of weights, patches and noise"),
        (
            "surrogate-width",
            float,
            "half the base of the surrogate gradient; of arctan half the width at half height",
        ),
        ("ema", float, "decay of the averaged weights in a step"),
        ("supervision", float, "initial weight of the losses at intermediate layers"),
        (
            "partial-sums",
            float,
            "weight of the mean loss of the residuals after fewer than T timesteps",
        ),
        ("features", float, "initial weight of the loss between features and those of --teacher"),
        ("activity", float, "weight of the mean rates, summed over layers, in the loss"),
        ("timesteps", int, "T to train with, 0: the configuration's largest"),
    ):
        value = getattr(default, name.replace("-", "_"))
        parser.add_argument(f"--{name}", type=kind, help=f"{text}; default {value}")
    parser.add_argument(
        "--gradient",
        choices=GRADIENTS,
        help="time: through all timesteps; rate: spikes forward, gradient of rates back; "
        f"levels: rates instead of spikes; default {default.gradient}",
    )
    parser.add_argument(
        "--surrogate",
        choices=SHAPES,
        help=f"shape of the surrogate gradient; default {default.surrogate}",
    )
    parser.add_argument(
        "--reset-gradient",
        choices=RESETS,
        help="whether the gradient through time flows through the reset (attached) or not; "
        f"default {default.reset_gradient}",
    )
    parser.add_argument(
        "--schedule",
        choices=SCHEDULES,
        help="learning rate after --warmup: falling to zero, or constant; default "
        + default.schedule,
    )
    parser.add_argument(
        "--calibration",
        choices=CALIBRATIONS,
        help="what --convert matches: scales and the means of all layers, scales only, or nothing; "
        f"default {default.calibration}",
    )
    parser.add_argument(
        "--coding",
        choices=CODINGS,
        help="pixels as a constant current, or rate coding with one Bernoulli draw per timestep; "
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
        help="train on the residual of this float DnCNN (`baseline --export`), not on the noise",
    )
    WidthOptions.add_arguments(parser)
    parser.add_argument(
        "--minutes", type=float, help="stop after this time with exit code 3; --resume continues"
    )
    parser.add_argument("--every", type=int, default=500, help="steps between evaluations")
    parser.add_argument("--threads", type=int, help="threads; default: PyTorch's")
    parser.add_argument(
        "--device",
        choices=("cpu", "cuda"),
        help="where to train; default: cuda where PyTorch finds one",
    )
    parser.add_argument(
        "--no-compile", action="store_true", help="use no C++ compiler; several times slower"
    )
