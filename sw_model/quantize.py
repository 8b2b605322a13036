"""From a trained network to the frozen one: ``python -m sw_model freeze``.

The arithmetic that the integers serve is `sw_model.spec`'s; how a float network becomes one whose
numbers are integers times a scale is `sw_model.folded`'s. Here the integers are taken out.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sw_model.checkpoint import Checkpoint
from sw_model.folded import FoldedDnCNN, FoldedLayer
from sw_model.images import read_picture
from sw_model.network import SpikingDnCNN
from sw_model.spec import MULT_BITS, Deployment, NetworkSpec, UsageError
from sw_model.spec.network import SHIFT_MAX
from sw_model.training import evaluate_network
from sw_model.training_options import WidthOptions

EXAMPLE = """\
examples:
  python -m sw_model freeze build/train/quantised/checkpoint.pt -o build/compact.safetensors
  python -m sw_model freeze build/train/float/checkpoint.pt --weight-bits 6 -o build/six.safetensors
"""


def output_multipliers(scale: float, timesteps: tuple[int, ...]) -> tuple[list[int], int]:
    """Multiplier for every allowed T and the shift, so that mult / 2^shift is about scale / T.

    The shift is the largest with which the multiplier of the smallest T still fits its width.

    Parameters
    ----------
    scale
        Pixels per unit of R / T.

    Raises
    ------
    UsageError
        The scale is so large or small that no multiplier of 1 or more fits.
    """
    for shift in range(SHIFT_MAX, 0, -1):
        mults = [round(scale * 2**shift / t) for t in timesteps]
        if max(mults) < 1 << MULT_BITS:
            if min(mults) < 1:
                break
            return mults, shift
    raise UsageError(
        f"the output layer's scale {scale:g} pixels a unit cannot be expressed by a "
        f"{MULT_BITS}-bit multiplier and a shift of 1..{SHIFT_MAX}"
    )


def _to_int32(values: torch.Tensor, what: str) -> np.ndarray[Any, np.dtype[np.int32]]:
    integers = values.detach().double().round().contiguous().numpy()
    limit = np.iinfo(np.int32)
    if not (np.isfinite(integers).all() and (np.abs(integers) <= limit.max).all()):
        worst = integers.flat[np.abs(integers).argmax()]
        raise UsageError(
            f"{what} of {worst:g} units does not fit 32 bits; "
            "train with another seed or a lower --lr"
        )
    return integers.astype(np.int32)


def freeze(network: FoldedDnCNN, provenance: Mapping[str, Any] | None = None) -> Deployment:
    """The frozen network.

    Parameters
    ----------
    network
        Folded; its integers are taken as its quantised forward pass uses them.
    provenance
        Where it comes from, as plain JSON values.
    """
    weights, biases, scales, thresholds, inits = [], [], [], [], []
    for index, layer in enumerate(network.layers):
        assert isinstance(layer, FoldedLayer)
        weight = _to_int32(layer.integer_weight(), f"weight of layer {index}")
        weights.append(weight.astype(np.int8))
        biases.append(_to_int32(layer.integer_bias(), f"bias of layer {index}"))
        scales.append(layer.current_scale().double().numpy())
        if layer.layer.neuron is not None:
            threshold = layer.integer_threshold()
            thresholds.append(_to_int32(threshold, f"threshold of layer {index}"))
            init = layer.integer_init(network.init, network.timesteps)
            inits.append(_to_int32(init, f"init of layer {index}"))
    mults, shift = output_multipliers(float(scales[-1][0]), network.spec.timesteps)
    output = dataclasses.replace(network.spec.layers[-1], shift=shift)
    spec = dataclasses.replace(network.spec, layers=(*network.spec.layers[:-1], output))
    return Deployment(
        spec=spec,
        weights=tuple(weights),
        biases=tuple(biases),
        thresholds=tuple(thresholds),
        inits=tuple(inits),
        mults=np.array(mults, np.uint16),
        scales=tuple(scales),
        provenance=provenance or {},
    )


def freeze_checkpoint(
    checkpoint: Checkpoint, widths: WidthOptions | None = None, name: str | None = None
) -> Deployment:
    """The frozen network of a training run, with the run's provenance.

    Parameters
    ----------
    widths
        Of a network that was trained in floats; those of a quantised one are its own.
    name
        Of the deployment; the configuration's by default.

    Raises
    ------
    UsageError
        The network is not a spiking one, or is quantised and ``widths`` are given.
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
        "data": checkpoint.data,
        "torch": torch.__version__,
    }
    if name is not None:
        network.spec = dataclasses.replace(network.spec, name=name)
    return freeze(network, provenance)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``python -m sw_model freeze``."""
    parser.description = "Freezes a trained spiking network into integers."
    parser.epilog = EXAMPLE
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("checkpoint", type=Path, help="checkpoint.pt that `train` wrote")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="deployment to write"
    )
    parser.add_argument(
        "--float-psnr",
        type=Path,
        nargs="+",
        metavar="PICTURE",
        help="also print the checkpoint's mean PSNR on these grey pictures, as `evaluate` does "
        "the frozen network's: what freezing costs is the difference",
    )
    parser.add_argument("--name", help="of the deployment; default: the configuration's")
    WidthOptions.add_arguments(parser)


def main(args: argparse.Namespace) -> int:
    """Runs the command line; returns the exit code."""
    checkpoint = Checkpoint.load(args.checkpoint)
    pictures = [read_picture(path) for path in args.float_psnr or []]
    for path, picture in zip(args.float_psnr or [], pictures, strict=True):
        if picture.ndim != 2:
            raise UsageError(f"{path} has colours; --float-psnr needs grey pictures")
    deployment = freeze_checkpoint(checkpoint, WidthOptions.from_arguments(args), args.name)
    deployment.save(args.output)
    print(f"{args.output}: deployment {deployment.hash[:16]}", file=sys.stderr)
    if pictures:
        result = evaluate_network(checkpoint.network(), pictures, checkpoint.options.sigma)
        print(f"PSNR of the checkpoint: {result['psnr']:.3f} dB")
    return 0
