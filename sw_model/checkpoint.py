"""What a training run is made of, and the file that keeps it."""

from __future__ import annotations

import dataclasses
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sw_model.folded import FoldedDnCNN
from sw_model.network import DnCNN, SpikingDnCNN
from sw_model.optimizer import Optimizer
from sw_model.spec import UsageError, configuration
from sw_model.spec.network import LAYERS_MAX
from sw_model.supervision import DeepSupervision
from sw_model.support.files import write_atomically
from sw_model.training_options import TrainingOptions

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
        try:
            content = torch.load(path, weights_only=True, map_location="cpu")
            if content.pop("format") != FORMAT:
                raise UsageError(f"{str(path)!r} is a checkpoint of another version than {FORMAT}")
            options = TrainingOptions.from_dict(content.pop("options"))
            checkpoint = cls(options=options, **content)
            checkpoint.runs()
        except FileNotFoundError:
            raise UsageError(f"checkpoint {str(path)!r} does not exist") from None
        except UsageError:
            raise
        except Exception as error:  # torch.load raises whatever the bytes make it raise
            raise UsageError(
                f"{str(path)!r} is not a checkpoint of `train`: {type(error).__name__}"
            ) from None
        if not checkpoint._fits():
            raise UsageError(
                f"the tensors in {str(path)!r} do not fit its network, "
                f"which has config {options.config!r} and model {options.model!r}"
            )
        return checkpoint

    def _fits(self) -> bool:
        """Whether the tensors are those of the options' network."""
        model, supervision = build_model(self.options), build_supervision(self.options)
        optimizer = build_optimizer(self.options, model, supervision)
        try:
            model.load_state_dict(self.model)
            model.load_state_dict(self.averaged)
            supervision.load_state_dict(self.supervision)
            optimizer.load_state_dict(self.optimizer)
            return optimizer.fits()
        except Exception:  # what is no state at all raises whatever it makes PyTorch raise
            return False

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
            runs.append({"command": options.command(origin), "steps": record["step"]})
            origin = options.model
        return runs
