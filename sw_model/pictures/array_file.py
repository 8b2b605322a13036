"""NPY files: one array of numbers each (numpy's NEP 1)."""

from __future__ import annotations

import math
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy

from .arrays import Array

ARRAY = ".npy"
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
"""Header parsers of the versions that arrays of numbers are written in."""
ZIP = b"PK\3\4"
"""First bytes of NPZ files."""


def read_array(file: BinaryIO, size: int) -> Array:
    """Read the array in an NPY file; raises any error of numpy's parser.

    Parameters
    ----------
    size
        Size of the file in bytes.
    """
    if file.read(len(ZIP)) == ZIP:
        raise ValueError("several arrays in one file are not accepted; give one")
    file.seek(0)
    version = npy.read_magic(file)
    if version not in HEADERS:
        raise ValueError(f"NPY version {version} is not one of {', '.join(map(str, HEADERS))}")
    try:
        shape, by_columns, dtype = HEADERS[version](file)
    except MemoryError:  # what Python's parser raises where brackets are nested too deeply
        raise ValueError("cannot parse its header") from None
    if dtype.hasobject or any(type(side) is not int or side < 0 for side in shape):
        raise ValueError(f"an array of shape {shape} and type {dtype} does not hold numbers")
    # No memory is reserved for a size that a damaged header declares.
    need, rest = math.prod(shape) * dtype.itemsize, size - file.tell()
    if need > rest:
        raise ValueError(f"its values need {need} bytes, but the file has {rest}")
    values = np.fromfile(file, dtype, math.prod(shape))
    return values.reshape(shape, order="F" if by_columns else "C")
