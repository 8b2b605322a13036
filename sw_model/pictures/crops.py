"""The part of a picture that hardware denoises as a frame."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from sw_model.spec import UsageError

from .arrays import Picture

PHOTOGRAPH = ("skimage", "data/camera.png")
"""Default picture: a photograph in the public domain that comes inside scikit-image."""


@dataclass(frozen=True, kw_only=True)
class Crop:
    """A part of a picture: its first row and column, and its size."""

    y: int
    x: int
    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.height}x{self.width} at y {self.y}, x {self.x}"


def default_picture() -> Path:
    """Path of the default picture; raises ModuleNotFoundError without its package."""
    package, name = PHOTOGRAPH
    # Only located: importing the package would load its whole library for one file.
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    return Path(spec.origin).with_name("data") / Path(name).name


def luminance(picture: Picture) -> Picture:
    """A colour picture's luminance, (H, W)."""
    return np.asarray(Image.fromarray(picture).convert("L")) if picture.ndim == 3 else picture


def parse_crop(text: str | None, shape: tuple[int, ...], path: Path) -> Crop:
    """The part of a picture that ``Y,X,H,W`` names; all of it for None."""
    height, width = shape
    if text is None:
        return Crop(y=0, x=0, height=height, width=width)
    try:
        y, x, rows, columns = (int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--crop {text!r} is not four integers Y,X,H,W") from None
    if min(y, x) < 0 or min(rows, columns) < 1 or y + rows > height or x + columns > width:
        raise UsageError(
            f"--crop {text} does not lie in {path.name}, which is {height}x{width}; "
            f"H and W are 1 or more"
        )
    return Crop(y=y, x=x, height=rows, width=columns)


def cut(picture: Picture, crop: Crop) -> Picture:
    """The part of a grey picture, (H, W)."""
    rows, columns = slice(crop.y, crop.y + crop.height), slice(crop.x, crop.x + crop.width)
    return np.ascontiguousarray(picture[rows, columns])
