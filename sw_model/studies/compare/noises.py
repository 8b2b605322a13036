"""The noises of the comparison, and the level that methods are told for each."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image
from skimage.restoration import estimate_sigma

from sw_model.pictures.arrays import Picture, Pixels
from sw_model.pictures.noise import add_noise, join_planes, planes
from sw_model.spec import GREY_MAX, PIXEL_MAX, UsageError

PEAK = 30
"""Photons of a white pixel."""
QUALITY = 10
"""Of JPEG, as Pillow counts it."""
LEVEL_MIN = 0.5
"""Grey levels: what methods are told at least. None of them takes a picture without noise."""
POISSON, JPEG = "poisson", "jpeg"


@dataclass(frozen=True, kw_only=True)
class Noise:
    """A kind of noise.

    Attributes
    ----------
    name
        As ``--noise`` has it.
    label
        For tables.
    put
        The noisy picture, int16 -512..511, of a clean one and a seed.
    level
        Standard deviation in grey levels that methods are told, of the noisy picture.
    gain
        Grey levels for each photon, of noise that grows with brightness; else None.
    """

    name: str
    label: str
    put: Callable[[Picture, int], Pixels]
    level: Callable[[Pixels], float]
    gain: float | None = None


def gaussian(sigma: float) -> Noise:
    """White Gaussian noise, not clipped; its level is known."""
    return Noise(
        name=f"{sigma:g}",
        label=f"Gaussian, σ = {sigma:g}",
        put=lambda clean, seed: add_noise(clean, sigma, seed),
        level=lambda noisy: sigma,
    )


def poisson(clean: Picture, seed: int) -> Pixels:
    """Photons of a sensor that counts `PEAK` in a white pixel, as grey levels.

    Parameters
    ----------
    clean
        (H, W) or (H, W, 3); channels are drawn with ``seed``, ``seed + 1`` and ``seed + 2``.

    Returns
    -------
    numpy.ndarray
        int16 of the picture's shape, not clipped but at the largest pixel, 511.
    """
    channels = []
    for index, plane in enumerate(planes(clean)):
        photons = np.random.default_rng(seed + index).poisson(plane * (PEAK / GREY_MAX))
        grey = np.rint(photons * (GREY_MAX / PEAK)).clip(0, PIXEL_MAX)
        channels.append(grey.astype(np.int16))
    return join_planes(channels)


def poisson_level(noisy: Pixels) -> float:
    """Root of the mean variance: a pixel's is its mean times 255 / `PEAK`."""
    return max(LEVEL_MIN, math.sqrt(float(noisy.mean()) * GREY_MAX / PEAK))


def jpeg(clean: Picture, seed: int = 0) -> Pixels:
    """What is left of a picture after JPEG of `QUALITY`; nothing is drawn."""
    file = io.BytesIO()
    Image.fromarray(clean).save(file, "JPEG", quality=QUALITY)
    return np.asarray(Image.open(file)).astype(np.int16)


def jpeg_level(noisy: Pixels) -> float:
    """scikit-image's estimate, for colour the mean of the channels'; `LEVEL_MIN` of flat ones."""
    with warnings.catch_warnings():
        # A flat picture has no details whose median could be taken, and gives nan.
        warnings.simplefilter("ignore", RuntimeWarning)
        level = float(
            estimate_sigma(
                noisy.astype(np.float64),
                channel_axis=2 if noisy.ndim == 3 else None,
                average_sigmas=True,
            )
        )
    return max(LEVEL_MIN, level) if math.isfinite(level) else LEVEL_MIN


_OTHERS = {
    POISSON: Noise(
        name=POISSON,
        label=f"Poisson, peak {PEAK}",
        put=poisson,
        level=poisson_level,
        gain=GREY_MAX / PEAK,
    ),
    JPEG: Noise(name=JPEG, label=f"JPEG, quality {QUALITY}", put=jpeg, level=jpeg_level),
}


def parse_noises(text: str) -> list[Noise]:
    """Noises from ``--noise``; raises `UsageError` if they are no such list."""
    found = []
    for word in text.split(","):
        if word in _OTHERS:
            found.append(_OTHERS[word])
            continue
        try:
            sigma = float(word)
        except ValueError:
            sigma = math.nan
        if not 0 < sigma <= GREY_MAX:
            raise UsageError(
                f"--noise {text!r} has {word!r}, which is neither a standard deviation above 0 and "
                f"up to {GREY_MAX} nor {POISSON} nor {JPEG}; give such as 15,25,{POISSON}"
            )
        found.append(gaussian(sigma))
    names = [noise.name for noise in found]
    if len(set(names)) < len(names):
        raise UsageError(f"--noise {text!r} has a noise twice; give each once, such as 15,25")
    return found
