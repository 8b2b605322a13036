"""What a training run is made of, and the file that keeps it."""

from __future__ import annotations

import argparse
import dataclasses
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sw_model.folded import FoldedDnCNN
from sw_model.network import DeepSupervision, DnCNN, SpikingDnCNN
from sw_model.optimizer import Optimizer
from sw_model.spec import NetworkSpec, UsageError, configuration
from sw_model.spec.files import write_atomically
from sw_model.spec.network import LAYERS_MAX, TIMESTEPS_MAX

FORMAT = 2
SUPERVISED_EVERY = 3
"""Layers between two losses in mid-network."""
MODELS = ("snn", "ann", "quantised")
GRADIENTS = ("time", "rate", "levels")
CODINGS = ("direct", "bernoulli")
LIMITS = {
    "steps": (1, 10**9),
    "batch": (1, 1024),
    "lr": (1e-9, 1),
    "muon": (0, 1),
    "weight_decay": (0, 1),
    "warmup": (0, 10**9),
    "sigma": (0.01, 255),
    "seed": (0, 2**32 - 1),
    "surrogate_width": (0.001, 1000),
    "ema": (0, 1),
    "supervision": (0, 1000),
    "activity": (0, 1000),
    "timesteps": (0, TIMESTEPS_MAX),
}
"""Least and greatest value of the options that are numbers; more than that is a slip."""


