"""The frozen network's integers, from a trained network of the few-spike code."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from sw_model.network.dncnn import PIXEL_SCALE
from sw_model.network.few_spikes import FewSpikeDnCNN, FewSpikeLayer, integer_weight
from sw_model.spec import Deployment
from sw_model.spec.fixed_point import NOISE_WEIGHT_BITS
from sw_model.spec.network import NOISE_UNITS, SHIFT_MAX
from sw_model.training.freeze import output_multipliers, to_int32


@torch.no_grad()
def freeze_few_spikes(
    network: FewSpikeDnCNN, provenance: Mapping[str, Any] | None = None
) -> Deployment:
    """The frozen network.

    Its values are those of ``network`` in evaluation mode and float32, except that the noise
    level's weights are rounded to 12 bits.

    Parameters
    ----------
    provenance
        Provenance of the network, as plain JSON values.

    Raises
    ------
    UsageError
        A number does not fit the deployment.
    """
    weights, biases, scales, thresholds, inits = [], [], [], [], []
    for index, layer in enumerate(network.layers):
        assert isinstance(layer, FewSpikeLayer)
        constants = layer.constants(layer.running_mean, layer.running_var)
        weight, _ = integer_weight(layer.weight, layer.layer.weight_bits, shared=False)
        weights.append((constants.sign[:, None, None, None] * weight).numpy().astype(np.int8))
        biases.append(to_int32(constants.bias, f"bias of layer {index}"))
        thresholds.append(to_int32(constants.threshold, f"threshold of layer {index}"))
        inits.append(thresholds[-1] >> 1)
        scales.append(1 / constants.threshold.double().numpy())
    weight, _ = network.output_integers()
    scale = float(network.output_scale())
    weights.append(weight.numpy().astype(np.int8))
    biases.append(to_int32(PIXEL_SCALE * network.output_bias / scale, "bias of the output layer"))
    scales.append(np.full(network.spec.inputs, scale))
    mults, shift = output_multipliers(scale, (1,))  # the sum is over values, not a mean over time
    output = dataclasses.replace(network.spec.layers[-1], shift=shift)
    spec = dataclasses.replace(network.spec, layers=(*network.spec.layers[:-1], output))
    noise_weight = None
    if spec.noise_levels is not None:
        noise_weight, noise_shift = _noise_weights(network)
        spec = dataclasses.replace(spec, noise_shift=noise_shift)
    return Deployment(
        spec=spec,
        weights=tuple(weights),
        biases=tuple(biases),
        thresholds=tuple(thresholds),
        inits=tuple(inits),
        mults=np.array(mults, np.uint16),
        scales=tuple(scales),
        provenance=provenance or {},
        noise_weight=noise_weight,
    )


def _noise_weights(network: FewSpikeDnCNN) -> tuple[np.ndarray[Any, np.dtype[np.int16]], int]:
    """Integers of the noise level's weights, and the largest shift for which they fit."""
    layer = network.layers[0]
    assert isinstance(layer, FewSpikeLayer)
    assert layer.noise_weight is not None
    _, step = integer_weight(layer.weight, layer.layer.weight_bits, shared=False)
    sign = layer.constants(layer.running_mean, layer.running_var).sign
    wanted = (sign * layer.noise_weight / step / NOISE_UNITS).double().numpy()
    limit = (1 << (NOISE_WEIGHT_BITS - 1)) - 1
    fitting = [s for s in range(1, SHIFT_MAX + 1) if np.abs(wanted * 2**s).max() <= limit]
    shift = max(fitting, default=1)
    return np.rint(wanted * 2**shift).clip(-limit, limit).astype(np.int16), shift
