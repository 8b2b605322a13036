"""Frozen networks as the start of a training, or with other widths."""

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
"""Suffix of files of frozen networks, which hold no training state."""
WITHIN = 0.25
"""Offset of an initial membrane's assumed real value from its rounded value: it stays away from
both rounding limits, whether half a threshold is an integer or not."""


@torch.no_grad()
def unfold(baseline: Baseline, spec: NetworkSpec, pixels: Tensor) -> DnCNN:
    """A float DnCNN with batch norms, equivalent to the folded layers of a baseline.

    Parameters
    ----------
    spec
        A spec with the baseline's depth and channels.
    pixels
        Noisy patches (B, 1, H, W), which give the statistics of the batch norms.

    Raises
    ------
    UsageError
        The layers of the baseline are not those of ``spec``.
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
    """The configuration that a deployment was trained with, and the widths that differ from it.

    Parameters
    ----------
    config
        The preferred configuration if several differ in their widths only.

    Raises
    ------
    UsageError
        No configuration has the deployment's layers.
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
            f"no configuration has the layers of the deployment {deployment.spec.name!r}; "
            "give the checkpoint it was frozen from"
        )

    def similarity(candidate: tuple[str, WidthOptions]) -> tuple[bool, int, bool]:
        name, widths = candidate
        return name == config, -len(widths.given), name == deployment.spec.name

    return max(fitting, key=similarity)


def _comparable(spec: NetworkSpec) -> NetworkSpec:
    """A spec with neutral values for its name and the output shift, which freezing chooses."""
    output = dataclasses.replace(spec.layers[-1], shift=1)
    return dataclasses.replace(spec, name="x", layers=(*spec.layers[:-1], output))


@torch.no_grad()
def _copy_integers(deployment: Deployment, network: FoldedDnCNN) -> list[str]:
    """Copy a deployment's integers into a folded network; return the tensors that then differ.

    A tensor differs if freezing the network again gives other integers.
    """
    for index, layer in enumerate(network.layers):
        assert isinstance(layer, FoldedLayer)
        scale = torch.from_numpy(deployment.scales[index])
        layer.scale.copy_(scale / (layer.current_scale() / layer.scale))
        high = weight_range(layer.layer.weight_bits)[1]
        layer.weight.copy_(torch.from_numpy(deployment.weights[index]) / high)
        bias = torch.from_numpy(deployment.biases[index]).double()
        neuron = layer.layer.neuron
        if neuron is not None and neuron.leak is None and neuron.reset == "soft":
            # The initial membrane contains the rounding error of the bias.
            start = torch.from_numpy(deployment.inits[index])
            threshold = torch.from_numpy(deployment.thresholds[index])
            error = start - torch.floor(network.init * threshold + 0.5)
            units = network.timesteps * neuron.threshold_unit
            # More than half a unit would change the rounded bias.
            limit = 0.5 - WITHIN / units
            bias += ((error + WITHIN) / units).clamp(-limit, limit)
        layer.bias.copy_(bias * layer.current_scale().double())
    frozen = freeze(network).tensors()
    return [n for n, array in deployment.tensors().items() if not np.array_equal(array, frozen[n])]


def load_integers(deployment: Deployment, network: FoldedDnCNN) -> None:
    """Copy a frozen network's integers into a folded one, which then freezes to the same integers.

    Parameters
    ----------
    network
        A network of the deployment's configuration.

    Raises
    ------
    UsageError
        It freezes to others: the deployment does not come from a trained network, or from one
        trained with a T that does not match that of ``network``.
    """
    if differing := _copy_integers(deployment, network):
        raise OptionsError(
            f"the deployment {deployment.spec.name!r} is not one that `freeze` makes of a network "
            f"trained for T = {network.timesteps}, it differs in {', '.join(differing[:3])}; give ",
            Field("timesteps"),
            " of its training",
        )


def narrowed(deployment: Deployment, widths: WidthOptions, name: str | None = None) -> Deployment:
    """A frozen network with other widths, without training.

    Raises
    ------
    UsageError
        ``widths`` are empty; or see `configuration_of` and `folded_network`.
    """
    if widths == WidthOptions():
        raise UsageError(
            f"the deployment {deployment.spec.name!r} is already frozen: give other widths, "
            "such as --encoding-shift 5"
        )
    config, own = configuration_of(deployment)
    options = TrainingOptions(config=config, model="quantised", widths=own)
    network = folded_network(deployment, options)
    network.narrow(widths.over(own).apply(network.spec))
    network.spec = dataclasses.replace(network.spec, name=name or deployment.spec.name)
    command = " ".join(["python -m sw_model freeze DEPLOYMENT", *widths.words()])
    run = {"command": command, "steps": 0}
    runs = [*deployment.provenance.get("runs", []), run]
    origin = {"narrowed from": deployment.hash, "runs": runs}
    return freeze(network, {**deployment.provenance, **origin})


def folded_network(deployment: Deployment, options: TrainingOptions) -> FoldedDnCNN:
    """The folded network of a deployment, for the T of its training.

    A deployment does not store that T, which may be larger than those it allows. It is the
    configuration's T, or else the smallest for which the network freezes to the same integers.

    Raises
    ------
    UsageError
        There is no such T.
    """
    network = build_model(options)
    assert isinstance(network, FoldedDnCNN)
    for timesteps in (network.timesteps, *range(1, TIMESTEPS_MAX + 1)):
        network.timesteps = timesteps
        if not _copy_integers(deployment, network):
            return network
    raise UsageError(
        f"the deployment {deployment.spec.name!r} is not one that `freeze` makes of a trained "
        "network; give the checkpoint it was frozen from"
    )
