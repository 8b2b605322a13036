"""The denoisers that are compared, each a call from a noisy picture to a denoised one."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle

from sw_model import denoise
from sw_model.pictures.arrays import Picture, Pixels
from sw_model.spec import GREY_MAX, Deployment, UsageError

BM3D, NLM, TV = "bm3d", "nlm", "tv"
CLASSICAL = {BM3D: "BM3D", NLM: "non-local means", TV: "total variation"}
"""Labels of the classical methods by their names."""
OURS = (TOLD, ESTIMATED) = ("level told", "level estimated")
"""How a network is told of the noise."""
PACKAGES = "bm3d bm4d PyWavelets"
"""What pip installs for BM3D and for the level of JPEG."""
H_OF_SIGMA = 0.8
"""Non-local means: how much patches may differ, as a part of the noise's standard deviation."""
TOLERANCE = 1e-5
"""Total variation: the change at which its iterations end. At scikit-image's own, 2e-4, some end
far too early: PSNR then jumps by decibels with the weight, up and down."""
PATCH, DISTANCE = 5, 6
"""Non-local means: side of a patch, and how far away another one may be, in pixels."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What a method gets.

    Attributes
    ----------
    pixels
        Noisy picture, (H, W) or (H, W, 3).
    level
        Standard deviation of the noise in grey levels.
    gain
        Grey levels for each photon, of noise that grows with brightness; else None.
    weight
        Of total variation, for pixels 0..1; other methods have none.
    """

    pixels: Pixels
    level: float
    gain: float | None = None
    weight: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Method:
    """A denoiser.

    Attributes
    ----------
    name
        In the JSON file.
    label
        For tables.
    run
        The denoised picture in grey levels, of the noisy one's shape: of any type, not clipped.
    """

    name: str
    label: str
    run: Callable[[Sample], npt.NDArray[Any]]


def ours(name: str, deployment: Deployment) -> list[Method]:
    """A network by the function that users call, with the noise told and estimated."""

    def told(sample: Sample) -> npt.NDArray[Any]:
        if sample.gain is not None:
            return denoise(sample.pixels, deployment, poisson=sample.gain)
        return denoise(sample.pixels, deployment, level=sample.level)

    def estimated(sample: Sample) -> npt.NDArray[Any]:
        return denoise(sample.pixels, deployment, poisson=sample.gain is not None)

    return [
        Method(name=f"{name}, {how}", label=f"{name}, {how}", run=run)
        for how, run in zip(OURS, (told, estimated), strict=True)
    ]


def classical(names: Sequence[str]) -> list[Method]:
    """Methods of `CLASSICAL` by their names.

    Raises
    ------
    UsageError
        BM3D's package is not installed.
    """
    makers = {BM3D: _bm3d, NLM: lambda: _nlm, TV: lambda: total_variation}
    return [Method(name=name, label=CLASSICAL[name], run=makers[name]()) for name in names]


def of_the_extra(package: str, without: str) -> Any:
    """A package that only the extra ``bench`` brings.

    Parameters
    ----------
    without
        How to do without it.

    Raises
    ------
    UsageError
        It is not installed.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        # The extra names libraries that would bring another PyTorch: pip must not follow them.
        name = "PyWavelets" if error.name == "pywt" else error.name
        raise UsageError(
            f"the Python package {name} is missing; it is of the extra 'bench': in a "
            f"checkout run `make compare`, elsewhere `pip install --no-deps {PACKAGES}`, or do "
            f"without {without}"
        ) from None


def eight_bit(values: npt.NDArray[Any]) -> Picture:
    """Grey levels as a file of 8 bits holds them: rounded and clipped."""
    return np.rint(values).clip(0, GREY_MAX).astype(np.uint8)


def total_variation(sample: Sample) -> npt.NDArray[Any]:
    """Chambolle's total variation with the sample's weight."""
    return GREY_MAX * denoise_tv_chambolle(
        sample.pixels / GREY_MAX,
        weight=sample.weight,
        eps=TOLERANCE,
        channel_axis=_channels(sample),
    )


def _nlm(sample: Sample) -> npt.NDArray[Any]:
    sigma = sample.level / GREY_MAX
    return GREY_MAX * denoise_nl_means(
        sample.pixels / GREY_MAX,
        patch_size=PATCH,
        patch_distance=DISTANCE,
        h=H_OF_SIGMA * sigma,
        sigma=sigma,
        fast_mode=True,
        channel_axis=_channels(sample),
    )


def _bm3d() -> Callable[[Sample], npt.NDArray[Any]]:
    package = of_the_extra("bm3d", "it by --methods nlm,tv")
    profile = package.BM3DProfile()
    profile.num_threads = 1

    def run(sample: Sample) -> npt.NDArray[Any]:
        call = package.bm3d if sample.pixels.ndim == 2 else package.bm3d_rgb
        return GREY_MAX * call(sample.pixels / GREY_MAX, sample.level / GREY_MAX, profile)

    return run


def _channels(sample: Sample) -> int | None:
    return 2 if sample.pixels.ndim == 3 else None
