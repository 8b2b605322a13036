"""Checks of parameters."""

from sw_model.spec import UsageError

MAX_PIXELS = 1 << 16
"""Most pixels of a frame: activation maps are on chip, 256 bits per pixel at C = 64 and T = 4."""


def check_positive(**values: object) -> None:
    """Raise TypeError unless every keyword's value is an integer of 1 or more."""
    for name, value in values.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise TypeError(f"{name} must be an integer of 1 or more, not {value!r}")


def check_frame_size(max_height: int, max_width: int) -> None:
    """Raise `UsageError` unless hardware can be made for frames of up to this size."""
    for name, value in (("height", max_height), ("width", max_width)):
        if value < 1:
            raise UsageError(f"maximum {name} {value} of the hardware is not 1 or more")
    if max_height * max_width > MAX_PIXELS:
        raise UsageError(
            f"maximum frame {max_height}x{max_width} of the hardware has more than {MAX_PIXELS} "
            f"pixels, whose activation maps would not fit on a chip"
        )
