"""The float DnCNN that the spiking network is held against: ``python -m sw_model baseline``.

It has the same layers and channels and ReLU in the place of neurons. Its file (safetensors) holds
what folding the batch norms leaves, in float32: ``weight.N`` (C_out, C_in, 3, 3) and ``bias.N``
(C_out,) of layer N, for pixels on the 0..255 scale.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor
from torch.nn import functional as F

from sw_model.checkpoint import Checkpoint
from sw_model.folded import fold
from sw_model.network import PIXEL_SCALE, DnCNN, NormalisedLayer, SpikingDnCNN
from sw_model.spec import GREY_MAX, KERNEL, UsageError
from sw_model.support.files import write_atomically
from sw_model.support.reading import parse_json, reading
from sw_model.support.text import one_line

from .pictures.arrays import Picture
from .pictures.eight_bit import read_picture
from .pictures.metrics import psnr
from .pictures.noise import add_noise
from .pictures.options import DEFAULT_SIGMA, add_noise_options, noise
from .pictures.sets import add_picture_options, picture_set

EXAMPLE = """\
examples:
  python -m sw_model baseline --set set12
  python -m sw_model baseline --export build/train/twin/checkpoint.pt -o build/twin.safetensors
"""
SHIPPED = Path(__file__).with_name("baselines") / "dncnn-s25.safetensors"


@dataclass(frozen=True)
class Baseline:
    """Folded layers of a DnCNN, and where they come from.

    Attributes
    ----------
    layers
        Weight and bias of every layer in order.
    provenance
        Plain JSON values.
    """

    layers: list[tuple[Tensor, Tensor]]
    provenance: Mapping[str, Any]

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Baseline:
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
        return cls(layers, {"runs": checkpoint.runs(), "data": checkpoint.data})

    @classmethod
    def load(cls, path: Path = SHIPPED) -> Baseline:
        """Reads a baseline file; raises `UsageError` where it is none."""
        accepted = "give a file that `python -m sw_model baseline --export` wrote"
        with reading(path, "a baseline", accepted), safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if "deployment" in metadata:
                raise ValueError("it holds a deployment, a spiking network")
            provenance = dict(parse_json(metadata["provenance"]))
            depth = len(file.keys()) // 2
            layers = [
                (file.get_tensor(f"weight.{n}"), file.get_tensor(f"bias.{n}")) for n in range(depth)
            ]
            _check(layers)
        return cls(layers, provenance)

    def save(self, path: Path) -> None:
        """Writes the whole file or none of it."""
        tensors: dict[str, Tensor] = {}
        for n, (weight, bias) in enumerate(self.layers):
            tensors |= {f"weight.{n}": weight.contiguous(), f"bias.{n}": bias.contiguous()}
        metadata = {"provenance": json.dumps(self.provenance, sort_keys=True)}
        write_atomically(path, save(tensors, metadata))

    @property
    def channels(self) -> list[int]:
        """Channels of each of its layers but the last."""
        return [len(bias) for _, bias in self.layers[:-1]]

    @property
    def hash(self) -> str:
        """SHA-256 over the tensors in their order, in hexadecimal digits."""
        digest = hashlib.sha256()
        for tensor in (tensor for layer in self.layers for tensor in layer):
            digest.update(tensor.contiguous().numpy().tobytes())
        return digest.hexdigest()

    def to(self, device: str) -> Baseline:
        """The same network elsewhere, laid out for its convolutions."""
        layers = [
            (weight.to(device, memory_format=torch.channels_last), bias.to(device))
            for weight, bias in self.layers
        ]
        return Baseline(layers, self.provenance)

    @torch.no_grad()
    def residual(
        self,
        pixels: Tensor,
        dtype: torch.dtype = torch.float32,
        record: list[Tensor] | None = None,
    ) -> Tensor:
        """The residual (B, 1, H, W) of noisy pixels (B, 1, H, W); hidden layers in ``dtype``.

        ``record`` gets the output (B, C, H, W) of every layer but the last in order.
        """
        x, last = pixels, len(self.layers) - 1
        for n, (weight, bias) in enumerate(self.layers):
            kind = dtype if 0 < n < last else torch.float32
            x = F.conv2d(x.to(kind), weight.to(kind), bias.to(kind), padding=1)
            if n < last:
                x = x.relu_()
                if record is not None:
                    record.append(x)
        return x

    def denoise(self, pixels: np.ndarray[Any, Any]) -> Picture:
        """The denoised picture (H, W) of noisy pixels (H, W), rounded and clamped to 0..255."""
        noisy = torch.from_numpy(pixels).float()[None, None]
        denoised = (noisy - self.residual(noisy)).round().clamp(0, GREY_MAX)
        picture: Picture = denoised[0, 0].to(torch.uint8).numpy()
        return picture


def _check(layers: list[tuple[Tensor, Tensor]]) -> None:
    """Raises ValueError unless these are the layers of a DnCNN."""
    inputs = 1
    for n, (weight, bias) in enumerate(layers):
        shape = (len(bias), inputs, KERNEL, KERNEL)
        if weight.shape != shape or bias.shape != shape[:1] or not len(bias):
            raise ValueError(
                f"layer {n} has weights {list(weight.shape)}, biases {list(bias.shape)}"
            )
        if not weight.dtype == bias.dtype == torch.float32:
            raise ValueError(f"layer {n} has {weight.dtype} and {bias.dtype}, not torch.float32")
        if not (weight.isfinite().all() and bias.isfinite().all()):
            raise ValueError(f"layer {n} holds a value that is no finite number")
        inputs = len(bias)
    if len(layers) < 2 or inputs != 1:
        raise ValueError(f"it has {len(layers)} layers, the last one of {inputs} channels")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``python -m sw_model baseline``."""
    parser.description = "Measures the float DnCNN, or takes it out of a training run."
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
        Baseline.of(Checkpoint.load(args.export)).save(args.output)
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
