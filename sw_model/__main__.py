"""Command line of the software: ``python -m sw_model COMMAND``."""

import sys
from collections.abc import Sequence

from .support.cli import run_command

COMMANDS = {
    "train": ("sw_model.training.command", "train a float network and its spiking twin"),
    "train-few-spikes": (
        "sw_model.training.few_spikes.command",
        "train a network of the few-spike code for all noise levels",
    ),
    "baseline": (
        "sw_model.training.baseline_command",
        "PSNR of the float DnCNN that the spiking network is compared with",
    ),
    "freeze": (
        "sw_model.training.freeze_command",
        "turn a trained network into a deployment file of integers",
    ),
    "denoise": ("sw_model.denoising.command", "denoise pictures with a frozen network"),
    "host": ("sw_model.host.command", "denoise a picture on a board, over its serial line"),
    "evaluate": (
        "sw_model.evaluation.command",
        "PSNR, SSIM and activity of a frozen network over pictures",
    ),
    "figures": (
        "sw_model.studies.figures.command",
        "the paper's figures of denoising by T, LIF against rate coding",
    ),
    "cost": (
        "sw_model.evaluation.cost",
        "operations, memory traffic and energy against the dense network",
    ),
    "spikes": (
        "sw_model.evaluation.spikes",
        "count a picture's spikes, for `python -m rtl explore`",
    ),
    "card": (
        "sw_model.evaluation.card",
        "the model card of a frozen network, from its file and measured figures",
    ),
    "coding": (
        "sw_model.studies.coding.command",
        "the paper's analysis of neural coding, as figures and tables",
    ),
    "bench": (
        "sw_model.studies.bench.command",
        "time and memory compared with PyTorch, snnTorch and SpikingJelly",
    ),
    "compare": (
        "sw_model.studies.compare.command",
        "PSNR and CPU time beside BM3D, non-local means and total variation",
    ),
}
"""Module and summary of each sub-command."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a sub-command and return its exit code, as `run_command` does."""
    return run_command(
        "python -m sw_model", "A spiking DnCNN image denoiser in software.", COMMANDS, argv
    )


if __name__ == "__main__":
    sys.exit(main())
