"""Registration of the frozen network's layers with hls4ml."""

from __future__ import annotations

from pathlib import Path

from hls4ml.backends import get_backend
from hls4ml.converters import register_pytorch_layer_handler
from hls4ml.converters.pytorch_to_hls import get_supported_pytorch_layers
from hls4ml.model.layers import layer_map, register_layer
from hls4ml.model.optimizer import get_backend_passes

from .calls import CALLS
from .graph_layers import LAYERS
from .parsers import HANDLERS
from .templates import CONFIGS

BACKEND = "Vitis"
KERNELS = Path(__file__).with_name("nnet_utils")
"""Folder of the C++ headers."""


def register() -> None:
    """Register layers, handlers, templates and kernels that are not registered yet.

    No layer of hls4ml is replaced.

    Raises
    ------
    ValueError
        hls4ml, or another extension, already uses the name of one of these layers.
    """
    for layer in LAYERS:
        if layer_map.setdefault(layer.__name__, layer) is not layer:
            raise ValueError(f"hls4ml already has another layer {layer.__name__!r}")
        register_layer(layer.__name__, layer)
    for name, handler in HANDLERS.items():
        if name not in get_supported_pytorch_layers():
            register_pytorch_layer_handler(name, handler)
    backend = get_backend(BACKEND)
    known = get_backend_passes(backend.name)
    for template in (*CONFIGS, *CALLS):
        if f"{backend.name.lower()}:{template().get_name()}" not in known:
            backend.register_template(template)
    for path in sorted(KERNELS.glob("*.h")):
        backend.register_source(path.absolute())
