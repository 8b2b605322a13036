"""Figures measured on pictures that a frozen network denoised."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add

from sw_model.golden.activity import Activity
from sw_model.pictures.metrics import Quality
from sw_model.pictures.options import Noise
from sw_model.spec import Deployment


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Figures of one picture."""

    name: str
    shape: tuple[int, ...]
    noisy: Quality
    denoised: Quality
    activity: Activity

    @property
    def pixels(self) -> int:
        """Pixels of one channel."""
        return self.shape[0] * self.shape[1]

    @property
    def spikes_per_pixel(self) -> float:
        """Spikes of all layers for each pixel: what width and planes do not hide, unlike theta."""
        return sum(self.activity.spike_counts) / self.pixels


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Figures of all pictures, with the network and the noise."""

    deployment: Deployment
    timesteps: int
    noise: Noise
    pictures: tuple[Measured, ...]

    @property
    def activity(self) -> Activity:
        """Spikes and neurons of all pictures together."""
        return reduce(add, (picture.activity for picture in self.pictures))

    @property
    def spikes_per_pixel(self) -> float:
        """Spikes of all pictures for each of their pixels."""
        pixels = sum(picture.pixels for picture in self.pictures)
        return sum(self.activity.spike_counts) / pixels

    @property
    def noisy(self) -> Quality:
        """Mean of the noisy pictures' values."""
        return _mean([picture.noisy for picture in self.pictures])

    @property
    def denoised(self) -> Quality:
        """Mean of the denoised pictures' values."""
        return _mean([picture.denoised for picture in self.pictures])


def _mean(values: list[Quality]) -> Quality:
    ssims = [value.ssim for value in values if value.ssim is not None]
    return Quality(
        psnr=sum(value.psnr for value in values) / len(values),
        ssim=sum(ssims) / len(ssims) if len(ssims) == len(values) else None,
    )
