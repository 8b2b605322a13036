"""Measuring the float DnCNN, or exporting it: ``python -m sw_model baseline``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from sw_model.network.baseline import SHIPPED, Baseline
from sw_model.network.dncnn import PIXEL_SCALE, DnCNN, NormalisedLayer, SpikingDnCNN
from sw_model.network.folded import fold
from sw_model.pictures.eight_bit import read_picture
from sw_model.pictures.metrics import psnr
from sw_model.pictures.noise import add_noise
from sw_model.pictures.options import DEFAULT_SIGMA, add_noise_options, noise
from sw_model.pictures.sets import add_picture_options, picture_set
from sw_model.spec import UsageError
from sw_model.support.text import one_line

from .checkpoint import Checkpoint

EXAMPLE = """\
examples:
  python -m sw_model baseline --set set12
  python -m sw_model baseline --export build/train/twin/checkpoint.pt -o build/twin.safetensors
"""


def baseline_of(checkpoint: Checkpoint) -> Baseline:
    """The averaged network of a training run of model ``ann``.

    Raises
    ------
    UsageError
        The checkpoint holds another kind of network.
    """
    network = checkpoint.network()
    if not isinstance(network, DnCNN) or isinstance(network, SpikingDnCNN):
        raise UsageError(
            f"the checkpoint holds a network of model {checkpoint.options.model!r}; "
            "the baseline is one of model 'ann'"
        )
    layers = []
    for layer in network.layers:
        assert isinstance(layer, NormalisedLayer)
        weight, bias = fold(layer)
        layers.append((weight / PIXEL_SCALE if layer.encoding else weight, bias))
    output = network.output_weight.detach(), network.output_bias.detach()
    layers.append((PIXEL_SCALE * output[0], PIXEL_SCALE * output[1]))
    return Baseline(layers, {"runs": checkpoint.runs(), "data": checkpoint.data})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``python -m sw_model baseline``."""
    parser.description = "Measures the float DnCNN, or exports it from a training run."
    parser.epilog = EXAMPLE
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add_picture_options(parser)
    parser.add_argument(
        "--network", type=Path, default=SHIPPED, metavar="FILE", help="default: the shipped one"
    )
    parser.add_argument(
        "--export", type=Path, metavar="CHECKPOINT", help="write this run's network to -o"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE")
    add_noise_options(parser, sigma=DEFAULT_SIGMA)


def main(args: argparse.Namespace) -> int:
    """Runs the command line; returns the exit code."""
    if args.export:
        if args.output is None:
            raise UsageError("-o FILE is missing: name the baseline file to write")
        baseline_of(Checkpoint.load(args.export)).save(args.output)
        print(f"{args.output}: baseline", file=sys.stderr)
        return 0
    chosen = noise(args)
    assert chosen is not None, "--noise has a default"
    baseline = Baseline.load(args.network)
    files = picture_set(args).files
    values = []
    print(f"float DnCNN, {len(baseline.layers)} layers, noise {chosen}; PSNR in dB")
    for path in files:
        clean = read_picture(path)
        if clean.ndim != 2:
            raise UsageError(f"{path} has colours; the baseline needs grey pictures")
        noisy = add_noise(clean, chosen.sigma, chosen.seed, chosen.protocol)
        values.append(psnr(clean, baseline.denoise(noisy)))
        print(f"{one_line(path.name):<16} {values[-1]:.2f}", flush=True)
    print(f"{'mean':<16} {np.mean(values):.2f}")
    return 0
