"""Freezing a trained network: ``python -m sw_model freeze``."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

import torch

from sw_model.network.dncnn import SpikingDnCNN
from sw_model.network.folded import FoldedDnCNN
from sw_model.pictures.eight_bit import read_picture
from sw_model.spec import Deployment, NetworkSpec, UsageError, shipped_deployments
from sw_model.spec.deployment import load_plain_deployment

from .checkpoint import Checkpoint
from .flags import named_as_flags
from .freeze import freeze
from .run import evaluate_network
from .unfold import FROZEN, narrowed
from .widths import WidthOptions

EXAMPLE = """\
examples:
  python -m sw_model freeze build/train/quantised/checkpoint.pt -o build/compact.safetensors
  python -m sw_model freeze build/train/float/checkpoint.pt --weight-bits 6 -o build/six.safetensors
  python -m sw_model freeze lif-s25 --encoding-shift 5 -o build/narrow.safetensors
"""


def freeze_checkpoint(
    checkpoint: Checkpoint, widths: WidthOptions | None = None, name: str | None = None
) -> Deployment:
    """The frozen network of a training run, with the run's provenance.

    Parameters
    ----------
    widths
        Widths for a network trained in floats; a quantised network has its own.
    name
        Name of the deployment; the configuration's by default.

    Raises
    ------
    UsageError
        The network is not spiking, or is quantised and ``widths`` are given.
    """
    network = checkpoint.network()
    if isinstance(network, SpikingDnCNN):
        spec: NetworkSpec = (widths or WidthOptions()).apply(network.spec)
        network = FoldedDnCNN(network, spec)
    elif not isinstance(network, FoldedDnCNN):
        raise UsageError(
            f"the checkpoint holds a network of model {checkpoint.options.model!r}; "
            "only 'snn' and 'quantised' ones can be frozen"
        )
    elif widths is not None and widths != WidthOptions():
        raise UsageError(
            "the checkpoint was fine-tuned for its own widths; give widths to `train --quantise`"
        )
    provenance = {
        "runs": checkpoint.runs(),
        "seed": checkpoint.options.seed,
        "sigma": checkpoint.options.sigma,
        "data": checkpoint.data,
        "torch": torch.__version__,
    }
    if name is not None:
        network.spec = dataclasses.replace(network.spec, name=name)
    return freeze(network, provenance)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``python -m sw_model freeze``."""
    parser.description = (
        "Freezes a trained spiking network to integers, or changes the widths of a frozen one."
    )
    parser.epilog = EXAMPLE
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "network",
        type=Path,
        help="checkpoint.pt that `train` wrote, or a deployment (shipped name or .safetensors "
        "file) whose widths are to change",
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="deployment to write"
    )
    parser.add_argument(
        "--float-psnr",
        type=Path,
        nargs="+",
        metavar="PICTURE",
        help="also print the checkpoint's mean PSNR on these grey pictures; compared with "
        "`evaluate` it shows the cost of freezing",
    )
    parser.add_argument(
        "--name", help="name of the deployment; default: the configuration's, or its own"
    )
    WidthOptions.add_arguments(parser)


def save_deployment(deployment: Deployment, path: Path) -> int:
    """Writes a deployment and prints its hash; returns the exit code."""
    deployment.save(path)
    print(f"{path}: deployment {deployment.hash[:16]}", file=sys.stderr)
    return 0


@named_as_flags()
def main(args: argparse.Namespace) -> int:
    """Runs the command line; returns the exit code."""
    widths = WidthOptions.from_arguments(args)
    if str(args.network) in shipped_deployments() or args.network.suffix == FROZEN:
        if args.float_psnr:
            raise UsageError(f"{str(args.network)!r} is frozen: leave out --float-psnr")
        return save_deployment(
            narrowed(load_plain_deployment(args.network, "narrowing"), widths, args.name),
            args.output,
        )
    checkpoint = Checkpoint.load(args.network)
    pictures = [read_picture(path) for path in args.float_psnr or []]
    for path, picture in zip(args.float_psnr or [], pictures, strict=True):
        if picture.ndim != 2:
            raise UsageError(f"{path} has colours; --float-psnr needs grey pictures")
    deployment = freeze_checkpoint(checkpoint, widths, args.name)
    save_deployment(deployment, args.output)
    if pictures:
        result = evaluate_network(checkpoint.network(), pictures, checkpoint.options.sigma)
        print(f"PSNR of the checkpoint: {result['psnr']:.3f} dB")
    return 0
