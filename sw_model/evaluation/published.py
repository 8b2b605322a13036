"""Published results of other authors on the same pictures, printed next to the measured ones.

All are for Gaussian noise of sigma 25, not clipped; PSNR in dB. Sources:

- BM3D, WNNM, DnCNN-S: K. Zhang, W. Zuo, Y. Chen, D. Meng, L. Zhang, *Beyond a Gaussian Denoiser*,
  IEEE Transactions on Image Processing 26 (2017), tables II (BSD68) and III (Set12). DnCNN-S is
  the network trained for this sigma only; the mean of Set12 is over the table's twelve pictures.
- SPIDEN: the integrate-and-fire network of A. Castagnetti, A. Pegatoquet, B. Miramond, *SPIDEN:
  deep Spiking Neural Networks for efficient image denoising*, Frontiers in Neuroscience 17 (2023).
- LIF and rate coding: Castagnetti, Pegatoquet, Miramond, *Neural information coding for efficient
  spike-based image denoising*, arXiv 2305.11898, fig. 4, T = 7.
"""

from __future__ import annotations

from dataclasses import dataclass

SIGMA = 25.0
"""Noise of all these figures, in grey levels."""


@dataclass(frozen=True)
class Published:
    """A method's PSNR in dB, the mean of a set or that of one picture."""

    method: str
    psnr: float
    picture: str | None = None


CAMERAMAN = "01.png"
"""C.man in the copy of Set12 that the authors of DnCNN distribute."""

PUBLISHED: dict[str, tuple[Published, ...]] = {
    "set12": (
        Published("BM3D", 29.97),
        Published("WNNM", 30.26),
        Published("DnCNN-S", 30.44),
        Published("SPIDEN", 30.18),
        Published("DnCNN-S", 30.18, CAMERAMAN),
        Published("the paper's LIF network, T = 7", 28.35, CAMERAMAN),
        Published("the paper's rate coding, T = 7", 21.59, CAMERAMAN),
    ),
    "bsd68": (
        Published("BM3D", 28.57),
        Published("WNNM", 28.83),
        Published("DnCNN-S", 29.23),
    ),
}


def published(set_name: str | None, sigma: float) -> tuple[Published, ...]:
    """Figures to compare results with; none for other pictures or other noise."""
    return PUBLISHED.get(set_name or "", ()) if sigma == SIGMA else ()
