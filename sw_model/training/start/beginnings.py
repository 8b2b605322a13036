"""The kinds of initial network of a run, with the options and the history of the new run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sw_model.network.baseline import Baseline
from sw_model.network.dncnn import DnCNN, SpikingDnCNN
from sw_model.network.folded import FoldedDnCNN
from sw_model.spec import UsageError, configuration, shipped_deployments
from sw_model.spec.deployment import load_plain_deployment
from sw_model.support.errors import Field, OptionsError

from ..checkpoint import Checkpoint, build_model
from ..convert import convert
from ..data import PATCH, TrainingSet
from ..options import TrainingOptions
from ..unfold import FROZEN, configuration_of, load_integers, unfold
from ..widen import widen
from ..widths import WidthOptions
from .request import Request

STATISTICS_PATCHES = 128
"""Patches for the batch-norm statistics of a float DnCNN, which folding has removed."""
INHERITED = ("config", "model", "widths", "coding")
"""Options that a new run takes from the checkpoint's run unless they are given."""
QUANTISE_OPTIONS = ("surrogate", "surrogate_width", "reset_gradient", "timesteps")
START_OPTIONS = (*QUANTISE_OPTIONS, "gradient", "round_weights", "coding")
"""Options of the new run that are applied to the checkpoint's network."""


@dataclass(frozen=True, kw_only=True)
class InitialState:
    """The initial state of a run.

    Attributes
    ----------
    options
        Options of the new run.
    model
        The initial network.
    history
        The runs that produced it, see `sw_model.training.checkpoint.Checkpoint`.
    """

    options: TrainingOptions
    model: nn.Module
    history: list[dict[str, Any]] = field(default_factory=list)


def initial_state(request: Request, images: TrainingSet) -> InitialState:
    """The initial state of a new run; raises `UsageError` if the options do not allow it."""
    if request.source is None:
        return new(request.given)
    source, given = request.source, request.given
    frozen = source.suffix == FROZEN
    if request.kind == "convert":
        return converted(source, given, images)
    if request.kind == "quantise":
        frozen = frozen or str(source) in shipped_deployments()
        return from_deployment(source, given) if frozen else quantised(source, given)
    return unfolded(source, given, images) if frozen else started(source, given)


def new(given: dict[str, Any]) -> InitialState:
    """Initial weights."""
    options = TrainingOptions(**given)
    return InitialState(options=options, model=build_model(options))


def started(source: Path, given: dict[str, Any]) -> InitialState:
    """The network of a checkpoint, unchanged or widened."""
    origin = Checkpoint.load(source)
    inherited = _inherited(origin, source, given, ("model",))
    options = TrainingOptions(**(inherited | given))
    model = _network(origin, options, START_OPTIONS)
    if options.config != origin.options.config:
        model = _widened(model, options)
    return InitialState(options=options, model=model, history=_history(origin))


def quantised(source: Path, given: dict[str, Any]) -> InitialState:
    """The network of a checkpoint in floats, folded and quantised."""
    origin = Checkpoint.load(source)
    inherited = _inherited(origin, source, given, ("config", "model"))
    options = TrainingOptions(**(inherited | given | {"model": "quantised"}))
    model = _network(origin, options, QUANTISE_OPTIONS)
    if not isinstance(model, SpikingDnCNN):
        raise UsageError(
            f"{str(source)!r} holds a network of model {origin.options.model!r}; "
            "only 'snn' can be quantised"
        )
    spec = given.get("widths", WidthOptions()).apply(model.spec)
    folded = FoldedDnCNN(model, spec, options.gradient)
    return InitialState(options=options, model=folded, history=_history(origin))


def from_deployment(source: Path, given: dict[str, Any]) -> InitialState:
    """The network of a deployment, with its own widths or others."""
    deployment = load_plain_deployment(source, "fine-tuning")
    if given.get("model", "snn") != "snn":
        raise OptionsError(
            Field("model", given["model"]), f" does not fit {str(source)!r}, a spiking network"
        )
    config, own = configuration_of(deployment, given.get("config"))
    if given.get("config", config) != config:
        raise OptionsError(f"{str(source)!r} is frozen as ", Field("config", config))
    options = TrainingOptions(**(given | {"config": config, "model": "quantised", "widths": own}))
    folded = build_model(options)
    assert isinstance(folded, FoldedDnCNN)
    load_integers(deployment, folded)
    if "widths" in given:
        options = dataclasses.replace(options, widths=given["widths"].over(own))
        folded.narrow(options.widths.apply(configuration(config)))
    return InitialState(options=options, model=folded, history=_runs(deployment.provenance, source))


