"""The plain DnCNN with hls4ml's standard layers, as a baseline for the spiking network."""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from hls4ml.converters import convert_from_pytorch_model
from torch import Tensor, nn

from sw_model.spec import KERNEL, PIXEL_BITS

from .compile import cpu_seconds
from .register import BACKEND

PROJECT = "dense_dncnn"
WEIGHT_BITS, BIAS_BITS, ACTIVATION_BITS = 8, 16, 8
_SCALES = range(-16, 17)
"""Candidate exponents of the power of two that bounds a quantised tensor."""


@dataclass(frozen=True, kw_only=True)
class TwinResult:
    """Results of the dense network.

    Attributes
    ----------
    residual
        (H, W) float64, from C simulation.
    expected
        (H, W) float64, from PyTorch with the same quantised weights and activations.
    compile_seconds, simulation_seconds
        Processor time of hls4ml's build (g++ -O3), and of the C simulation of one frame.
    """

    residual: Tensor
    expected: Tensor
    compile_seconds: float
    simulation_seconds: float


class DenseDnCNN(nn.Module):
    """Convolutions with quantised weights and ReLU between them.

    Parameters
    ----------
    layers
        Weight (C_out, C_in, 3, 3) and bias (C_out,) of every layer; the input of the first is
        pixels on the 0..255 scale, the output of the last the residual.
    """

    def __init__(self, layers: Sequence[tuple[Tensor, Tensor]]) -> None:
        super().__init__()
        self.depth = len(layers)
        self.points: list[tuple[int, int]] = []
        for index, (weight, bias) in enumerate(layers):
            out_channels, in_channels = weight.shape[:2]
            conv = nn.Conv2d(in_channels, out_channels, KERNEL, padding=KERNEL // 2).double()
            points = (_point(weight, WEIGHT_BITS - 1), _point(bias, BIAS_BITS - 1))
            conv.weight.data = _quantise(weight, WEIGHT_BITS - 1, points[0])
            conv.bias = nn.Parameter(_quantise(bias, BIAS_BITS - 1, points[1]))
            self.points.append(points)
            self.add_module(f"conv{index}", conv)
            if index < self.depth - 1:
                self.add_module(f"relu{index}", nn.ReLU())

    def forward(self, pixels: Tensor) -> Tensor:
        """The residual (B, 1, H, W) of noisy pixels (B, 1, H, W)."""
        x = pixels
        for index in range(self.depth):
            x = self.get_submodule(f"conv{index}")(x)
            if index < self.depth - 1:
                x = self.get_submodule(f"relu{index}")(x)
        return x


@torch.no_grad()
def run_twin(
    layers: Sequence[tuple[Tensor, Tensor]], pixels: Tensor, reuse_factor: int, folder: Path
) -> TwinResult:
    """Write, compile and run the dense network's hls4ml project.

    Parameters
    ----------
    pixels
        (H, W) noisy pixels in -512..511; the activations' scales are calibrated on them.
    reuse_factor
        hls4ml's reuse factor for all layers.
    folder
        An existing folder for the project.
    """
    # float64 holds every sum exactly.
    network = DenseDnCNN([(weight.double(), bias.double()) for weight, bias in layers]).eval()
    frame = pixels.double()[None, None]
    configuration, expected = _configuration(network, frame, reuse_factor)
    with contextlib.redirect_stdout(io.StringIO()):  # it prints every layer
        model = convert_from_pytorch_model(
            network,
            output_dir=str(folder),
            project_name=PROJECT,
            backend=BACKEND,
            io_type="io_stream",
            hls_config=configuration,
        )
        start = cpu_seconds()
        model.compile()
        compiled = cpu_seconds()
        # Streams have channels last; the caller must transpose.
        residual = model.predict(frame.permute(0, 2, 3, 1).contiguous().float().numpy())
        simulated = cpu_seconds()
    return TwinResult(
        residual=torch.from_numpy(residual).double().reshape(pixels.shape),
        expected=expected[0, 0],
        compile_seconds=compiled - start,
        simulation_seconds=simulated - compiled,
    )


def _configuration(
    network: DenseDnCNN, frame: Tensor, reuse_factor: int
) -> tuple[dict[str, Any], Tensor]:
    """Precisions of every layer, and the network's output with them.

    Sums are exact, activations rounded and saturated.
    """
    names: dict[str, Any] = {"pixels": {"Precision": {"result": f"ap_int<{PIXEL_BITS}>"}}}
    x, fraction, largest = frame, 0, float(1 << (PIXEL_BITS - 1))
    for index in range(network.depth):
        conv = network.get_submodule(f"conv{index}")
        assert isinstance(conv, nn.Conv2d) and conv.bias is not None
        point, bias_point = network.points[index]
        weight_fraction = WEIGHT_BITS - 1 - point
        bound = float((conv.weight.abs().sum((1, 2, 3)) * largest + conv.bias.abs()).max())
        integer = max(1, math.ceil(math.log2(bound)) + 2)
        places = max(fraction + weight_fraction, BIAS_BITS - 1 - bias_point)
        sums = f"ap_fixed<{integer + places}, {integer}>"
        names[f"conv{index}"] = {
            "Precision": {
                "weight": f"ap_fixed<{WEIGHT_BITS}, {point + 1}>",
                "bias": f"ap_fixed<{BIAS_BITS}, {bias_point + 1}>",
                "accum": sums,
                "result": sums,
            }
        }
        x = conv(x)
        if index < network.depth - 1:
            x = x.relu()
            scale = _point(x, ACTIVATION_BITS)
            activation = f"ap_ufixed<{ACTIVATION_BITS}, {scale}, AP_RND, AP_SAT>"
            names[f"relu{index}"] = {"Precision": {"result": activation}}
            x = _quantise(x, ACTIVATION_BITS, scale)
            fraction, largest = ACTIVATION_BITS - scale, float(2**scale)
    configuration = {
        "Model": {
            "Precision": f"ap_int<{PIXEL_BITS}>",
            "ReuseFactor": reuse_factor,
            "Strategy": "Resource",
            "ChannelsLastConversion": "internal",
            "TransposeOutputs": False,
        },
        "LayerName": names,
        "InputShape": [[None, *frame.shape[1:]]],
    }
    return configuration, x


def _quantise(values: Tensor, bits: int, point: int) -> Tensor:
    """Quantise to ``bits`` magnitude bits below 2^point; round half up, saturate."""
    step = 2.0 ** (point - bits)
    highest = 2**bits - 1
    lowest = -highest if bool((values < 0).any()) else 0
    return (values / step + 0.5).floor().clamp(lowest, highest) * step


def _point(values: Tensor, bits: int) -> int:
    """Position of the binary point (integer bits) with the smallest squared error."""
    errors = {p: float((_quantise(values, bits, p) - values).square().mean()) for p in _SCALES}
    return min(errors, key=lambda point: errors[point])
