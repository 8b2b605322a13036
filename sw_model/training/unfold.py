"""Frozen networks, which keep no state of a training, as the start of one, or in other widths."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import Tensor

from sw_model.network.baseline import Baseline
from sw_model.network.dncnn import BATCH_NORM_EPS, PIXEL_SCALE, DnCNN, NormalisedLayer
from sw_model.network.folded import FoldedDnCNN, FoldedLayer
from sw_model.network.ops import convolve
from sw_model.spec import CONFIGURATIONS, Deployment, NetworkSpec, UsageError
from sw_model.spec.fixed_point import weight_range
from sw_model.spec.network import TIMESTEPS_MAX
from sw_model.support.errors import Field, OptionsError

from .checkpoint import build_model
from .freeze import freeze
from .options import TrainingOptions
from .widths import WidthOptions

FROZEN = ".safetensors"
"""Suffix of files without a training's state."""
WITHIN = 0.25
"""Where between two roundings of an initial membrane its real value is put: halfway, whether half
a threshold is an integer or not."""


@torch.no_grad()
def unfold(baseline: Baseline, spec: NetworkSpec, pixels: Tensor) -> DnCNN:
    """A float DnCNN with batch norms that computes what its folded layers do.

    Parameters
    ----------
    spec
        Of the same depth and channels.
    pixels
        Noisy patches (B, 1, H, W), whose statistics become those of the batch norms.

    Raises
    ------
    UsageError
        The baseline has other layers than ``spec``.
    """
    shapes = [tuple(weight.shape) for weight, _ in baseline.layers]
    if shapes != [layer.weight_shape for layer in spec.layers]:
        raise OptionsError(
            f"the baseline has {len(shapes)} layers of {shapes[0][0]} channels, ",
            Field("config", spec.name),
            f" has {len(spec.layers)} of {spec.channels}",
        )
    network = DnCNN(spec).eval()
    x = pixels / PIXEL_SCALE
    for layer, (weight, bias) in zip(network.layers, baseline.layers, strict=False):
        assert isinstance(layer, NormalisedLayer)
        layer.weight.copy_(PIXEL_SCALE * weight if layer.encoding else weight)
        sums = convolve(x if x.dim() == 4 else x[0], layer.weight, torch.float32)
        variance, mean = torch.var_mean(sums, (0, 2, 3), correction=0)
        layer.running_mean.copy_(mean)
        layer.running_var.copy_(variance)
        layer.gamma.copy_((variance + BATCH_NORM_EPS).sqrt())
        layer.beta.copy_(bias + mean)
        x = layer(x, torch.float32, False)
    weight, bias = baseline.layers[-1]
    network.output_weight.copy_(weight / PIXEL_SCALE)
    network.output_bias.copy_(bias / PIXEL_SCALE)
    return network


def configuration_of(deployment: Deployment, config: str | None = None) -> tuple[str, WidthOptions]:
    """The configuration that a deployment was trained as, and its widths where they are others.

    Parameters
    ----------
    config
        The one to choose of those that differ in nothing but widths.

    Raises
    ------
    UsageError
        It is none of `CONFIGURATIONS`, with more channels for one.
    """
    wanted = _comparable(deployment.spec)
    fitting = []
    for name, spec in CONFIGURATIONS.items():
        if len(spec.layers) == len(wanted.layers):
            widths = WidthOptions.between(spec, wanted)
            if _comparable(widths.apply(spec)) == wanted:
                fitting.append((name, widths))
    if not fitting:
        raise UsageError(
            f"the deployment {deployment.spec.name!r} has the layers of no configuration; "
            "give the checkpoint it was frozen from"
        )

    def same(each: tuple[str, WidthOptions]) -> tuple[bool, int, bool]:
        name, widths = each
        return name == config, -len(widths.given), name == deployment.spec.name

    return max(fitting, key=same)


