"""The points of the paper's figures 3 and 4: their checkpoints and measurements."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from sw_model.network.inference import denoise_float
from sw_model.pictures.eight_bit import read_picture
from sw_model.pictures.metrics import psnr
from sw_model.pictures.noise import add_noise
from sw_model.pictures.options import DEFAULT_SIGMA
from sw_model.pictures.sets import dataset_files
from sw_model.spec import NetworkSpec, UsageError, configuration
from sw_model.training.checkpoint import Checkpoint
from sw_model.training.folder import CHECKPOINT
from sw_model.training.options import CODINGS
from sw_model.training.run import NOISE_SEED

from .plots import DNCNN, Measured, Pictures, Point

SCRIPT = "scripts/figures.sh"
"""Script that trains the networks."""
DATA_SET = "set12"
SHOWN = "01.png"
"""The picture of Fig. 4, C.man."""


@dataclass(frozen=True)
class PointNetwork:
    """A trained network, and its point of Fig. 3."""

    point: Point
    model: nn.Module
    spec: NetworkSpec


def checkpoint_path(folder: Path, coding: str, timesteps: int | None) -> Path:
    """Path of the checkpoint of a point.

    Parameters
    ----------
    coding
        One of `sw_model.training.options.CODINGS`, or `sw_model.studies.figures.plots.DNCNN`.
    timesteps
        T; None for DnCNN.
    """
    name = coding if timesteps is None else f"{coding}-{timesteps}"
    return folder / name / CHECKPOINT


def load_networks(folder: Path, timesteps: Sequence[int]) -> list[PointNetwork]:
    """The networks of all points: every T of every coding, then DnCNN.

    Raises
    ------
    UsageError
        A checkpoint is missing, is unfinished or does not fit its point, or the networks have
        different configurations.
    """
    wanted: list[tuple[str, int | None]] = [(coding, t) for coding in CODINGS for t in timesteps]
    wanted.append((DNCNN, None))
    # Missing files are reported before the first one is read.
    for coding, t in wanted:
        if not (path := checkpoint_path(folder, coding, t)).is_file():
            raise UsageError(f"checkpoint {path} does not exist; `{SCRIPT} {folder}` makes it")
    networks: list[PointNetwork] = []
    for coding, t in wanted:
        path = checkpoint_path(folder, coding, t)
        networks.append(_load(path, coding, t))
        if (found := networks[-1].spec.name) != (first := networks[0].spec.name):
            raise UsageError(
                f"{path} has a network of config {found!r}, the points before it of {first!r}; "
                "all points of a figure need the same configuration"
            )
    return networks


def _load(path: Path, coding: str, timesteps: int | None) -> PointNetwork:
    checkpoint = Checkpoint.load(path)
    options = checkpoint.options
    spec = configuration(options.config)
    wanted = {
        "model": "ann" if timesteps is None else "snn",
        "coding": CODINGS[0] if timesteps is None else coding,
        "gradient": "time",
        "round_weights": False,
        "sigma": DEFAULT_SIGMA,
    }
    found = dataclasses.asdict(options)
    if timesteps is not None:
        wanted["timesteps"] = timesteps
        found["timesteps"] = options.timesteps or spec.timesteps_max
    for name, value in wanted.items():
        if found[name] != value:
            raise UsageError(
                f"{path} does not fit its place in the figure: {name} is {found[name]!r}, "
                f"not {value!r}; `{SCRIPT}` in a new folder makes one that fits"
            )
    if checkpoint.step < options.steps:
        raise UsageError(
            f"{path} is of a training that stopped at step {checkpoint.step} of {options.steps}; "
            f"`{SCRIPT}` continues it"
        )
    steps = sum(run["steps"] for run in checkpoint.runs())
    return PointNetwork(Point(coding, timesteps, steps), checkpoint.network(), spec)


def load_pictures(option: str | None) -> Pictures:
    """Set12, clean and with noise of sigma 25, the same for every network.

    Parameters
    ----------
    option
        Value of ``--data``.

    Raises
    ------
    UsageError
        The pictures are missing, or one of them has colours.
    """
    files = dataset_files(DATA_SET, option)
    names = tuple(path.name for path in files)
    if SHOWN not in names:
        raise UsageError(f"{files[0].parent} has no {SHOWN}, the picture of Fig. 4")
    clean = tuple(read_picture(path) for path in files)
    for path, picture in zip(files, clean, strict=True):
        if picture.ndim != 2:
            raise UsageError(f"{path} has colours; the figures need grey pictures")
    noisy = tuple(add_noise(picture, DEFAULT_SIGMA, NOISE_SEED) for picture in clean)
    return Pictures(clean, noisy, shown=names.index(SHOWN))


def measure(
    networks: Sequence[PointNetwork], pictures: Pictures, progress: Callable[[int, int], None]
) -> list[Measured]:
    """Denoises every picture with every network.

    Theta is over the neurons of all pictures, as in the paper's captions; PSNR is the mean over
    the pictures.

    Parameters
    ----------
    progress
        Called with the completed and the total work, in pixels times T.
    """
    pixels = sum(picture.size for picture in pictures.clean)
    total = pixels * sum(network.point.timesteps or 1 for network in networks)
    done = 0
    measured = []
    for network in networks:
        psnrs, thetas = [], []
        for index, (clean, noisy) in enumerate(zip(pictures.clean, pictures.noisy, strict=True)):
            result = denoise_float(network.model, noisy)
            psnrs.append(psnr(clean, result.picture))
            if result.thetas:
                # All layers have the same number of neurons; pictures count by their pixels.
                thetas.append(float(np.mean(result.thetas)) * clean.size / pixels)
            if index == pictures.shown:
                shown = result.picture
            done += clean.size * (network.point.timesteps or 1)
            progress(done, total)
        theta = sum(thetas) if thetas else None
        measured.append(Measured(network.point, tuple(psnrs), theta, shown))
    return measured
