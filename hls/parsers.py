"""Parsers from PyTorch layers to attributes of hls4ml's graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sw_model.spec import weight_row
from sw_model.spec.fixed_point import signed_width, unsigned_width

from .few_spikes import FrozenFewSpikes, FrozenLevelBias
from .layers import FrozenConv, FrozenLIF, FrozenPlanes, FrozenResidual

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
    attributes |= {
        "class_name": "EventSynapses",
        "n_chan": layer.in_channels,
        "timesteps": module.timesteps,
        "sum_over_time": module.sum_over_time,
        "doubled": module.binary,
        "rows": np.array([weight_row(weight, channel) for channel in range(layer.in_channels)]),
    }
    steps = [] if module.sum_over_time else [rest[0]]
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
        "half": half(layer.shift),
        "current_bits": widths.current,
        "membrane_bits": widths.membrane,
        "bias_bits": widths.bias,
        "threshold_bits": widths.threshold,
        "biases": module.get_buffer("bias").numpy(),
        "thresholds": module.get_buffer("threshold").numpy(),
        "inits": module.get_buffer("init").numpy(),
    }
    return attributes, [batch, height, width, module.timesteps, layer.out_channels]


def parse_few_spikes(
    operation: str,
    name: str,
    input_names: Sequence[str],
    input_shapes: Sequence[Shape],
    node: object,
    module: FrozenFewSpikes,
    reader: object,
    config: object,
) -> Parsed:
    """As `parse_conv`."""
    batch, height, width = input_shapes[0][:3]
    layer, widths = module.layer, module.widths
    inits = module.get_buffer("init").numpy()
    attributes = {
        "name": name,
        "class_name": "FewSpikeNeurons",
        "inputs": list(input_names),
        "in_height": height,
        "in_width": width,
        "n_chan": layer.out_channels,
        "timesteps": module.timesteps,
        "layer": module.index,
        "shift": layer.shift,
        "half": half(layer.shift),
        "current_bits": widths.current,
        "membrane_bits": widths.membrane,
        "bias_bits": widths.bias,
        "threshold_bits": widths.threshold,
        # The membrane holds only its sum with a current.
        "init_bits": signed_width(int(inits.min()), int(inits.max())),
        "thresholds": module.get_buffer("threshold").numpy(),
        "inits": inits,
    }
    if not module.bias_is_input:
        attributes["biases"] = module.get_buffer("bias").numpy()
    return attributes, [batch, height, width, module.timesteps, layer.out_channels]


def parse_level_bias(
    operation: str,
    name: str,
    input_names: Sequence[str],
    input_shapes: Sequence[Shape],
    node: object,
    module: FrozenLevelBias,
    reader: object,
    config: object,
) -> Parsed:
    """As `parse_conv`."""
    biases = module.get_buffer("bias").numpy()
    attributes = {
        "name": name,
        "class_name": "LevelBias",
        "inputs": list(input_names),
        "n_chan": len(biases),
        "shift": module.shift,
        "half": half(module.shift),
        "bias_bits": module.widths.bias,
        "biases": biases,
        "noise_weights": module.get_buffer("noise_weight").numpy(),
    }
    return attributes, [input_shapes[0][0], len(biases)]


def parse_planes(
    operation: str,
    name: str,
    input_names: Sequence[str],
    input_shapes: Sequence[Shape],
    node: object,
    module: FrozenPlanes,
    reader: object,
    config: object,
) -> Parsed:
    """As `parse_conv`."""
    batch, height, width, colours = input_shapes[0]
    assert height is not None and width is not None and colours is not None
    rows, columns = (-(-length // module.planes) for length in (height, width))
    shape = [rows, columns, colours * module.planes**2]
    attributes = {
        "name": name,
        "class_name": "PixelPlanes",
        "inputs": list(input_names),
        "in_height": height,
        "in_width": width,
        "planes": module.planes,
        "out_shape": shape,
    }
    return attributes, [batch, *shape]


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
    batch, height, width, colours = input_shapes[0]
    biases = module.get_buffer("bias").numpy()
    attributes = {
        "name": name,
        "class_name": "SpikingResidual" if len(biases) == 1 else "PlaneResidual",
        "inputs": list(input_names),
        "in_height": height,
        "in_width": width,
        "timesteps": module.times,
        "mult": module.mult,
        "shift": module.layer.shift,
        "half": half(module.layer.shift),
        "total_bits": module.widths.current,
        "bias_bits": module.widths.bias,
        "grey_max": module.largest,
        "grey_bits": unsigned_width(module.largest),
        "biases": biases,
        "planes": module.planes,
        "colours": colours,
    }
    return attributes, [batch, height, width, colours]


def half(shift: int) -> int:
    """Rounding constant of a right shift: half of the last remaining bit."""
    return (1 << shift) >> 1


HANDLERS: dict[str, Callable[..., Parsed]] = {
    FrozenConv.__name__: parse_conv,
    FrozenLIF.__name__: parse_lif,
    FrozenFewSpikes.__name__: parse_few_spikes,
    FrozenLevelBias.__name__: parse_level_bias,
    FrozenPlanes.__name__: parse_planes,
    FrozenResidual.__name__: parse_residual,
}
"""Handler of each PyTorch layer, by the layer's class."""
