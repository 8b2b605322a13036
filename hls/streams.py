"""Depths of the streams between the layers.

hls4ml gives every stream room for a whole image, which is too much for large frames. Here each
layer lags one row and one pixel behind the previous one, and its stream never holds more than the
words of a pixel. Only the stream of pixels for the residual must be long.
"""

from __future__ import annotations

from typing import Any

from .graph_layers import EventSynapses, PixelSynapses, SpikingResidual

DEPTH_MIN = 2
"""Smallest depth of a stream: one payload is written while another is read."""


def set_stream_depths(model: Any) -> dict[str, int]:
    """Set the depth of every stream between the layers of a converted model.

    Parameters
    ----------
    model
        Result of ``hls4ml.converters.convert_from_pytorch_model`` for a `FrozenDnCNN`.

    Returns
    -------
    dict[str, int]
        Depth of each stream, in payloads, by its name in C++.
    """
    layers = list(model.get_layers())
    (residual,) = (layer for layer in layers if isinstance(layer, SpikingResidual))
    waiting = residual.get_input_variable(residual.inputs[0]).name
    ends = {
        variable.name for variable in (*model.get_input_variables(), *model.get_output_variables())
    }
    depths = {}
    for layer in layers:
        for variable in layer.get_variables():
            if variable.name in ends:
                continue
            # Shape (height, width, channels) or (height, width, timesteps, channels).
            payloads = variable.shape[2] if len(variable.shape) > len(("y", "x", "c")) else 1
            depth = waiting_pixels(model, residual) if variable.name == waiting else payloads
            depths[variable.name] = max(DEPTH_MIN, depth)
            variable.pragma = ("stream", depths[variable.name])
    return depths


def waiting_pixels(model: Any, residual: SpikingResidual) -> int:
    """How many pixels wait for their residual at most.

    The output layer gives the sums of a position when the planes of the position that is `lag`
    later have come in, the last pixel of which may lie rows of pixels further.
    """
    convolutions = [
        layer for layer in model.get_layers() if isinstance(layer, EventSynapses | PixelSynapses)
    ]
    columns = convolutions[0].get_attr("in_width")
    height, width, planes = (residual.get_attr(f) for f in ("in_height", "in_width", "planes"))
    lag = len(convolutions) * (columns + 1) + 1
    rows = -(-lag // columns)
    pixels = width * (planes * rows + planes - 1) + planes * (lag - columns * rows) + planes - 1
    return int(min(height * width, pixels))
