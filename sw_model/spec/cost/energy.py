"""Energy of operations and memories in a 45 nm process at 0.9 V, in picojoules.

The figures are those of M. Horowitz, *Computing's energy problem (and what we can do about it)*,
ISSCC 2014, fig. 1.1.9. Values between them are interpolated here:

- an addition is linear in its width, through 8 and 32 bits (its 16 bits would be 0.053 pJ);
- a multiplication goes with the product of its widths, from 8 x 8 bits (32 x 32 would be 3.2 pJ,
  where the source has 3.1);
- a 64-bit access of a static memory is a straight line between the source's sizes when both axes
  are logarithmic, continued beyond its ends: roughly the square root of the size. The source's
  figures are for caches, so that memories without tags are charged somewhat too much, and do not
  distinguish reads from writes. A wider word takes several such memories side by side.
"""

from __future__ import annotations

import math
from itertools import pairwise

ADD_PJ = {8: 0.03, 32: 0.1}
"""Integer addition, by its bits."""
MULTIPLY_8_PJ = 0.2
"""Multiplication of 8 by 8 bits."""
ACCESS_PJ = {8 * 1024: 10.0, 32 * 1024: 20.0, 1024 * 1024: 100.0}
"""Access of 64 bits, by the bytes of the memory."""
ACCESS_BITS = 64
DRAM_PJ = (1300.0, 2600.0)
"""Access of 64 bits of external dynamic memory: the source gives a range."""
SOURCE = "45 nm, 0.9 V: M. Horowitz, ISSCC 2014"


def add_pj(bits: int) -> float:
    """Energy of an integer addition, subtraction or comparison of ``bits`` bits, in pJ."""
    (narrow, low), (wide, high) = ADD_PJ.items()
    return low + (high - low) * (bits - narrow) / (wide - narrow)


def multiply_pj(bits: int, other_bits: int) -> float:
    """Energy of an integer multiplication, in pJ."""
    return MULTIPLY_8_PJ * bits * other_bits / 64


def access_pj(size: float) -> float:
    """Energy of reading or writing 64 bits of a memory of ``size`` bytes, in pJ."""
    segments = list(pairwise(ACCESS_PJ.items()))
    # The first segment that reaches as far as the size; the last one beyond all.
    (small, low), (large, high) = next((s for s in segments if size <= s[1][0]), segments[-1])
    slope = math.log(high / low) / math.log(large / small)
    return low * (size / small) ** slope


def traffic_pj(bits: int, rows: int) -> float:
    """Energy of moving ``bits`` bits into or out of a memory of ``rows`` rows, in pJ.

    The memory has as many 64-bit columns of ``rows`` rows as its word needs, each next to what it
    feeds: an access costs the sum of the columns that it touches.
    """
    return bits / ACCESS_BITS * access_pj(rows * ACCESS_BITS / 8)


def dram_pj(words: int) -> float:
    """Energy of reading or writing 64-bit words of external memory, in pJ: mid-range."""
    return words * sum(DRAM_PJ) / len(DRAM_PJ)
