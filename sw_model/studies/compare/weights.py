"""The weight of total variation for each noise, found on training pictures.

It has no formula that suits all noises, and a choice on the test pictures themselves would be
unfair to the other methods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from sw_model.pictures.arrays import Picture
from sw_model.pictures.eight_bit import read_picture
from sw_model.pictures.metrics import psnr
from sw_model.pictures.sets import dataset_files

from .methods import Sample, eight_bit, total_variation
from .noises import Noise

Weights = Mapping[tuple[int, str], float]
"""By the number of a picture's dimensions, 2 or 3, and the noise's name."""
TRAINING = {2: "train400", 3: "train400-colour"}
"""The set for grey pictures, and that for colour."""
PICTURES = 2
SIDE = 180
"""The middle of a training picture is taken, of this side."""
COARSE = tuple(0.005 * 2.0**step for step in range(9))
"""Weights that are tried first, 0.005 to 1.28."""
FINE = tuple(2.0 ** (step / 4) for step in (-3, -2, -1, 1, 2, 3))
"""Then the best of them times each of these."""


def middle(picture: Picture, side: int) -> Picture:
    """The middle of a picture, (side, side) or less where a side is shorter."""
    rows, columns = (
        slice(start, start + side) for start in (max(0, (n - side) // 2) for n in picture.shape[:2])
    )
    return np.ascontiguousarray(picture[rows, columns])


def training_pictures(dimensions: int, data: str | None) -> list[tuple[str, Picture]]:
    """Names and middles of the first training pictures.

    Parameters
    ----------
    dimensions
        2 for grey pictures, 3 for colour.
    data
        As ``--data`` was given.

    Raises
    ------
    UsageError
        The data set is not there, or a file is no picture.
    """
    files = dataset_files(TRAINING[dimensions], data)[:PICTURES]
    return [(path.name, middle(read_picture(path), SIDE)) for path in files]


def best_weight(noise: Noise, pictures: Sequence[Picture], seed: int) -> float:
    """The weight with the highest mean PSNR over pictures, of a coarse and then a fine grid."""
    noisy = [noise.put(picture, seed) for picture in pictures]

    def quality(weight: float) -> float:
        return float(
            np.mean(
                [
                    psnr(
                        clean, eight_bit(total_variation(Sample(pixels=p, level=0, weight=weight)))
                    )
                    for clean, p in zip(pictures, noisy, strict=True)
                ]
            )
        )

    best = max(COARSE, key=quality)
    return max((best, *(best * factor for factor in FINE)), key=quality)


def search(
    noises: Sequence[Noise],
    training: Mapping[int, Iterable[tuple[str, Picture]]],
    seed: int,
    told: Callable[[str], None],
) -> dict[tuple[int, str], float]:
    """The weight for each kind of pictures and noise.

    Parameters
    ----------
    training
        Pictures by their dimensions, with names.
    """
    found = {}
    for dimensions, named in training.items():
        pictures = [picture for _, picture in named]
        for noise in noises:
            told(f"weight of total variation, {noise.label}")
            found[dimensions, noise.name] = best_weight(noise, pictures, seed)
    return found
