"""The golden model as a library: arrays in, arrays out.

Calls share no state and may run in several threads; the process may fork meanwhile, and its
children may call too. A network that is given by name is read and verified in every call; for many
calls, load it once with `sw_model.load_deployment`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from sw_model import golden
from sw_model.golden.result import GoldenResult
from sw_model.pictures.arrays import to_pixels, to_values, without_residual
from sw_model.spec import Deployment, load_deployment
from sw_model.spec.deployment import DEFAULT_DEPLOYMENT

from .noise_level import check_level, check_strength, estimate, network_level
from .picture import denoise_picture
from .poisson import check_gain


def denoise(
    array: npt.NDArray[Any],
    deployment: str | Path | Deployment = DEFAULT_DEPLOYMENT,
    timesteps: int | None = None,
    *,
    level: float | None = None,
    strength: float = 1.0,
    poisson: bool | float = False,
    white: int | None = None,
) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
    """Remove the noise from a picture.

    Parameters
    ----------
    array
        (H, W) grey or (H, W, 3) colour, whose channels are denoised one by one by a network for
        grey pictures. uint8; uint16, scaled to the network's 0..255 and the residual scaled back;
        other integers are taken as noisy pixels -512..511. See `sw_model.pictures.arrays`.
    deployment
        Name of a shipped network, path of a deployment file, or a loaded one.
    timesteps
        T, one of those that the deployment allows; the largest by default.
    level
        Standard deviation of the noise in grey levels (0..255, for uint16 too); estimated for each
        channel by default, see `sw_model.denoising.noise_level`. At ``deployment.sigma``, 25 for
        the shipped networks, pixels are not scaled, and the integers equal the hardware's.
    strength
        Factor of the level: above 1 smooths more.
    poisson
        The noise grows with brightness, as that of photons: True to estimate how much, or the
        grey levels for each photon. Takes the place of ``level``.
    white
        Full scale N of uint16 values: 4095 for 12 bits. The result is on the same scale 0..N.
        65535 by default; required if all values are far below.

    Returns
    -------
    numpy.ndarray
        Of the array's shape: uint16 for uint16, uint8 for all others. A new array.

    Raises
    ------
    ValueError
        The array is of another shape, type (floats) or range, ``white`` is needed or wrong, or
        both ``level`` and ``poisson`` are given.
    TypeError
        ``timesteps`` or ``white`` is not an integer (numpy's are, True is not), or ``deployment``
        is of another type.
    sw_model.UsageError
        The deployment does not exist, does not allow this T or is for colour pictures alone, or
        the level, strength or gain is out of range.

    Examples
    --------
    >>> from sw_model import denoise, load_deployment
    >>> network = load_deployment("best-s25")
    >>> denoise(np.full((4, 4), 100, np.uint8), network).shape
    (4, 4)
    """
    array = np.asarray(array)
    values = to_values(array, white)
    check_level(level)
    check_strength(strength)
    gain = None if poisson is False else 0.0 if poisson is True else float(poisson)
    if gain is not None and level is not None:
        raise ValueError("give either level or poisson, not both: one noise or the other")
    if poisson is not True:
        check_gain(gain)
    frozen = _frozen(deployment)
    steps = frozen.spec.timesteps_max if timesteps is None else timesteps
    denoised = denoise_picture(frozen, values, steps, level=level, strength=strength, poisson=gain)
    return without_residual(array, denoised.residual, white)


def trace(
    array: npt.NDArray[Any],
    deployment: str | Path | Deployment = DEFAULT_DEPLOYMENT,
    timesteps: int | None = None,
    *,
    level: float | None = None,
    membranes: bool = False,
    white: int | None = None,
) -> GoldenResult:
    """Denoise a channel and keep the trace of every layer, to verify hardware against it.

    Pixels are not scaled, whatever their noise level.

    Parameters
    ----------
    array
        (H, W), as in `denoise`.
    deployment, timesteps, white
        As in `denoise`.
    level
        Noise level of a network that takes one; estimated by default.
    membranes
        Keep currents and membranes too: 24 * T bytes per neuron and layer, so for crops.

    Returns
    -------
    GoldenResult
        ``layers[k].words`` are the event words of spiking layer k, (H, W, T, ceil(C / 64)) uint64:
        raster order, time innermost, bit c is channel c. ``total`` is R of every pixel,
        ``residual`` and ``denoised`` (8 bits) follow from it, ``activity`` has theta.

    Raises
    ------
    ValueError, TypeError, sw_model.UsageError
        As in `denoise`; a colour picture is refused, and a level for a network that takes none.
        Networks of the few-spike code have no membranes to keep.
    """
    array = np.asarray(array)
    pixels = to_pixels(array, white)
    if pixels.ndim == 3:
        raise ValueError(
            f"an array of shape {array.shape} has several channels; trace takes one, (H, W)"
        )
    frozen = _frozen(deployment)
    check_level(level)
    if level is None and frozen.spec.noise_levels is not None:
        level = network_level(frozen, estimate(pixels))
    kept: Literal[True, "spikes"] = True if membranes else "spikes"
    return golden.denoise(frozen, pixels, timesteps, level=level, trace=kept)


def _frozen(deployment: str | Path | Deployment) -> Deployment:
    return deployment if isinstance(deployment, Deployment) else load_deployment(deployment)
