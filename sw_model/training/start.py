"""The run that the options of `train` ask for: new, resumed, or from another network."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sw_model.network.baseline import Baseline
from sw_model.network.dncnn import DnCNN, SpikingDnCNN
from sw_model.network.folded import FoldedDnCNN
from sw_model.spec import UsageError, configuration, shipped_deployments
from sw_model.spec.deployment import load_plain_deployment

from .checkpoint import Checkpoint, build_model
from .convert import convert
from .data import PATCH, TRAINING_FOLDER, TrainingSet
from .distributed import Workers
from .options import TrainingOptions
from .run import TrainingRun
from .unfold import FROZEN, configuration_of, reopen, unfold
from .widen import widen
from .widths import WidthOptions

STATISTICS_PATCHES = 128
"""For a float DnCNN's batch norms, whose statistics folding took."""


def widened(network: nn.Module, options: TrainingOptions) -> nn.Module:
    """The network of a run that starts from that of another, narrower configuration."""
    model = build_model(options)
    if not (isinstance(network, DnCNN) and isinstance(model, DnCNN)):
        raise UsageError(
            f"--config {options.config} is another network than that of --start, which is "
            "quantised; only one in floats can be widened"
        )
    widen(network, model)
    return model


def _from_frozen(
    args: argparse.Namespace, given: dict[str, Any], images: TrainingSet
) -> tuple[TrainingOptions, nn.Module, list[dict[str, Any]]]:
    """Options, network and history of a run that starts from a file without a training's state."""
    if args.quantise:
        deployment = load_plain_deployment(args.quantise, "fine-tuning")
        if given.get("model", "snn") != "snn":
            raise UsageError(
                f"--model {given['model']} does not fit {str(args.quantise)!r}, a spiking network"
            )
        config, own = configuration_of(deployment, given.get("config"))
        if given.get("config", config) != config:
            raise UsageError(f"{str(args.quantise)!r} is frozen as --config {config}")
        options = TrainingOptions(
            **(given | {"config": config, "model": "quantised", "widths": own})
        )
        folded = build_model(options)
        assert isinstance(folded, FoldedDnCNN)
        reopen(deployment, folded)
        if "widths" in given:
            options = dataclasses.replace(options, widths=given["widths"].over(own))
            folded.narrow(options.widths.apply(configuration(config)))
        return options, folded, _runs(deployment.provenance, args.quantise)
    baseline = Baseline.load(args.start)
    if given.get("model") != "ann":
        raise UsageError(
            f"{str(args.start)!r} holds a float DnCNN; give --model ann, or --convert it to spikes"
        )
    options = TrainingOptions(**given)
    network = unfold(baseline, configuration(options.config), _sample(options, images))
    return options, network, _runs(baseline.provenance, args.start)


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


def _converted(
    args: argparse.Namespace, given: dict[str, Any], images: TrainingSet
) -> tuple[TrainingOptions, nn.Module, list[dict[str, Any]]]:
    """Options, network and history of a run that starts from a float DnCNN's weights."""
    if given.get("model", "snn") != "snn":
        raise UsageError(f"--convert gives a spiking network, not one of --model {given['model']}")
    options = TrainingOptions(**given)
    if options.coding != "direct":
        raise UsageError(f"--convert is for --coding direct, not for {options.coding}")
    pixels = _sample(options, images)
    if args.convert.suffix == FROZEN:
        baseline = Baseline.load(args.convert)
        source: nn.Module = unfold(baseline, configuration(options.config), pixels)
        history = _runs(baseline.provenance, args.convert)
    else:
        origin = Checkpoint.load(args.convert)
        source, history = origin.network(), [*origin.history, origin.record()]
    if not isinstance(source, DnCNN) or isinstance(source, SpikingDnCNN):
        raise UsageError(f"--convert {str(args.convert)!r}: it holds no float DnCNN")
    model = build_model(options)
    assert isinstance(model, SpikingDnCNN)
    convert(source, model, pixels, options.calibration)
    return options, model, history


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


def _check_features(teacher: Baseline, options: TrainingOptions) -> None:
    """Raises `UsageError` unless a teacher has features for every layer of the network."""
    layers, channels = len(configuration(options.config).layers), teacher.channels
    if len(teacher.layers) != layers or len(set(channels)) > 1:
        raise UsageError(
            f"--features: the teacher has {len(teacher.layers)} layers of "
            f"{' or '.join(map(str, sorted(set(channels))))} channels, --config {options.config} "
            f"has {layers}; as many are needed, of equally many channels"
        )


