"""Parsers from PyTorch layers to attributes of hls4ml's graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sw_model.spec import LayerSpec, weight_row
from sw_model.spec.fixed_point import unsigned_width

from .layers import FrozenConv, FrozenLIF, FrozenResidual

Shape = list[int | None]
Parsed = tuple[dict[str, Any], Shape]


def parse_conv(
    operation: str,
    name: str,
    input_names: Sequence[str],
    input_shapes: Sequence[Shape],
    node: object,
    module: FrozenConv,
    reader: object,
    config: object,
) -> Parsed:
    """Handler for `hls4ml.converters.register_pytorch_layer_handler`."""
    batch, height, width, *rest = input_shapes[0]
    layer, weight = module.layer, module.get_buffer("weight").numpy()
    attributes: dict[str, Any] = {
        "name": name,
        "inputs": list(input_names),
        "in_height": height,
        "in_width": width,
        "n_filt": layer.out_channels,
        "sum_bits": module.widths.sum,
        "weight_bits": layer.weight_bits,
    }
    if layer.kind == "encoding":
        attributes |= {"class_name": "PixelSynapses", "rows": weight.reshape(len(weight), -1)}
        return attributes, [batch, height, width, layer.out_channels]
    output = layer.kind == "output"
    attributes |= {
        "class_name": "EventSynapses",
        "n_chan": layer.in_channels,
        "timesteps": module.timesteps,
        "sum_over_time": output,
        "rows": np.array([weight_row(weight, channel) for channel in range(layer.in_channels)]),
    }
    steps = [] if output else [rest[0]]
    return attributes, [batch, height, width, *steps, layer.out_channels]


def parse_lif(
    operation: str,
    name: str,
    input_names: Sequence[str],
    input_shapes: Sequence[Shape],
    node: object,
    module: FrozenLIF,
    reader: object,
    config: object,
) -> Parsed:
    """As `parse_conv`."""
    batch, height, width = input_shapes[0][:3]
    layer, neuron, widths = module.layer, module.neuron, module.widths
    attributes = {
        "name": name,
        "class_name": "SpikingNeurons",
        "inputs": list(input_names),
        "in_height": height,
        "in_width": width,
        "n_chan": layer.out_channels,
        "timesteps": module.timesteps,
        "constant": module.constant,
        "layer": module.index,
        "leaky": neuron.leak is not None,
        "leak": neuron.leak or 0,
        "soft_reset": neuron.reset == "soft",
        "fractional_bits": neuron.fractional_bits,
        "shift": layer.shift,
        "half": half(layer),
        "current_bits": widths.current,
        "membrane_bits": widths.membrane,
        "bias_bits": widths.bias,
        "threshold_bits": widths.threshold,
        "biases": module.get_buffer("bias").numpy(),
        "thresholds": module.get_buffer("threshold").numpy(),
        "inits": module.get_buffer("init").numpy(),
    }
    return attributes, [batch, height, width, module.timesteps, layer.out_channels]


def parse_residual(
    operation: str,
    name: str,
    input_names: Sequence[str],
    input_shapes: Sequence[Shape],
    node: object,
    module: FrozenResidual,
    reader: object,
    config: object,
) -> Parsed:
    """As `parse_conv`."""
    batch, height, width = input_shapes[0][:3]
    attributes = {
        "name": name,
        "class_name": "SpikingResidual",
        "inputs": list(input_names),
        "in_height": height,
        "in_width": width,
        "timesteps": module.timesteps,
        "mult": module.mult,
        "shift": module.layer.shift,
        "half": half(module.layer),
        "total_bits": module.widths.current,
        "bias_bits": module.widths.bias,
        "grey_max": module.largest,
        "grey_bits": unsigned_width(module.largest),
        "biases": module.get_buffer("bias").numpy(),
    }
    return attributes, [batch, height, width, 1]


def half(layer: LayerSpec) -> int:
    """Rounding constant of the layer's right shift: half of its last remaining bit."""
    return (1 << layer.shift) >> 1


HANDLERS = {
    FrozenConv.__name__: parse_conv,
    FrozenLIF.__name__: parse_lif,
    FrozenResidual.__name__: parse_residual,
}
"""Handler of each PyTorch layer, by the layer's class."""
