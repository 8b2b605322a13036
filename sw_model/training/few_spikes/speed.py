"""Which type of numbers this processor convolves faster."""

from __future__ import annotations

import time

import torch
from torch.nn import functional as F

SHAPE, WEIGHTS = (4, 64, 32, 32), (64, 64, 3, 3)
"""A hidden layer's values and weights."""
REPEATS = 3
"""Measurements, of which the shortest counts: other programs only make them longer."""


def bfloat16_is_faster() -> bool:
    """Whether convolutions in bfloat16 take less time than in float32, by measurement.

    Processors without instructions for bfloat16 take more than twice as long with it.
    """
    return _seconds(torch.bfloat16) < _seconds(torch.float32)


@torch.no_grad()
def _seconds(dtype: torch.dtype) -> float:
    """Time of a convolution; the first call, which also prepares it, does not count."""
    values = torch.zeros(SHAPE, dtype=dtype).contiguous(memory_format=torch.channels_last)
    weight = torch.zeros(WEIGHTS, dtype=dtype)
    F.conv2d(values, weight, padding=1)
    found = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        F.conv2d(values, weight, padding=1)
        found.append(time.perf_counter() - start)
    return min(found)
