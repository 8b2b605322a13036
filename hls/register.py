"""Makes the frozen network's layers known to hls4ml."""

from __future__ import annotations

from pathlib import Path

from hls4ml.backends import get_backend
from hls4ml.converters import register_pytorch_layer_handler
from hls4ml.converters.pytorch_to_hls import get_supported_pytorch_layers
from hls4ml.model.layers import layer_map, register_layer
from hls4ml.model.optimizer import get_backend_passes

from .graph_layers import LAYERS
from .parsers import HANDLERS
from .templates import TEMPLATES

BACKEND = "Vitis"
KERNELS = Path(__file__).with_name("nnet_utils")
"""Folder of the C++ headers."""


def register() -> None:
    """Register layers, handlers, templates and kernels, each unless that was done before.

    hls4ml's own layers stay as they are: no name is taken that it has already.

    Raises
    ------
    ValueError
        hls4ml, or another extension, has a layer of one of our names.
    """
    for layer in LAYERS:
        if layer_map.setdefault(layer.__name__, layer) is not layer:
            raise ValueError(f"hls4ml has another layer {layer.__name__!r}: cannot register ours")
        register_layer(layer.__name__, layer)
    for name, handler in HANDLERS.items():
        if name not in get_supported_pytorch_layers():
            register_pytorch_layer_handler(name, handler)
    backend = get_backend(BACKEND)
    known = get_backend_passes(backend.name)
    for template in TEMPLATES:
        if f"{backend.name.lower()}:{template().get_name()}" not in known:
            backend.register_template(template)
    for path in sorted(KERNELS.glob("*.h")):
        backend.register_source(path.absolute())
