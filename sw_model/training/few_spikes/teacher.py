"""A float network as teacher: FFDNet for grey pictures, as safetensors."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor
from torch.nn import functional as F

from sw_model.network.dncnn import PIXEL_SCALE
from sw_model.network.few_spikes import to_planes
from sw_model.support.reading import reading

PLANES = 2
INPUTS, OUTPUTS = PLANES**2 + 1, PLANES**2


@dataclass(frozen=True)
class Teacher:
    """Weights and biases of the layers of an FFDNet.

    Zhang, Zuo and Zhang, FFDNet, 2018. Input: the picture over 255 in four planes, and the noise
    level over 255 as a constant fifth plane. Output: the clean planes. 3x3 convolutions with ReLU
    in between.
    """

    layers: list[tuple[Tensor, Tensor]]

    @classmethod
    def load(cls, path: Path) -> Teacher:
        """Read ``layers.N.weight`` and ``layers.N.bias``; raises `UsageError` without them."""
        accepted = "give an FFDNet for grey pictures, with layers.N.weight and layers.N.bias"
        with reading(path, "a teacher", accepted), safe_open(path, framework="pt") as file:
            count = len(file.keys()) // 2
            layers = [
                (file.get_tensor(f"layers.{n}.weight"), file.get_tensor(f"layers.{n}.bias"))
                for n in range(count)
            ]
            if not layers or (layers[0][0].shape[1], len(layers[-1][1])) != (INPUTS, OUTPUTS):
                raise ValueError(f"it does not have {INPUTS} planes in and {OUTPUTS} out")
        return cls([(w.to(memory_format=torch.channels_last), b) for w, b in layers])

    @property
    def hash(self) -> str:
        """SHA-256 over the tensors in their order, in hexadecimal digits."""
        digest = hashlib.sha256()
        for tensor in (tensor for layer in self.layers for tensor in layer):
            digest.update(tensor.contiguous().numpy().tobytes())
        return digest.hexdigest()

    @torch.no_grad()
    def residual(self, noisy: Tensor, sigma: Tensor, dtype: torch.dtype) -> Tensor:
        """The residual (B, 1, H, W) of noisy pixels with noise of ``sigma`` (B,), even H and W."""
        planes = to_planes(noisy, PLANES) / PIXEL_SCALE
        level = (sigma / PIXEL_SCALE)[:, None, None, None].expand(-1, 1, *planes.shape[2:])
        x = torch.cat([planes, level], 1).to(dtype).contiguous(memory_format=torch.channels_last)
        for n, (weight, bias) in enumerate(self.layers):
            x = F.conv2d(x, weight.to(dtype), bias.to(dtype), padding=1)
            if n < len(self.layers) - 1:
                x = x.relu_()
        return noisy - PIXEL_SCALE * F.pixel_shuffle(x.float(), PLANES)
