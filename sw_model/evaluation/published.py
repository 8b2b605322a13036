"""Published results of other authors on the same pictures, printed next to the measured ones.

All are for Gaussian noise, not clipped; PSNR in dB. Sources:

- BM3D, WNNM, DnCNN-S: K. Zhang, W. Zuo, Y. Chen, D. Meng, L. Zhang, *Beyond a Gaussian Denoiser*,
  IEEE Transactions on Image Processing 26 (2017), tables II (BSD68) and III (Set12). DnCNN-S is
  the network trained for one sigma only; the mean of Set12 is over the table's twelve pictures.
- FFDNet: K. Zhang, W. Zuo, L. Zhang, *FFDNet: Toward a Fast and Flexible Solution for CNN-Based
  Image Denoising*, IEEE Transactions on Image Processing 27 (2018); one network for all sigmas.
- SPIDEN: the integrate-and-fire network of A. Castagnetti, A. Pegatoquet, B. Miramond, *SPIDEN:
  deep Spiking Neural Networks for efficient image denoising*, Frontiers in Neuroscience 17 (2023).
- LIF and rate coding: Castagnetti, Pegatoquet, Miramond, *Neural information coding for efficient
  spike-based image denoising*, arXiv 2305.11898, fig. 4, T = 7.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """A method's PSNR in dB, the mean of a set or that of one picture."""

    method: str
    psnr: float
    picture: str | None = None
    sigma: float = 25.0


CAMERAMAN = "01.png"
"""C.man in the copy of Set12 that the authors of DnCNN distribute."""


def _any_noise(method: str, low: float, middle: float, high: float) -> tuple[Published, ...]:
    """The mean of a set at sigma 15, 25 and 50."""
    values = {15.0: low, 25.0: middle, 50.0: high}
    return tuple(Published(method, psnr, sigma=sigma) for sigma, psnr in values.items())


PUBLISHED: dict[str, tuple[Published, ...]] = {
    "set12": (
        *_any_noise("BM3D", 32.37, 29.97, 26.72),
        *_any_noise("WNNM", 32.70, 30.26, 27.05),
        *_any_noise("DnCNN-S", 32.86, 30.44, 27.18),
        *_any_noise("FFDNet", 32.75, 30.43, 27.32),
        Published("SPIDEN", 30.18),
        Published("DnCNN-S", 30.18, CAMERAMAN),
        Published("the paper's LIF network, T = 7", 28.35, CAMERAMAN),
        Published("the paper's rate coding, T = 7", 21.59, CAMERAMAN),
    ),
    "bsd68": (
        *_any_noise("BM3D", 31.07, 28.57, 25.62),
        Published("WNNM", 28.83),
        *_any_noise("DnCNN-S", 31.73, 29.23, 26.23),
        *_any_noise("FFDNet", 31.63, 29.19, 26.29),
    ),
}


def published(set_name: str | None, sigma: float) -> tuple[Published, ...]:
    """Figures to compare results with; none for other pictures or other noise."""
    known = PUBLISHED.get(set_name or "", ())
    return tuple(figure for figure in known if figure.sigma == sigma)
