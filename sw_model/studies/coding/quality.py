"""Quality of pictures after coding and decoding: PSNR and theta against T (Fig. 2).

A conversion gives equal pixels equal codes, so it is computed once for each of the 256 grey levels
and weighted with every picture's histogram. Rate coding draws one long spike train for each pixel;
each T uses its first T steps.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import skimage

from sw_model.coding import CodeTable, Neuron, code_table, rate_steps
from sw_model.pictures.arrays import Picture
from sw_model.pictures.eight_bit import read_picture
from sw_model.pictures.sets import DATA_VARIABLE, dataset_files
from sw_model.spec import GREY_MAX, UsageError

from .few_spikes import FEW_SPIKE_STEPS, FEW_SPIKES, few_spike_table, largest_value, weighted_sum

DATA_SET = "set12"
PHOTOGRAPHS = ("brick.png", "camera.png", "coins.png", "grass.png", "gravel.png", "moon.png")
"""Grey photographs in scikit-image's wheel."""
GREYS = np.arange(GREY_MAX + 1)
CONVERSION_STEPS = tuple(range(1, 33))
"""T at which conversions are measured."""
PAPER_STEPS_MAX = 12
"""The last T of Fig. 2."""
RATE_STEPS = (*CONVERSION_STEPS, 40, 48, 64, 80, 96, 128, 160, 192, 224, 256)
"""T at which rate coding is measured."""


@dataclass(frozen=True, kw_only=True)
class Coding:
    """A conversion, and the inputs for black and white.

    Attributes
    ----------
    low, high
        Grey level g is the input ``low + (high - low) g / 255``.
    """

    name: str
    neuron: Neuron
    low: int
    high: int


LIF_HARD = Coding(name="LIF hard", neuron=Neuron(), low=1, high=2)
"""The paper's conversion: Vth = 1, tau = 2, intensities from 1 to 2."""
LIF_SOFT = Coding(name="LIF soft", neuron=Neuron(reset="soft"), low=1, high=2)
IF_SOFT = Coding(name="IF soft", neuron=Neuron(tau=None, reset="soft"), low=0, high=1)
CONVERSIONS = (LIF_HARD, LIF_SOFT, IF_SOFT)
RATE = "rate coding"

EQ8 = "eq8"
"""Intensity = firing rate."""
CENTROID = "centroid"
"""Intensity = middle of the interval of inputs with that code; for rate coding the mean of the
intensities with that number of spikes, for intensities distributed evenly over 0..1."""
WEIGHTED_SUM = "weighted sum"
"""Intensity = value of a few-spike train over the largest one, 2^T - 1."""
DATA_MEAN = "data mean"
"""Intensity = mean of the pictures' own intensities with that code, which has the smallest squared
error of all decoders of these codes."""


@dataclass(frozen=True)
class Pictures:
    """Grey pictures, and their source."""

    source: str
    names: tuple[str, ...]
    pictures: tuple[Picture, ...]

    @property
    def histograms(self) -> npt.NDArray[np.float64]:
        """(pictures, 256) shares of the grey levels."""
        counts = [np.bincount(p.ravel(), minlength=GREY_MAX + 1) / p.size for p in self.pictures]
        return np.array(counts)


@dataclass(frozen=True)
class Point:
    """Figures of one coding at one T.

    Attributes
    ----------
    psnr
        PSNR in dB for each decoder, peak 255, mean over the pictures. Decoded pixels are not
        rounded. Infinite if a picture comes back without error.
    theta
        Spikes per pixel over T (eq. 9), mean over the pictures.
    """

    coding: str
    timesteps: int
    theta: float
    psnr: dict[str, float]


def load_pictures(option: str | None) -> Pictures:
    """Set12, or scikit-image's photographs if no folder of data sets is given.

    Parameters
    ----------
    option
        Value of ``--data``.

    Raises
    ------
    UsageError
        The given folder does not hold grey pictures of Set12.
    """
    if option is not None or DATA_VARIABLE in os.environ:
        files, source = dataset_files(DATA_SET, option), "Set12"
    else:
        folder = Path(skimage.__file__).parent / "data"
        files, source = [folder / name for name in PHOTOGRAPHS], "scikit-image's photographs"
    pictures = []
    for path in files:
        picture = read_picture(path)
        if picture.ndim != 2:
            raise UsageError(f"{path} has colours; the study of neural coding needs grey pictures")
        pictures.append(picture)
    return Pictures(source, tuple(path.name for path in files), tuple(pictures))


