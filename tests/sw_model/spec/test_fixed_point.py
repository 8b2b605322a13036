"""Widths of numbers against the numbers themselves."""

import pytest

from sw_model.spec.fixed_point import (
    GREY_MAX,
    PIXEL_BITS,
    PIXEL_MAX,
    PIXEL_MIN,
    signed_width,
    unsigned_width,
    weight_range,
)


def test_signed_width_is_the_narrowest_that_holds_both_ends():
    # A width one too small would wrap, one too large would waste a lane's flip-flop.
    for low in range(-70, 71):
        for high in range(low, 71):
            bits = next(b for b in range(1, 9) if -(1 << (b - 1)) <= low and high < 1 << (b - 1))
            assert signed_width(low, high) == bits


def test_unsigned_width_is_the_narrowest():
    assert [unsigned_width(v) for v in (0, 1, 2, 3, 4, 255, 256)] == [1, 1, 2, 2, 3, 8, 9]


def test_nonsense_widths_are_refused():
    with pytest.raises(ValueError, match="low 3 is above high 2"):
        signed_width(3, 2)
    with pytest.raises(ValueError, match="cannot hold -1"):
        unsigned_width(-1)


def test_weights_can_change_their_sign():
    for bits in range(2, 9):
        low, high = weight_range(bits)
        assert low == -high
        assert signed_width(low, high) == bits


def test_pixels_hold_a_grey_picture_with_noise():
    assert (PIXEL_MIN, PIXEL_MAX, GREY_MAX) == (-512, 511, 255)
    assert signed_width(PIXEL_MIN, PIXEL_MAX) == PIXEL_BITS
