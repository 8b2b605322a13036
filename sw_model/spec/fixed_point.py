"""Integer widths and the roundings of the arithmetic, each defined once."""

PIXEL_BITS = 10
"""Width of the signed noisy pixel."""
PIXEL_MIN = -(1 << (PIXEL_BITS - 1))
PIXEL_MAX = (1 << (PIXEL_BITS - 1)) - 1
GREY_MAX = 255
"""Largest denoised pixel; the smallest is 0."""
MULT_BITS = 16
"""Width of the unsigned output multiplier."""
NOISE_WEIGHT_BITS = 12
"""Width of the signed weights of the noise level."""
LEVEL_BITS = 12
"""Width of the unsigned noise level, in sixteenths of a grey level."""
WEIGHT_BITS_MIN = 2
WEIGHT_BITS_MAX = 8
WIDTH_MAX = 32
"""Widest accumulator, current or membrane that a deployment may need."""

ROUNDING_SHIFT = "(value + 2^(shift - 1)) >> shift, and value itself for shift = 0"
"""The rounding right shift, as text: halves go up; >> is arithmetic."""


def signed_width(low: int, high: int) -> int:
    """Bits of the narrowest two's-complement number that holds ``low`` to ``high``."""
    if low > high:
        raise ValueError(f"low {low} is above high {high}")
    return (
        max((~low if low < 0 else low).bit_length(), (~high if high < 0 else high).bit_length()) + 1
    )


def unsigned_width(high: int) -> int:
    """Bits of the narrowest unsigned number that holds 0 to ``high``; at least 1."""
    if high < 0:
        raise ValueError(f"an unsigned number cannot hold {high}")
    return max(1, high.bit_length())


def weight_range(bits: int) -> tuple[int, int]:
    """Smallest and largest weight of ``bits`` bits; symmetric, so that signs can be flipped."""
    high = (1 << (bits - 1)) - 1
    return -high, high
