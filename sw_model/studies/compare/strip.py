"""A photograph with noise, and what BM3D and a network make of it, side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sw_model.pictures.arrays import Picture
from sw_model.pictures.crops import Crop, cut, default_picture, luminance
from sw_model.pictures.eight_bit import read_picture
from sw_model.pictures.metrics import psnr
from sw_model.pictures.options import DEFAULT_SIGMA
from sw_model.spec import GREY_MAX

from .measure import one_thread, run, sample_of
from .methods import Method, eight_bit
from .noises import gaussian

CROP = Crop(y=40, x=110, height=256, width=256)
"""Head and camera of the man in scikit-image's photograph."""
GAP = 4
"""White columns between two pictures."""
SHAPE = (CROP.height, 3 * CROP.width + 2 * GAP)


@dataclass(frozen=True, kw_only=True)
class Strip:
    """Pictures side by side, (H, W), and the PSNR in dB of each by its label."""

    picture: Picture
    psnr: dict[str, float]


def make_strip(methods: tuple[Method, Method], seed: int) -> Strip:
    """Noisy, and denoised by each of the methods; the noise is σ = 25 and its level is told."""
    clean = cut(luminance(read_picture(default_picture())), CROP)
    sample = sample_of(clean, gaussian(DEFAULT_SIGMA), seed, {})
    with one_thread():
        results = {method.label: run(method, sample, clean) for method in methods}
    panels = [eight_bit(sample.pixels), *(result.picture for result in results.values())]
    gap = np.full((CROP.height, GAP), GREY_MAX, np.uint8)
    joined = [panels[0]]
    for panel in panels[1:]:
        joined += [gap, panel]
    return Strip(
        picture=np.hstack(joined),
        psnr={"noisy": psnr(clean, sample.pixels)}
        | {label: result.psnr for label, result in results.items()},
    )
