"""Training images: their folder, the held-out ones, and the patches of every step.

Noise and patches are those of the DnCNN paper: 40x40 pixels by default, eight flips and rotations,
Gaussian noise on the 0..255 scale. Noisy pixels are integers, as in the frozen network's input.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sw_model.pictures.eight_bit import read_picture
from sw_model.pictures.noise import add_noise
from sw_model.pictures.sets import dataset_files
from sw_model.spec import UsageError
from sw_model.support.errors import Field, OptionsError

TRAINING_FOLDER = "train400"
PATCH = 40
HELD_OUT_EVERY = 20
"""Every twentieth image in the order of names is held out from training."""


@dataclass(frozen=True)
class TrainingSet:
    """Images for training, and held-out images.

    Attributes
    ----------
    images, held_out
        Grey pictures, each (H, W), at least as large as a patch.
    """

    images: list[NDArray[np.uint8]]
    held_out: list[NDArray[np.uint8]]

    @classmethod
    def load(cls, option: str | os.PathLike[str] | None = None, patch: int = PATCH) -> TrainingSet:
        """Reads ``train400``; ``option`` as in `data_folder`, ``patch`` the least image side."""
        files = dataset_files(TRAINING_FOLDER, option)
        pictures = []
        for path in files:
            picture = read_picture(path)
            if picture.ndim != 2:
                raise UsageError(f"{str(path)!r} has colours; training needs grey pictures")
            if min(picture.shape) < patch:
                height, width = picture.shape
                raise UsageError(
                    f"{str(path)!r} has {height}x{width} pixels; training needs {patch} a side"
                )
            pictures.append(picture)
        return cls.split(pictures)

    @classmethod
    def split(cls, pictures: list[NDArray[np.uint8]]) -> TrainingSet:
        """Holds out the last of every `HELD_OUT_EVERY` pictures, or the last if there are fewer."""
        every = min(HELD_OUT_EVERY, len(pictures))
        if every < 2:
            raise UsageError("one training image is too few: one of at least two is held out")
        held_out = pictures[every - 1 :: every]
        images = [p for i, p in enumerate(pictures) if i % every != every - 1]
        return cls(images, held_out)

    def check(self, patch: int) -> TrainingSet:
        """Returns itself; raises `UsageError` if an image is smaller than ``patch``."""
        if (least := min(min(image.shape) for image in self.images)) < patch:
            raise OptionsError(
                Field("patch", patch),
                f" is too large: one training image has {least} pixels a side",
            )
        return self

    def batch(
        self, *, seed: int, step: int, size: int, sigma: float, patch: int = PATCH
    ) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
        """Noisy and clean patches of one step, each (size, 1, patch, patch).

        They depend on these numbers only, so a resumed run sees the same patches.
        """
        rng = np.random.default_rng([seed, step])
        clean = np.empty((size, 1, patch, patch), np.uint8)
        noisy = np.empty(clean.shape, np.int16)
        for clean_patch, noisy_patch in zip(clean[:, 0], noisy[:, 0], strict=True):
            image = self.images[rng.integers(len(self.images))]
            top = rng.integers(image.shape[0] - patch + 1)
            left = rng.integers(image.shape[1] - patch + 1)
            cut = np.rot90(image[top : top + patch, left : left + patch], int(rng.integers(4)))
            clean_patch[:] = cut[::-1] if rng.integers(2) else cut
            noisy_patch[:] = add_noise(clean_patch, sigma, seed=int(rng.integers(1 << 62)))
        return noisy, clean
