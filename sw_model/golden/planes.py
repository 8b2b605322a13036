"""Conversion of pictures to planes and back; `sw_model.spec.NetworkSpec` defines the planes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def to_planes(pixels: npt.NDArray[np.int64], planes: int) -> npt.NDArray[np.int64]:
    """The planes (P, ceil(H / r), ceil(W / r)) of a picture (H, W) or (H, W, 3); r = ``planes``."""
    colours = np.moveaxis(np.atleast_3d(pixels), 2, 0)
    odd = [(0, -length % planes) for length in colours.shape[1:]]
    colours = np.pad(colours, [(0, 0), *odd], mode="edge")
    count, height, width = colours.shape
    split = colours.reshape(count, height // planes, planes, width // planes, planes)
    return split.transpose(0, 2, 4, 1, 3).reshape(-1, height // planes, width // planes)


def from_planes(
    found: npt.NDArray[np.int64], planes: int, shape: tuple[int, ...]
) -> npt.NDArray[np.int64]:
    """Inverse of `to_planes` for a picture of this shape."""
    _, height, width = found.shape
    split = found.reshape(-1, planes, planes, height, width).transpose(3, 1, 4, 2, 0)
    picture = split.reshape(height * planes, width * planes, -1)[: shape[0], : shape[1]]
    return picture.reshape(shape)
