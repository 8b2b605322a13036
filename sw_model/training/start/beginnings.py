"""The networks that a run can begin with, and the options and history that it then has."""

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
from ..unfold import FROZEN, configuration_of, reopen, unfold
from ..widen import widen
from ..widths import WidthOptions
from .request import Request

STATISTICS_PATCHES = 128
"""For a float DnCNN's batch norms, whose statistics folding took."""
KEPT = ("config", "model", "widths", "coding")
"""Options of a checkpoint's run that the new one has unless others are given."""
OF_THE_QUANTISED = ("surrogate", "surrogate_width", "reset_gradient", "timesteps")
OF_THE_STARTED = (*OF_THE_QUANTISED, "gradient", "round_weights", "coding")
"""How to train is the new run's, the weights are the old one's: options of the new run that the
network of the old one takes."""


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """What a run begins with.

    Attributes
    ----------
    options
        Of the new run.
    model
        The network whose weights it begins with.
    history
        The runs that led to it, see `sw_model.training.checkpoint.Checkpoint`.
    """

    options: TrainingOptions
    model: nn.Module
    history: list[dict[str, Any]] = field(default_factory=list)


def beginning(request: Request, images: TrainingSet) -> Beginning:
    """What a run that is not resumed begins with; raises `UsageError` where the options forbid."""
    if request.source is None:
        return new(request.given)
    source, given = request.source, request.given
    frozen = source.suffix == FROZEN
    if request.kind == "convert":
        return converted(source, given, images)
    if request.kind == "quantise":
        frozen = frozen or str(source) in shipped_deployments()
        return reopened(source, given) if frozen else quantised(source, given)
    return unfolded(source, given, images) if frozen else started(source, given)


def new(given: dict[str, Any]) -> Beginning:
    """Initial weights."""
    options = TrainingOptions(**given)
    return Beginning(options=options, model=build_model(options))


def started(source: Path, given: dict[str, Any]) -> Beginning:
    """The network of a checkpoint, trained on as what it is, or widened."""
    origin = Checkpoint.load(source)
    kept = _kept(origin, source, given, ("model",))
    options = TrainingOptions(**(kept | given))
    model = _network(origin, options, OF_THE_STARTED)
    if options.config != origin.options.config:
        model = _widened(model, options)
    return Beginning(options=options, model=model, history=_history(origin))


def quantised(source: Path, given: dict[str, Any]) -> Beginning:
    """The network of a checkpoint in floats, folded and quantised."""
    origin = Checkpoint.load(source)
    kept = _kept(origin, source, given, ("config", "model"))
    options = TrainingOptions(**(kept | given | {"model": "quantised"}))
    model = _network(origin, options, OF_THE_QUANTISED)
    if not isinstance(model, SpikingDnCNN):
        raise UsageError(
            f"{str(source)!r} holds a network of model {origin.options.model!r}; "
            "only 'snn' can be quantised"
        )
    spec = given.get("widths", WidthOptions()).apply(model.spec)
    folded = FoldedDnCNN(model, spec, options.gradient)
    return Beginning(options=options, model=folded, history=_history(origin))


def reopened(source: Path, given: dict[str, Any]) -> Beginning:
    """A deployment, in its own widths or others."""
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
    reopen(deployment, folded)
    if "widths" in given:
        options = dataclasses.replace(options, widths=given["widths"].over(own))
        folded.narrow(options.widths.apply(configuration(config)))
    return Beginning(options=options, model=folded, history=_runs(deployment.provenance, source))


def unfolded(source: Path, given: dict[str, Any], images: TrainingSet) -> Beginning:
    """A float DnCNN that was exported, with batch norms again."""
    baseline = Baseline.load(source)
    if given.get("model") != "ann":
        raise OptionsError(
            f"{str(source)!r} holds a float DnCNN; give ",
            Field("model", "ann"),
            ", or --convert it to spikes",
        )
    options = TrainingOptions(**given)
    network = unfold(baseline, configuration(options.config), _sample(options, images))
    return Beginning(options=options, model=network, history=_runs(baseline.provenance, source))


def converted(source: Path, given: dict[str, Any], images: TrainingSet) -> Beginning:
    """A spiking network with the weights of a float DnCNN, of a checkpoint or exported."""
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
        raise UsageError(f"--convert {str(source)!r}: it holds no float DnCNN")
    model = build_model(options)
    assert isinstance(model, SpikingDnCNN)
    convert(network, model, pixels, options.calibration)
    return Beginning(options=options, model=model, history=history)


def _kept(
    origin: Checkpoint, source: Path, given: dict[str, Any], fixed: tuple[str, ...]
) -> dict[str, Any]:
    """What a new run keeps of an old one's options; of ``fixed`` no others may be given."""
    kept = {name: getattr(origin.options, name) for name in KEPT}
    for name in fixed:
        if given.get(name, kept[name]) != kept[name]:
            raise OptionsError(
                Field(name, given[name]),
                f" does not fit {str(source)!r}, whose network has {name} {kept[name]!r}",
            )
    return kept


def _network(origin: Checkpoint, options: TrainingOptions, names: tuple[str, ...]) -> nn.Module:
    """The network of a checkpoint with these options of the new run."""
    own = {name: getattr(options, name) for name in names}
    return dataclasses.replace(origin, options=dataclasses.replace(origin.options, **own)).network()


def _widened(network: nn.Module, options: TrainingOptions) -> nn.Module:
    """The network of a run that starts from that of another, narrower configuration."""
    model = build_model(options)
    if not (isinstance(network, DnCNN) and isinstance(model, DnCNN)):
        raise OptionsError(
            Field("config", options.config),
            " is another network than that of --start, which is quantised; "
            "only one in floats can be widened",
        )
    widen(network, model)
    return model


def _sample(options: TrainingOptions, images: TrainingSet) -> torch.Tensor:
    """Noisy patches (B, 1, H, W) of the first step, for statistics: of large ones fewer."""
    noisy, _ = images.batch(
        seed=options.seed,
        step=0,
        size=max(1, min(STATISTICS_PATCHES, STATISTICS_PATCHES * PATCH**2 // options.patch**2)),
        sigma=options.sigma,
        patch=options.patch,
    )
    return torch.from_numpy(noisy).float()


def _history(origin: Checkpoint) -> list[dict[str, Any]]:
    """The runs that led to a checkpoint's network, its own the last."""
    return [*origin.history, origin.record()]


def _runs(provenance: Mapping[str, Any], source: Path) -> list[dict[str, Any]]:
    """The runs that led to a frozen network, as its file has them."""
    runs = provenance.get("runs", [{"command": "unknown", "steps": 0}])
    if not isinstance(runs, list) or not all(
        isinstance(run, dict)
        and isinstance(run.get("command"), str)
        and isinstance(run.get("steps"), int)
        for run in runs
    ):
        raise UsageError(
            f"the provenance in {str(source)!r} has runs that are no list of objects with "
            "'command' and 'steps'"
        )
    return runs
