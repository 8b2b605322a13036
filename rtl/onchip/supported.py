"""The networks that the accelerator with maps on chip can have."""

from sw_model.spec import NetworkSpec, UsageError


def check_supported(spec: NetworkSpec) -> None:
    """Raise `UsageError` for a network of several input planes or of noise levels."""
    if spec.inputs == 1 and spec.noise_levels is None:
        return
    levels = "one noise level" if spec.noise_levels is None else "noise levels"
    raise UsageError(
        f"network {spec.name!r} has {spec.inputs} input planes and {levels}; the accelerator with "
        "maps on chip is for 1 plane and one noise level"
    )
