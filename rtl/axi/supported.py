"""The networks that the accelerator with maps in external memory can have."""

from sw_model.spec import NetworkSpec, UsageError


def check_supported(spec: NetworkSpec) -> None:
    """Raise `UsageError` for a network of colours, or of the rate code and planes or levels."""
    if spec.colours > 1:
        raise UsageError(
            f"network {spec.name!r} is for pictures of {spec.colours} colours; the accelerator "
            "with AXI ports is for grey ones"
        )
    if spec.code == "rate" or spec.planes > 1 or spec.noise_levels is not None:
        spec.check_plain("the accelerator with AXI ports")