def conversion_point(coding: Coding, timesteps: int, pictures: Pictures) -> Point:
    """PSNR and theta of a conversion, computed from the exact codes of the 256 grey levels."""
    table = code_table(coding.neuron, timesteps)
    codes = table.encode(GREY_MAX * coding.low + (coding.high - coding.low) * GREYS, GREY_MAX)
    middles = table.centroids(coding.low, coding.high)[codes]
    decoded = {
        EQ8: GREY_MAX * table.counts[codes] / timesteps,
        CENTROID: GREY_MAX * (middles - coding.low) / (coding.high - coding.low),
    }
    return _point(coding.name, timesteps, table, codes, decoded, pictures)


def few_spike_point(timesteps: int, pictures: Pictures) -> Point:
    """PSNR and theta of the few-spike code, for inputs 0 (black) to 1 (white)."""
    table = few_spike_table(timesteps)
    codes = table.encode(GREYS, GREY_MAX)
    values = weighted_sum(table.spikes.T)[codes]
    decoded = {
        WEIGHTED_SUM: GREY_MAX * values / largest_value(timesteps),
        CENTROID: GREY_MAX * table.centroids(0, 1)[codes],
    }
    return _point(FEW_SPIKES, timesteps, table, codes, decoded, pictures)


def _point(
    name: str,
    timesteps: int,
    table: CodeTable,
    codes: npt.NDArray[np.int64],
    decoded: dict[str, npt.NDArray[np.float64]],
    pictures: Pictures,
) -> Point:
    """Point of a coding, from the code and the decoded values of each of the 256 grey levels."""
    histograms = pictures.histograms  # (pictures, 256)
    # Mean grey level of each code, over the pixels of all pictures.
    sizes = np.array([picture.size for picture in pictures.pictures])
    pixels = sizes @ histograms
    weight = np.bincount(codes, pixels)[codes]
    mean = np.bincount(codes, pixels * GREYS)[codes] / np.where(weight > 0, weight, 1)
    # Rounded, so that a grey level with a code of its own comes back exactly.
    errors = {
        decoder: np.round(grey - GREYS, 9)
        for decoder, grey in (decoded | {DATA_MEAN: mean}).items()
    }
    return Point(
        name,
        timesteps,
        float((histograms @ table.counts[codes]).mean()),
        {decoder: _psnr(histograms @ np.square(error)) for decoder, error in errors.items()},
    )


def rate_points(
    pictures: Pictures,
    seed: int,
    steps: Sequence[int] = RATE_STEPS,
    progress: Callable[[int, int], None] | None = None,
) -> list[Point]:
    """PSNR and theta of rate coding at each T of ``steps``, from one spike train per pixel.

    The seed of picture number i is ``(seed, i)``.
    """
    thetas = np.empty((len(steps), len(pictures.pictures)))
    errors = {name: np.empty_like(thetas) for name in (EQ8, CENTROID)}
    for index, picture in enumerate(pictures.pictures):
        grey = picture.astype(np.float64)
        counts = np.zeros(picture.shape, np.int64)
        train = rate_steps(grey / GREY_MAX, (seed, index))
        for timestep, spikes in enumerate(islice(train, max(steps)), 1):
            counts += spikes
            if timestep not in steps:
                continue
            row = steps.index(timestep)
            thetas[row, index] = counts.mean()
            errors[EQ8][row, index] = _error(counts / timestep, grey)
            # Laplace's rule of succession: the mean of the intensities that give this count.
            errors[CENTROID][row, index] = _error((counts + 1) / (timestep + 2), grey)
        if progress:
            progress(index + 1, len(pictures.pictures))
    return [
        Point(
            RATE,
            timesteps,
            float(thetas[row].mean()),
            {name: _psnr(error[row]) for name, error in errors.items()},
        )
        for row, timesteps in enumerate(steps)
    ]


def measure(
    pictures: Pictures, seed: int, progress: Callable[[int, int], None] | None = None
) -> list[Point]:
    """All conversions, rate coding and the few-spike code, in this order."""
    points = [
        conversion_point(coding, timesteps, pictures)
        for coding in CONVERSIONS
        for timesteps in CONVERSION_STEPS
    ]
    points += rate_points(pictures, seed, progress=progress)
    return points + [few_spike_point(timesteps, pictures) for timesteps in FEW_SPIKE_STEPS]


def _error(intensity: npt.NDArray[np.float64], grey: npt.NDArray[np.float64]) -> float:
    return float(np.square(GREY_MAX * intensity - grey).mean())


def _psnr(errors: npt.NDArray[np.float64]) -> float:
    """Mean of the pictures' PSNR in dB, from their mean squared errors."""
    with np.errstate(divide="ignore"):
        return float((10 * np.log10(GREY_MAX**2 / errors)).mean())
