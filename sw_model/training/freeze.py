"""The frozen network's integers, from a folded network.

`sw_model.spec` defines their arithmetic; `sw_model.network.folded` turns a float network into one
whose numbers are integers times a scale.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from sw_model.network.folded import FoldedDnCNN, FoldedLayer
from sw_model.spec import MULT_BITS, Deployment, UsageError
from sw_model.spec.network import SHIFT_MAX
from sw_model.support.errors import Field, OptionsError


def output_multipliers(scale: float, timesteps: tuple[int, ...]) -> tuple[list[int], int]:
    """Multiplier for every allowed T, and the shift: mult / 2^shift is about scale / T.

    The shift is the largest for which the multiplier of the smallest T still fits its width.

    Parameters
    ----------
    scale
        Pixels per unit of R / T.

    Raises
    ------
    UsageError
        The scale is so large or small that no multiplier of 1 or more fits.
    """
    for shift in range(SHIFT_MAX, 0, -1):
        mults = [round(scale * 2**shift / t) for t in timesteps]
        if max(mults) < 1 << MULT_BITS:
            if min(mults) < 1:
                break
            return mults, shift
    raise UsageError(
        f"the output layer's scale of {scale:g} pixels per unit does not fit a "
        f"{MULT_BITS}-bit multiplier and a shift of 1..{SHIFT_MAX}"
    )


def to_int32(values: torch.Tensor, what: str) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Rounded values; raises `UsageError` if one needs more than 32 bits."""
    integers = values.detach().double().round().contiguous().numpy()
    limit = np.iinfo(np.int32)
    if not (np.isfinite(integers).all() and (np.abs(integers) <= limit.max).all()):
        worst = integers.flat[np.abs(integers).argmax()]
        raise OptionsError(
            f"{what} of {worst:g} units does not fit 32 bits; train with another seed or a lower ",
            Field("lr"),
        )
    return integers.astype(np.int32)


def freeze(network: FoldedDnCNN, provenance: Mapping[str, Any] | None = None) -> Deployment:
    """The frozen network.

    Parameters
    ----------
    network
        The folded network; the integers are those of its quantised forward pass.
    provenance
        Provenance of the network, as plain JSON values.
    """
    weights, biases, scales, thresholds, inits = [], [], [], [], []
    for index, layer in enumerate(network.layers):
        assert isinstance(layer, FoldedLayer)
        weight = to_int32(layer.integer_weight(), f"weight of layer {index}")
        weights.append(weight.astype(np.int8))
        biases.append(to_int32(layer.integer_bias(), f"bias of layer {index}"))
        scales.append(layer.current_scale().double().numpy())
        if layer.layer.neuron is not None:
            threshold = layer.integer_threshold()
            thresholds.append(to_int32(threshold, f"threshold of layer {index}"))
            init = layer.integer_init(network.init, network.timesteps)
            inits.append(to_int32(init, f"init of layer {index}"))
    mults, shift = output_multipliers(float(scales[-1][0]), network.spec.timesteps)
    output = dataclasses.replace(network.spec.layers[-1], shift=shift)
    spec = dataclasses.replace(network.spec, layers=(*network.spec.layers[:-1], output))
    return Deployment(
        spec=spec,
        weights=tuple(weights),
        biases=tuple(biases),
        thresholds=tuple(thresholds),
        inits=tuple(inits),
        mults=np.array(mults, np.uint16),
        scales=tuple(scales),
        provenance=provenance or {},
    )
