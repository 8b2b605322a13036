"""The parts of a training run, and the checkpoint file with their state."""

from __future__ import annotations

import dataclasses
import io
import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sw_model.network.dncnn import DnCNN, SpikingDnCNN
from sw_model.network.folded import FoldedDnCNN
from sw_model.spec import configuration
from sw_model.spec.network import LAYERS_MAX
from sw_model.support.files import write_atomically
from sw_model.support.reading import reading

from .flags import command
from .objective import DeepSupervision
from .optimizer import Optimizer
from .options import TrainingOptions

FORMAT = 2
SUPERVISED_EVERY = 3
"""Layers from one intermediate loss to the next."""


def build_model(options: TrainingOptions) -> nn.Module:
    """The network of a run, with initial weights drawn from the run's seed."""
    spec = configuration(options.config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        if options.model == "ann":
            return DnCNN(spec)
        network = SpikingDnCNN(
            spec,
            timesteps=options.timesteps or None,
            surrogate=options.spike_gradient,
            levels=options.gradient == "levels",
            weight_bits=spec.layers[1].weight_bits if options.round_weights else None,
            coding=options.coding,
        )
        if options.model == "snn":
            return network
        return FoldedDnCNN(network, options.widths.apply(spec), options.gradient)


def build_optimizer(
    options: TrainingOptions, model: nn.Module, supervision: DeepSupervision
) -> Optimizer:
    """The optimizer of a run."""
    parameters = [*model.parameters(), *supervision.parameters()]
    shapes = {layer.weight_shape for layer in configuration(options.config).layers[1:-1]}
    return Optimizer(
        parameters,
        [p for p in model.parameters() if tuple(p.shape) in shapes],
        lr=options.lr,
        weight_decay=options.weight_decay,
        muon=options.muon,
    )


def build_supervision(options: TrainingOptions) -> DeepSupervision:
    """The outputs at intermediate layers of a run; none if their loss has no weight."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        every = SUPERVISED_EVERY if options.supervision else LAYERS_MAX
        channels = options.teacher_channels
        return DeepSupervision(configuration(options.config), every, channels)


@dataclass(kw_only=True)
class Checkpoint:
    """State of a run after ``step`` steps.

    Attributes
    ----------
    model, averaged, supervision
        State of the network, of its moving average, and of the outputs at intermediate layers.
    optimizer
        State of the optimizer's parts.
    history
        The runs that produced the network that this run started from: one dict each, oldest
        first. For a frozen network a dict has only the keys that `runs` returns.
    data
        Description of the images.
    seconds
        Wall-clock time spent training.
    """

    options: TrainingOptions
    step: int
    model: dict[str, Any]
    averaged: dict[str, Any]
    supervision: dict[str, Any]
    optimizer: dict[str, Any]
    history: list[dict[str, Any]]
    data: str
    seconds: float

    def save(self, path: Path) -> None:
        """Writes the whole file or none of it."""
        content = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        content["options"] = dataclasses.asdict(self.options)
        buffer = io.BytesIO()
        torch.save(content | {"format": FORMAT}, buffer)
        write_atomically(path, buffer.getvalue())

    @classmethod
    def load(cls, path: Path) -> Checkpoint:
        """Reads a checkpoint; raises `UsageError` if the file is not one."""
        with (
            reading(path, "a checkpoint", "give a file that `train` wrote") as file,
            warnings.catch_warnings(action="ignore"),  # about odd content; errors are raised
        ):
            content = torch.load(file, weights_only=True, map_location="cpu")
            if content.pop("format") != FORMAT:
                raise ValueError(f"its format is not version {FORMAT}")
            options = TrainingOptions.from_dict(content.pop("options"))
            checkpoint = cls(options=options, **content)
            checkpoint._check()
        return checkpoint

    def _check(self) -> None:
        """Raises an exception unless this is the state of a run with these options."""
        if type(self.step) is not int or not 0 <= self.step <= self.options.steps:
            raise ValueError(f"its step {self.step!r} is not in 0..{self.options.steps}")
        if type(self.data) is not str or type(self.seconds) not in (int, float):
            raise ValueError("its data and seconds are not a text and a number")
        json.dumps(self.runs(), allow_nan=False)
        model, supervision = build_model(self.options), build_supervision(self.options)
        optimizer = build_optimizer(self.options, model, supervision)
        try:
            model.load_state_dict(self.model)
            model.load_state_dict(self.averaged)
            supervision.load_state_dict(self.supervision)
            optimizer.load_state_dict(self.optimizer)
            fits = optimizer.fits()
        except Exception:  # for an invalid state PyTorch raises many kinds of exceptions
            fits = False
        if not fits:
            raise ValueError(
                f"its tensors do not fit its network, "
                f"which has config {self.options.config!r} and model {self.options.model!r}"
            )

    def network(self) -> nn.Module:
        """The averaged network, in evaluation mode."""
        model = build_model(self.options)
        model.load_state_dict(self.averaged)
        return model.eval()

    def record(self) -> dict[str, Any]:
        """The run as a plain dict, as it stands in a history."""
        return {"step": self.step} | dataclasses.asdict(self.options)

    def runs(self) -> list[dict[str, Any]]:
        """The runs that led to this checkpoint, oldest first, as plain JSON values.

        Each has its ``command`` and the number of completed ``steps``, which is smaller than the
        command's if the run was stopped early.
        """
        runs, origin = [], None
        for record in [*self.history, self.record()]:
            if "command" in record:
                runs.append(record)
                origin = "frozen"
                continue
            options = TrainingOptions.from_dict(
                {name: value for name, value in record.items() if name != "step"}
            )
            runs.append({"command": command(options, origin), "steps": record["step"]})
            origin = options.model
        return runs
