"""Quality of a picture against the clean one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from skimage.metrics import structural_similarity

from sw_model.spec import GREY_MAX

Picture = npt.NDArray[np.integer]

SSIM_SIGMA = 1.5
SSIM_WINDOW = 11
"""Side of the Gaussian window; a smaller picture has no SSIM."""


@dataclass(frozen=True)
class Quality:
    """PSNR in dB, infinite for equal pictures, and SSIM, None for very small ones."""

    psnr: float
    ssim: float | None


def quality(clean: Picture, picture: Picture) -> Quality:
    """Both measures of ``picture`` against the clean one."""
    return Quality(psnr(clean, picture), ssim(clean, picture))


def psnr(clean: Picture, picture: Picture) -> float:
    """Peak signal-to-noise ratio in dB, peak 255, over the whole frame and all channels.

    Parameters
    ----------
    clean, picture
        Of the same shape, (H, W) or (H, W, 3). Noisy pixels are taken as they are, unclipped.

    Returns
    -------
    float
        Infinity for equal pictures.
    """
    error = np.square(clean.astype(np.float64) - picture.astype(np.float64)).mean()
    return 10 * math.log10(GREY_MAX**2 / error) if error else math.inf


def ssim(clean: Picture, picture: Picture) -> float | None:
    """Structural similarity: Gaussian window 11, sigma 1.5, range 255, K1 = 0.01, K2 = 0.03.

    That is the definition of Wang et al. (2004): the mean over all positions at which the window
    lies within the picture, with the window's own weights (no sample covariance). A colour
    picture's value is the mean of its channels'.

    Parameters
    ----------
    clean, picture
        Of the same shape, (H, W) or (H, W, 3).

    Returns
    -------
    float or None
        None for a picture that is smaller than the window.
    """
    if min(clean.shape[:2]) < SSIM_WINDOW:
        return None
    return float(
        structural_similarity(
            clean.astype(np.float64),
            picture.astype(np.float64),
            data_range=GREY_MAX,
            # scikit-image cuts the Gaussian at 3.5 sigma, which makes the window.
            gaussian_weights=True,
            sigma=SSIM_SIGMA,
            use_sample_covariance=False,
            channel_axis=2 if clean.ndim == 3 else None,
        )
    )
