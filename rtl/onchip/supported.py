"""The networks that the accelerator with maps on chip can have."""

from sw_model.spec import NetworkSpec, UsageError


def check_supported(spec: NetworkSpec) -> None:
    """Raise `UsageError` for a network of several input planes, or of the rate code and levels."""
    if spec.inputs > 1:
        raise UsageError(
            f"network {spec.name!r} has {spec.inputs} input planes; the accelerator with maps on "
            "chip is for 1 plane"
        )
    if spec.code == "rate":
        spec.check_plain("the accelerator with maps on chip")