def _comparable(spec: NetworkSpec) -> NetworkSpec:
    """A spec without its name, and without the shifts that freezing chooses for the output."""
    output = dataclasses.replace(spec.layers[-1], shift=1)
    return dataclasses.replace(spec, name="x", layers=(*spec.layers[:-1], output))


@torch.no_grad()
def _put(deployment: Deployment, network: FoldedDnCNN) -> list[str]:
    """Puts a frozen network's integers into a folded one; the tensors that it freezes to others."""
    for index, layer in enumerate(network.layers):
        assert isinstance(layer, FoldedLayer)
        scale = torch.from_numpy(deployment.scales[index])
        layer.scale.copy_(scale / (layer.current_scale() / layer.scale))
        high = weight_range(layer.layer.weight_bits)[1]
        layer.weight.copy_(torch.from_numpy(deployment.weights[index]) / high)
        bias = torch.from_numpy(deployment.biases[index]).double()
        neuron = layer.layer.neuron
        if neuron is not None and neuron.leak is None and neuron.reset == "soft":
            # The initial membrane has what rounding took from the bias.
            start = torch.from_numpy(deployment.inits[index])
            threshold = torch.from_numpy(deployment.thresholds[index])
            given = start - torch.floor(network.init * threshold + 0.5)
            units = network.timesteps * neuron.threshold_unit
            # More than half a unit would be another bias.
            most = 0.5 - WITHIN / units
            bias += ((given + WITHIN) / units).clamp(-most, most)
        layer.bias.copy_(bias * layer.current_scale().double())
    again = freeze(network).tensors()
    return [n for n, array in deployment.tensors().items() if not np.array_equal(array, again[n])]


def reopen(deployment: Deployment, network: FoldedDnCNN) -> None:
    """Put a frozen network's integers into a folded one, which freezes to the same again.

    Parameters
    ----------
    network
        Of the deployment's configuration.

    Raises
    ------
    UsageError
        It does not: the deployment's numbers are not those of a trained network, or of one trained
        for a number of timesteps from which those of ``network`` cannot be had.
    """
    if odd := _put(deployment, network):
        raise OptionsError(
            f"the deployment {deployment.spec.name!r} is not one that `freeze` makes of a network "
            f"trained for T = {network.timesteps}, it differs in {', '.join(odd[:3])}; ",
            Field("timesteps"),
            " has to be that of its training",
        )


def narrowed(deployment: Deployment, widths: WidthOptions, name: str | None = None) -> Deployment:
    """A frozen network in other widths, without training.

    Raises
    ------
    UsageError
        ``widths`` are none; or see `configuration_of` and `reopen`.
    """
    if widths == WidthOptions():
        raise UsageError(
            f"the deployment {deployment.spec.name!r} is frozen already: give widths that it is "
            "to have, such as --encoding-shift 5"
        )
    config, own = configuration_of(deployment)
    network = opened(deployment, TrainingOptions(config=config, model="quantised", widths=own))
    network.narrow(widths.over(own).apply(network.spec))
    network.spec = dataclasses.replace(network.spec, name=name or deployment.spec.name)
    command = " ".join(["python -m sw_model freeze DEPLOYMENT", *widths.words()])
    run = {"command": command, "steps": 0}
    runs = [*deployment.provenance.get("runs", []), run]
    origin = {"narrowed from": deployment.hash, "runs": runs}
    return freeze(network, {**deployment.provenance, **origin})


def opened(deployment: Deployment, options: TrainingOptions) -> FoldedDnCNN:
    """A frozen network opened again, at the T that it was trained for.

    A deployment does not say that T, which may be more than it allows itself: it is the
    configuration's, or else the smallest with which the network freezes to the same integers.
    """
    network = build_model(options)
    assert isinstance(network, FoldedDnCNN)
    for timesteps in (network.timesteps, *range(1, TIMESTEPS_MAX + 1)):
        network.timesteps = timesteps
        if not _put(deployment, network):
            return network
    raise UsageError(
        f"the deployment {deployment.spec.name!r} is not one that `freeze` makes of a trained "
        "network; give the checkpoint it was frozen from"
    )
