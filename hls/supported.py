"""The networks that projects are generated for."""

from __future__ import annotations

from sw_model.spec import NetworkSpec


def check_supported(spec: NetworkSpec) -> None:
    """Raise `UsageError` for a network of code rate with planes, colours or noise levels."""
    if spec.code == "rate":
        spec.check_plain("an HLS project of code rate")
