"""NPY files: one array of numbers each (numpy's NEP 1)."""

from __future__ import annotations

import math
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy

from .arrays import Array

ARRAY = ".npy"
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
"""What reads the header of each version that arrays of numbers are written in."""
ZIP = b"PK\3\4"
"""How NPZ files begin."""


def read_array(file: BinaryIO, size: int) -> Array:
    """The array in an NPY file; raises whatever numpy's parser does.

    Parameters
    ----------
    size
        Bytes of the file.
    """
    if file.read(len(ZIP)) == ZIP:
        raise ValueError("several arrays in one file are not accepted; give one")
    file.seek(0)
    version = npy.read_magic(file)
    if version not in HEADERS:
        raise ValueError(f"NPY version {version} is none of {', '.join(map(str, HEADERS))}")
    try:
        shape, by_columns, dtype = HEADERS[version](file)
    except MemoryError:  # what Python's parser raises where brackets are nested too deeply
        raise ValueError("cannot parse its header") from None
    if dtype.hasobject or any(type(side) is not int or side < 0 for side in shape):
        raise ValueError(f"shape {shape} of {dtype} is none of numbers")
    # Nothing is reserved for what a damaged header promises.
    need, rest = math.prod(shape) * dtype.itemsize, size - file.tell()
    if need > rest:
        raise ValueError(f"its values should take {need} bytes, and {rest} are there")
    values = np.fromfile(file, dtype, math.prod(shape))
    return values.reshape(shape, order="F" if by_columns else "C")