@dataclass(frozen=True, kw_only=True)
class WidthOptions:
    """Widths to quantise to; None leaves the configuration's.

    Attributes
    ----------
    weight_bits, encoding_weight_bits, output_weight_bits
        Of the hidden, the encoding and the output layers' weights.
    fractional_bits
        Of every spiking layer's currents and membranes.
    """

    weight_bits: int | None = None
    encoding_weight_bits: int | None = None
    output_weight_bits: int | None = None
    fractional_bits: int | None = None

    def apply(self, spec: NetworkSpec) -> NetworkSpec:
        """``spec`` with these widths; raises `UsageError` where it does not allow them."""
        bits = {
            "hidden": self.weight_bits,
            "encoding": self.encoding_weight_bits,
            "output": self.output_weight_bits,
        }
        layers = []
        for layer in spec.layers:
            neuron = layer.neuron
            if neuron is not None and self.fractional_bits is not None:
                neuron = dataclasses.replace(neuron, fractional_bits=self.fractional_bits)
            given = bits[layer.kind]
            width = layer.weight_bits if given is None else given
            layers.append(dataclasses.replace(layer, weight_bits=width, neuron=neuron))
        return dataclasses.replace(spec, layers=tuple(layers))

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """An option for each width."""
        for option, what in (
            ("weight-bits", "bits of the hidden layers' weights"),
            ("encoding-weight-bits", "bits of the encoding layer's weights"),
            ("output-weight-bits", "bits of the output layer's weights"),
            ("fractional-bits", "fractional bits of currents and membranes"),
        ):
            parser.add_argument(
                f"--{option}", type=int, metavar="N", help=f"{what}; default: the configuration's"
            )

    @classmethod
    def from_arguments(cls, args: argparse.Namespace) -> WidthOptions:
        """The widths that were given."""
        return cls(**{f.name: getattr(args, f.name) for f in dataclasses.fields(cls)})


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """Everything that decides the numbers of a run, but the images and the initial network.

    Attributes
    ----------
    config
        Name of the network's configuration.
    model
        ``"snn"``, ``"ann"`` (ReLU twin), or ``"quantised"``: a folded spiking network whose
        weights, biases and thresholds are rounded as in the frozen one.
    steps
        Length of the schedule.
    batch
        Patches a step.
    lr, weight_decay
        AdamW; the rate rises over ``warmup`` steps and falls with a cosine to zero.
    muon
        Peak rate of Muon for the hidden layers' weights, see `sw_model.optimizer`; 0: AdamW.
    sigma
        Standard deviation of the noise, 0..255 scale.
    seed
        Of initial weights, patches and noise.
    surrogate_width
        See `sw_model.neurons.surrogate_gradient`.
    ema
        Decay a step of the averaged weights, which are what is evaluated and frozen.
    supervision
        Initial weight of the losses in mid-network, see `sw_model.network.DeepSupervision`; 0 does
        without. Spiking networks only.
    gradient
        ``"time"``: surrogate gradients through all timesteps; ``"levels"``: rates instead of
        spikes (`sw_model.rates`); ``"rate"``: spikes forward, the gradient of rates back, for
        quantised networks only.
    timesteps
        T to train with; 0 for the configuration's largest.
    coding
        What the encoding layer gets: ``"direct"``, pixels as a constant current; ``"bernoulli"``,
        rate coding (`sw_model.float_denoise.rate_coded`), for spiking networks in floats.
    round_weights
        Hidden weights of a network in floats are rounded to the configuration's width.
    activity
        Weight of the sum of all layers' mean rates in the loss, pixels^2.
    bf16
        Convolve hidden layers in bfloat16.
    widths
        Of a quantised network.
    """

    config: str = "compact"
    model: str = "snn"
    steps: int = 10_000
    batch: int = 8
    lr: float = 1e-3
    weight_decay: float = 1e-4
    muon: float = 0.0
    warmup: int = 100
    sigma: float = 25.0
    seed: int = 0
    surrogate_width: float = 1.0
    ema: float = 0.999
    supervision: float = 0.0
    gradient: str = "time"
    timesteps: int = 0
    coding: str = "direct"
    round_weights: bool = False
    activity: float = 0.0
    bf16: bool = True
    widths: WidthOptions = WidthOptions()

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise UsageError(f"model {self.model!r} is unknown; known are {', '.join(MODELS)}")
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if not low <= value <= high:  # NaN is not
                option = name.replace("_", "-")
                raise UsageError(f"--{option} {value} is not in {low}..{high}")
        if not self.ema < 1:
            raise UsageError(f"--ema {self.ema} is not below 1")
        if self.gradient not in GRADIENTS:
            known = ", ".join(GRADIENTS)
            raise UsageError(f"--gradient {self.gradient!r} is unknown; known are {known}")
        if self.gradient == "rate" and self.model != "quantised":
            raise UsageError("--gradient rate is for quantised networks; give --quantise")
        if self.coding not in CODINGS:
            known = ", ".join(CODINGS)
            raise UsageError(f"--coding {self.coding!r} is unknown; known are {known}")
        if self.coding != "direct" and (self.model, self.gradient) != ("snn", "time"):
            raise UsageError(
                f"--coding {self.coding} is for spiking networks in floats with --gradient time, "
                f"not for model {self.model!r} with --gradient {self.gradient}"
            )
        if self.supervision and self.model == "ann":
            raise UsageError("--supervision is for spiking networks; give 0 for model 'ann'")

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> TrainingOptions:
        """Inverse of `dataclasses.asdict`."""
        return cls(**{**fields, "widths": WidthOptions(**fields["widths"])})

    def command(self, start: bool = False) -> str:
        """The command line of such a run; ``start`` says that it began with another's weights."""
        words = ["python -m sw_model train"]
        given = dataclasses.asdict(self) | dataclasses.asdict(self.widths)
        default = dataclasses.asdict(TrainingOptions()) | dataclasses.asdict(WidthOptions())
        if start:
            words.append(f"--{'quantise' if self.model == 'quantised' else 'start'} CHECKPOINT")
        for name, value in given.items():
            option = "--" + name.replace("_", "-")
            if name in ("config", "steps", "seed"):
                words.append(f"{option} {value}")
            elif name == "bf16":
                words += [] if value else ["--fp32"]
            elif name == "round_weights":
                words += ["--round-weights"] if value else []
            elif name != "widths" and value != default[name] and value != "quantised":
                words.append(f"{option} {value}")
        return " ".join(words)


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
            surrogate_width=options.surrogate_width,
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
    """The outputs in mid-network of a run, none where they have no weight."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        every = SUPERVISED_EVERY if options.supervision else LAYERS_MAX
        return DeepSupervision(configuration(options.config), every)


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
        What led to the network that this run started from: a dict a run, oldest first.
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
        runs = []
        for index, record in enumerate([*self.history, self.record()]):
            fields = {name: value for name, value in record.items() if name != "step"}
            command = TrainingOptions.from_dict(fields).command(start=index > 0)
            runs.append({"command": command, "steps": record["step"]})
        return runs