def run_from_arguments(
    args: argparse.Namespace, images: TrainingSet, workers: Workers, device: str
) -> TrainingRun:
    """The run to be done; raises `UsageError` where the options do not fit each other."""
    how: dict[str, Any] = {"compiled": not args.no_compile, "workers": workers, "device": device}
    fields = {f.name for f in dataclasses.fields(TrainingOptions)}
    given = {k: v for k, v in vars(args).items() if k in fields and v is not None}
    if args.teacher:
        how["teacher"] = Baseline.load(args.teacher)
        given["teacher"] = how["teacher"].hash
        if given.get("features"):
            given["teacher_channels"] = how["teacher"].channels[0]
    if args.calibration and not (args.convert or args.resume):
        raise UsageError(f"--calibration {args.calibration} is for --convert only")
    if (widths := WidthOptions.from_arguments(args)) != WidthOptions():
        if not args.quantise:
            raise UsageError("widths of integers are given with --quantise only")
        given["widths"] = widths
    if args.resume:
        checkpoint = Checkpoint.load(args.resume)
        if checkpoint.options.teacher and not args.teacher:
            raise UsageError("the run to resume learns from a teacher; name its file by --teacher")
        for name, value in given.items():
            kept = getattr(checkpoint.options, name)
            if name != "steps" and value != kept:
                flags = {"bf16": "--fp32", "round_weights": "--round-weights"}
                option = flags.get(name, f"--{name.replace('_', '-')} {value}")
                instead = "" if name in flags else f", which has {kept}"
                raise UsageError(
                    f"{option} does not fit the run to resume{instead}; "
                    "of a run's options only --steps can change"
                )
        checkpoint.options = dataclasses.replace(checkpoint.options, **given)
        if checkpoint.options.steps < checkpoint.step:
            raise UsageError(
                f"--steps {checkpoint.options.steps} is less than the {checkpoint.step} steps "
                "that the run to resume has done"
            )
        return TrainingRun.resume(checkpoint, images, **how)
    data = f"{TRAINING_FOLDER}: {len(images.images)} images, {len(images.held_out)} held out"
    history: list[dict[str, Any]] = []
    source = args.quantise or args.start
    shipped = args.quantise is not None and str(source) in shipped_deployments()
    if args.convert:
        options, model, history = _converted(args, given, images)
    elif source and (shipped or source.suffix == FROZEN):
        options, model, history = _from_frozen(args, given, images)
    elif source:
        origin = Checkpoint.load(source)
        history = [*origin.history, origin.record()]
        old = origin.options
        kept = {name: getattr(old, name) for name in ("config", "model", "widths", "coding")}
        for name in ("config", "model") if args.quantise else ("model",):
            if given.get(name, kept[name]) != kept[name]:
                raise UsageError(
                    f"--{name} {given[name]} does not fit {str(source)!r}, "
                    f"whose network has {name} {kept[name]!r}"
                )
        options = TrainingOptions(
            **(kept | given | ({"model": "quantised"} if args.quantise else {}))
        )
        # How to train is the new run's, the weights are the old one's.
        names = ["surrogate", "surrogate_width", "reset_gradient", "timesteps"]
        if not args.quantise:
            names += ["gradient", "round_weights", "coding"]
        own = {name: getattr(options, name) for name in names}
        origin.options = dataclasses.replace(origin.options, **own)
        model = origin.network()
        if options.config != origin.options.config:
            model = widened(model, options)
        if args.quantise:
            if not isinstance(model, SpikingDnCNN):
                raise UsageError(
                    f"{str(source)!r} holds a network of model {origin.options.model!r}; "
                    "only 'snn' can be quantised"
                )
            model = FoldedDnCNN(model, widths.apply(model.spec), options.gradient)
    else:
        options = TrainingOptions(**given)
        model = build_model(options)
    if options.features:
        _check_features(how["teacher"], options)
    through_time = options.gradient == "time" and options.model != "ann"
    if not through_time and (args.surrogate or args.reset_gradient):
        raise UsageError(
            "--surrogate and --reset-gradient are for the gradient of spikes through time; "
            f"here it is --gradient {options.gradient}, model {options.model!r}"
        )
    return TrainingRun(options, images, model, history=history, data=data, **how)
