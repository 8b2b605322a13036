"""The golden model's integer operations, small enough to be checked exhaustively."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from sw_model.spec import KERNEL, NeuronSpec

IntArray = npt.NDArray[np.integer]


class ExactConvolution:
    """A 3x3 convolution whose floating-point products are exact.

    numpy multiplies matrices of floats many times faster than matrices of integers. Every partial
    sum is an integer no larger than the sum of all products' magnitudes, so that nothing is ever
    rounded as long as this sum fits the significand.

    Parameters
    ----------
    weight
        (out_channels, in_channels, 3, 3) integers.
    largest
        Largest magnitude of an input.

    Attributes
    ----------
    dtype
        The float type in use: float32 where it is exact, else float64.

    Raises
    ------
    ValueError
        Not even float64 is exact.
    """

    def __init__(self, weight: IntArray, *, largest: int) -> None:
        magnitudes = np.abs(weight.astype(np.int64)).sum(axis=(1, 2, 3))
        bound = int(magnitudes.max()) * largest
        self.dtype = exact_float(bound)
        self._matrix = weight.reshape(len(weight), -1).astype(self.dtype)

    def __call__(self, window: IntArray) -> npt.NDArray[np.int64]:
        """Sums of weight * input.

        Parameters
        ----------
        window
            (in_channels, h + 2, w + 2): the inputs with a halo of one on each side.

        Returns
        -------
        numpy.ndarray
            (out_channels, h, w)
        """
        taps = sliding_window_view(
            window.astype(self.dtype), (KERNEL, KERNEL), axis=(1, 2)
        )  # (in, h, w, ky, kx)
        height, width = taps.shape[1:3]
        columns = taps.transpose(0, 3, 4, 1, 2).reshape(-1, height * width)
        return (self._matrix @ columns).astype(np.int64).reshape(-1, height, width)


def exact_float(bound: int) -> type[np.float32] | type[np.float64]:
    """The fastest float type that adds integers exactly as long as no sum is beyond ``bound``."""
    for dtype in (np.float32, np.float64):
        # nmant leaves out the leading one, so that integers are exact up to 2^(nmant + 1).
        if bound < 1 << (np.finfo(dtype).nmant + 1):
            return dtype
    raise ValueError(f"sums up to {bound} are not exact in float64")


def rounding_shift(value: npt.NDArray[np.int64], shift: int) -> npt.NDArray[np.int64]:
    """`sw_model.spec.fixed_point.ROUNDING_SHIFT`: a right shift whose halves go up."""
    return (value + (1 << (shift - 1))) >> shift if shift else value


def fire(
    neuron: NeuronSpec,
    membrane: npt.NDArray[np.int64],
    current: npt.NDArray[np.int64],
    threshold: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """One timestep of `sw_model.spec.neuron.EQUATION` (paper, eq. 1): charge, fire, reset.

    Parameters
    ----------
    membrane, current, threshold
        Any shapes that broadcast, in the membrane's unit.

    Returns
    -------
    charged, spikes, membrane
        The membrane before the comparison, its result, the membrane after the reset.
    """
    if neuron.leak is not None:
        membrane = membrane - (membrane >> neuron.leak)
    charged = membrane + current
    spikes = charged >= threshold
    after = charged - threshold if neuron.reset == "soft" else 0
    return charged, spikes, np.where(spikes, after, charged)
