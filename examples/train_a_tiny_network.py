"""Train a tiny spiking network on a few photographs, freeze it to integers, and measure it.

    .venv/bin/python examples/train_a_tiny_network.py -o build/my-tiny.safetensors

Four layers of four channels take a few minutes on two cores and denoise only a little; `make train`
trains networks like the shipped ones. All commands accept the frozen file as --deployment.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from sw_model import Deployment, denoise
from sw_model.pictures.crops import default_picture
from sw_model.pictures.eight_bit import read_picture
from sw_model.pictures.metrics import psnr
from sw_model.pictures.noise import add_noise
from sw_model.support.cli import run_program
from sw_model.support.files import check_output
from sw_model.support.progress import progress
from sw_model.training.checkpoint import build_model
from sw_model.training.data import TrainingSet
from sw_model.training.freeze_command import freeze_checkpoint
from sw_model.training.options import TrainingOptions
from sw_model.training.run import NOISE_SEED, TrainingRun

PHOTOGRAPHS = ("brick", "coins", "grass", "gravel", "moon", "page", "camera")
"""Grey pictures that come with scikit-image; the last one is held out."""
REPORTS = 10
"""Number of progress lines during the training."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the example."""
    parser.description = "Train a tiny spiking network, freeze it, and measure it."
    parser.add_argument("--steps", type=int, default=1000, help="default: %(default)s")
    parser.add_argument("--batch", type=int, default=16, help="patches; default: %(default)s")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.safetensors")


def main(args: argparse.Namespace) -> None:
    """Train, freeze, measure."""
    check_output(args.output)
    # Hidden weights are rounded to four bits from the start, as in the frozen network.
    options = TrainingOptions(
        config="tiny", steps=args.steps, batch=args.batch, lr=1e-2, round_weights=True
    )
    folder = default_picture().parent
    images = TrainingSet.split([read_picture(folder / f"{name}.png") for name in PHOTOGRAPHS])
    run = TrainingRun(options, images, build_model(options), data="scikit-image's photographs")
    train(run)

    # The frozen network has only integers: weights, biases, thresholds, multipliers.
    deployment = freeze_checkpoint(run.checkpoint(), name="my-tiny")
    deployment.save(args.output)
    measure(deployment, images)
    print(f"written     {args.output}")


def train(run: TrainingRun) -> None:
    """Do all steps, and print a line at regular intervals."""
    steps = run.options.steps
    with progress("training", unit="steps", total=steps) as bar:
        while run.completed < steps:
            loss = run.step()
            bar(run.completed)
            if run.completed % max(1, steps // REPORTS) == 0:
                held_out = run.evaluate()
                print(
                    f"step {run.completed:5}  loss {loss:6.1f}  held-out PSNR "
                    f"{held_out['psnr']:.2f} dB  theta {held_out['theta']:.2f}"
                )


def measure(deployment: Deployment, images: TrainingSet) -> None:
    """Print the PSNR of the held-out picture, noisy and denoised by the frozen network."""
    (clean,) = images.held_out
    noisy = add_noise(clean, deployment.sigma, NOISE_SEED)
    denoised = denoise(noisy, deployment, level=deployment.sigma)
    print(f"noisy       {psnr(clean, noisy):.2f} dB")
    print(f"denoised    {psnr(clean, denoised):.2f} dB, by the golden model's integers")


if __name__ == "__main__":
    torch.set_num_threads(1)  # maps are too small to share
    sys.exit(run_program("examples/train_a_tiny_network.py", __name__))
