"""The float DnCNN that the spiking network is compared with and learns from.

It has the same layers and channels, with ReLU instead of spiking neurons. Its file (safetensors)
holds the folded layers in float32: ``weight.N`` (C_out, C_in, 3, 3) and ``bias.N`` (C_out,) of
layer N, for pixels on the 0..255 scale.
"""

from __future__ import annotations

import hashlib
import json
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

from sw_model.pictures.arrays import Picture
from sw_model.spec import GREY_MAX, KERNEL
from sw_model.support.files import write_atomically
from sw_model.support.reading import parse_json, reading

SHIPPED = Path(__file__).parents[1] / "baselines" / "dncnn-s25.safetensors"


@dataclass(frozen=True)
class Baseline:
    """Folded layers of a DnCNN, and their provenance.

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
    def load(cls, path: Path = SHIPPED) -> Baseline:
        """Reads a baseline file; raises `UsageError` if it is not one."""
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
        """Channels of each layer except the last."""
        return [len(bias) for _, bias in self.layers[:-1]]

    @property
    def hash(self) -> str:
        """SHA-256 over the tensors in their order, in hexadecimal digits."""
        digest = hashlib.sha256()
        for tensor in (tensor for layer in self.layers for tensor in layer):
            digest.update(tensor.contiguous().numpy().tobytes())
        return digest.hexdigest()

    def to(self, device: str) -> Baseline:
        """The same network on ``device``, weights in channels-last order."""
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

        The outputs (B, C, H, W) of all layers except the last are appended to ``record``.
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
            raise ValueError(f"layer {n} holds a value that is not finite")
        inputs = len(bias)
    if len(layers) < 2 or inputs != 1:
        raise ValueError(f"it has {len(layers)} layers, the last one of {inputs} channels")
