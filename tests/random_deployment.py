"""Deployments with random numbers that spike in every layer, for any shape and neuron."""

from __future__ import annotations

import numpy as np

from sw_model.spec import Deployment, NetworkSpec
from sw_model.spec.fixed_point import PIXEL_MAX, weight_range


def random_deployment(spec: NetworkSpec, seed: int, *, with_init: bool = False) -> Deployment:
    """Random weights, biases and thresholds in proportion to them.

    Thresholds are small compared with the spread of currents, so that all layers spike, and so
    low that membranes often equal them exactly.

    Parameters
    ----------
    with_init
        Initialise membranes to half the threshold; otherwise to zero, as in the paper.
    """
    rng = np.random.default_rng(seed)
    weights, biases, thresholds, inits, scales = [], [], [], [], []
    for layer in spec.layers:
        low, high = weight_range(layer.weight_bits)
        weight = rng.integers(low, high + 1, layer.weight_shape).astype(np.int8)
        # One channel in ten is zero, as after pruning, but never the only one of a layer.
        weight[1:][rng.random(layer.out_channels - 1) < 0.1] = 0
        spread = np.abs(weight.astype(np.int64)).sum(axis=(1, 2, 3)) + 1
        if layer.kind == "encoding":
            spread = (spread * (PIXEL_MAX // 2)) >> layer.shift
        biases.append((spread * rng.uniform(-0.1, 0.3, layer.out_channels)).astype(np.int32))
        if layer.neuron is not None:
            unit = layer.neuron.threshold_unit
            level = spread * unit * rng.uniform(0.02, 0.2, layer.out_channels)
            thresholds.append(np.maximum(1, level).astype(np.int32))
            inits.append(
                (thresholds[-1] // 2 if with_init else thresholds[-1] * 0).astype(np.int32)
            )
        weights.append(weight)
        scales.append(np.ones(layer.out_channels))
    largest = 2**spec.timesteps_max - 1 if spec.code == "binary" else spec.timesteps_max
    total = float(np.abs(weights[-1].astype(np.int64)).sum(axis=(1, 2, 3)).max()) * largest
    mult = max(1, min(65535, round(255 * 2 ** spec.layers[-1].shift / max(total, 1.0))))
    return Deployment(
        spec=spec,
        weights=tuple(weights),
        biases=tuple(biases),
        thresholds=tuple(thresholds),
        inits=tuple(inits),
        mults=np.full(len(spec.timesteps), mult, dtype=np.uint16),
        scales=tuple(scales),
        provenance={"source": "random", "seed": seed},
        noise_weight=None
        if spec.noise_levels is None
        else rng.integers(-(2**11), 2**11, spec.channels).astype(np.int16),
    )
