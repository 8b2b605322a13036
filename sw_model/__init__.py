"""Software: specification, float networks, training, and the integer golden model.

The public API is small, and imported when it is first used::

    from sw_model import denoise, trace

    clean = denoise(noisy)                 # noisy: uint8, uint16, or integers -512..511
    words = trace(noisy).layers[0].words   # event words of the encoding layer
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .denoising.api import denoise, trace
    from .spec import Deployment, UsageError, load_deployment, shipped_deployments

__all__ = [
    "Deployment",
    "UsageError",
    "denoise",
    "load_deployment",
    "shipped_deployments",
    "trace",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in ("denoise", "trace"):
        from .denoising import api as module
    else:
        from . import spec as module  # type: ignore[no-redef] # one of two modules
    return getattr(module, name)