def unfolded(source: Path, given: dict[str, Any], images: TrainingSet) -> InitialState:
    """An exported float DnCNN, with batch norms added."""
    baseline = Baseline.load(source)
    if given.get("model") != "ann":
        raise OptionsError(
            f"{str(source)!r} holds a float DnCNN; give ",
            Field("model", "ann"),
            ", or --convert it to spikes",
        )
    options = TrainingOptions(**given)
    network = unfold(baseline, configuration(options.config), _sample(options, images))
    return InitialState(options=options, model=network, history=_runs(baseline.provenance, source))


def converted(source: Path, given: dict[str, Any], images: TrainingSet) -> InitialState:
    """A spiking network converted from a float DnCNN, of a checkpoint or a baseline file."""
    if given.get("model", "snn") != "snn":
        raise OptionsError(
            "--convert gives a spiking network, not one of ", Field("model", given["model"])
        )
    options = TrainingOptions(**given)
    if options.coding != "direct":
        raise OptionsError(
            "--convert is for ", Field("coding", "direct"), f", not for {options.coding}"
        )
    pixels = _sample(options, images)
    if source.suffix == FROZEN:
        baseline = Baseline.load(source)
        network: nn.Module = unfold(baseline, configuration(options.config), pixels)
        history = _runs(baseline.provenance, source)
    else:
        origin = Checkpoint.load(source)
        network, history = origin.network(), _history(origin)
    if not isinstance(network, DnCNN) or isinstance(network, SpikingDnCNN):
        raise UsageError(f"--convert {str(source)!r}: the file does not hold a float DnCNN")
    model = build_model(options)
    assert isinstance(model, SpikingDnCNN)
    convert(network, model, pixels, options.calibration)
    return InitialState(options=options, model=model, history=history)


def _inherited(
    origin: Checkpoint, source: Path, given: dict[str, Any], fixed: tuple[str, ...]
) -> dict[str, Any]:
    """The options that a new run inherits; those in ``fixed`` must not be given differently."""
    inherited = {name: getattr(origin.options, name) for name in INHERITED}
    for name in fixed:
        if given.get(name, inherited[name]) != inherited[name]:
            raise OptionsError(
                Field(name, given[name]),
                f" does not fit {str(source)!r}, whose network has {name} {inherited[name]!r}",
            )
    return inherited


def _network(origin: Checkpoint, options: TrainingOptions, names: tuple[str, ...]) -> nn.Module:
    """The network of a checkpoint, with the options ``names`` of the new run."""
    own = {name: getattr(options, name) for name in names}
    return dataclasses.replace(origin, options=dataclasses.replace(origin.options, **own)).network()


def _widened(network: nn.Module, options: TrainingOptions) -> nn.Module:
    """The network of a run that starts from a narrower network."""
    model = build_model(options)
    if not (isinstance(network, DnCNN) and isinstance(model, DnCNN)):
        raise OptionsError(
            Field("config", options.config),
            " does not fit the quantised network of --start; only one in floats can be widened",
        )
    widen(network, model)
    return model


def _sample(options: TrainingOptions, images: TrainingSet) -> torch.Tensor:
    """Noisy patches (B, 1, H, W) of the first step, for statistics; fewer if they are large."""
    noisy, _ = images.batch(
        seed=options.seed,
        step=0,
        size=max(1, min(STATISTICS_PATCHES, STATISTICS_PATCHES * PATCH**2 // options.patch**2)),
        sigma=options.sigma,
        patch=options.patch,
    )
    return torch.from_numpy(noisy).float()


def _history(origin: Checkpoint) -> list[dict[str, Any]]:
    """The runs that produced a checkpoint's network, its own last."""
    return [*origin.history, origin.record()]


def _runs(provenance: Mapping[str, Any], source: Path) -> list[dict[str, Any]]:
    """The runs that produced a frozen network, from its provenance."""
    runs = provenance.get("runs", [{"command": "unknown", "steps": 0}])
    if not isinstance(runs, list) or not all(
        isinstance(run, dict)
        and isinstance(run.get("command"), str)
        and isinstance(run.get("steps"), int)
        for run in runs
    ):
        raise UsageError(
            f"'runs' in the provenance of {str(source)!r} is not a list of objects with 'command' "
            "and 'steps'"
        )
    return runs
