"""Training pictures at several scales, and the noisy patches of every step."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from sw_model.pictures.arrays import Picture
from sw_model.pictures.crops import luminance
from sw_model.pictures.eight_bit import read_picture
from sw_model.pictures.noise import planes
from sw_model.pictures.sets import dataset_files
from sw_model.spec import PIXEL_MAX, PIXEL_MIN, UsageError
from sw_model.training.data import HELD_OUT_EVERY

DATA_SET = "train400-colour"
"""Folder of the pictures, below that of the data sets."""
SCALES = (1.0, 0.9, 0.8, 0.7)
"""Those of the DnCNN authors' training."""
RESAMPLING = Image.Resampling.BICUBIC


@dataclass(frozen=True)
class Batch:
    """Patches of a step: noisy pixels and noise (B, C, H, W), and the noise level sigma (B,)."""

    noisy: Tensor
    noise: Tensor
    sigma: Tensor


@dataclass(frozen=True)
class WholePictures:
    """Pictures (H, W) or (H, W, 3); training pictures at all scales, held-out ones at full size.

    Attributes
    ----------
    count
        Number of training pictures, each counted once.
    colours
        1 or 3, of all of them.
    """

    images: list[Picture]
    held_out: list[Picture]
    count: int
    colours: int = 1

    @classmethod
    def load(
        cls, option: str | os.PathLike[str] | None, name: str, patch: int, colours: int = 1
    ) -> WholePictures:
        """Read a data set and hold out every `HELD_OUT_EVERY`-th picture.

        One colour is luminance; grey pictures get three equal ones.

        Raises
        ------
        UsageError
            There are fewer than two pictures, or one is smaller than a patch.
        """
        images: list[Picture] = []
        held_out: list[Picture] = []
        files = dataset_files(name, option)
        every = min(HELD_OUT_EVERY, len(files))
        if every < 2:
            raise UsageError("one training image is too few: one of at least two is held out")
        for index, path in enumerate(files):
            picture = _with_colours(read_picture(path), colours)
            if index % every == every - 1:
                held_out.append(picture)
                continue
            height, width = picture.shape[:2]
            if min(height, width) < patch:
                raise UsageError(
                    f"{str(path)!r} has {height}x{width} pixels; training needs {patch} a side"
                )
            for scale in SCALES:
                rows, columns = round(height * scale), round(width * scale)
                if min(rows, columns) >= patch:
                    scaled = Image.fromarray(picture).resize((columns, rows), RESAMPLING)
                    images.append(np.asarray(scaled))
        return cls(images, held_out, len(files) - len(held_out), colours)

    def batch(
        self, *, seed: int, step: int, size: int, patch: int, levels: tuple[float, float]
    ) -> Batch:
        """The patches of a step, each with its own noise level; equal arguments, equal patches."""
        rng = np.random.default_rng([seed, step])
        areas = np.array([image.size for image in self.images], float)
        clean = np.empty((size, self.colours, patch, patch), np.float32)
        chosen = rng.choice(len(self.images), size, p=areas / areas.sum())
        for target, index in zip(clean, chosen, strict=True):
            target[:] = list(planes(_patch(self.images[index], patch, rng)))
        sigma = rng.uniform(*levels, size).astype(np.float32)
        noise = sigma[:, None, None, None] * rng.standard_normal(clean.shape, np.float32)
        noisy = np.rint(clean + noise).clip(PIXEL_MIN, PIXEL_MAX)
        return Batch(*map(torch.from_numpy, (noisy, noisy - clean, sigma)))


def _with_colours(picture: Picture, colours: int) -> Picture:
    if colours == 1:
        return luminance(picture)
    return picture if picture.ndim == 3 else np.dstack([picture] * colours)


def _patch(image: Picture, side: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """A random square of a picture in one of eight flips and rotations."""
    top = rng.integers(image.shape[0] - side + 1)
    left = rng.integers(image.shape[1] - side + 1)
    cut = np.rot90(image[top : top + side, left : left + side], int(rng.integers(4)))
    return cut[::-1] if rng.integers(2) else cut
