"""What a training run is made of, and the file that keeps it."""

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
"""Layers between two losses in mid-network."""


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
    """What a run learns in mid-network, nothing where that has no weight."""
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
        State of the network, of its moving average, and of the outputs in mid-network.
    optimizer
        State of the optimizer's parts.
    history
        What led to the network that this run started from: a dict a run, oldest first. Of a
        frozen network only what `runs` gives is known.
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
        """Reads a checkpoint; raises `UsageError` where the file is none."""
        with (
            reading(path, "a checkpoint", "give a file that `train` wrote") as file,
            warnings.catch_warnings(action="ignore"),  # of what is odd in it; the rest is raised
        ):
            content = torch.load(file, weights_only=True, map_location="cpu")
            if content.pop("format") != FORMAT:
                raise ValueError(f"it is of another version than {FORMAT}")
            options = TrainingOptions.from_dict(content.pop("options"))
            checkpoint = cls(options=options, **content)
            checkpoint._check()
        return checkpoint

    def _check(self) -> None:
        """Raises something unless this is the state of a run of these options."""
        if type(self.step) is not int or not 0 <= self.step <= self.options.steps:
            raise ValueError(f"{self.step!r} is none of its steps")
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
        except Exception:  # what is no state at all raises whatever it makes PyTorch raise
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
        """The run as a plain dict, for a history."""
        return {"step": self.step} | dataclasses.asdict(self.options)

    def runs(self) -> list[dict[str, Any]]:
        """The runs that led to this checkpoint, oldest first, as plain JSON values.

        Each has its ``command`` and the ``steps`` it did, fewer than those of the command where it
        was stopped early.
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
