"""The options of a training run: everything that decides its numbers but images and weights."""

from __future__ import annotations

import argparse
import dataclasses
from dataclasses import dataclass
from typing import Any

from sw_model.neurons import RESETS, SHAPES, Surrogate
from sw_model.spec import NetworkSpec, NeuronSpec, UsageError, configuration
from sw_model.spec.network import TIMESTEPS_MAX

MODELS = ("snn", "ann", "quantised")
GRADIENTS = ("time", "rate", "levels")
CODINGS = ("direct", "bernoulli")
CHOICES = {
    "gradient": GRADIENTS,
    "coding": CODINGS,
    "surrogate": SHAPES,
    "reset_gradient": RESETS,
}
"""What the options that are words may be."""
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
    encoding_shift
        Rounding right shift of the encoding layer's sums, the widest of all: what it takes off
        them, its currents, thresholds and membranes need not have.
    """

    weight_bits: int | None = None
    encoding_weight_bits: int | None = None
    output_weight_bits: int | None = None
    fractional_bits: int | None = None
    encoding_shift: int | None = None

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
            shift = layer.shift
            if layer.kind == "encoding" and self.encoding_shift is not None:
                shift = self.encoding_shift
            layers.append(dataclasses.replace(layer, weight_bits=width, neuron=neuron, shift=shift))
        return dataclasses.replace(spec, layers=tuple(layers))

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """An option for each width."""
        for option, what in (
            ("weight-bits", "bits of the hidden layers' weights"),
            ("encoding-weight-bits", "bits of the encoding layer's weights"),
            ("output-weight-bits", "bits of the output layer's weights"),
            ("fractional-bits", "fractional bits of currents and membranes"),
            ("encoding-shift", "rounding right shift of the encoding layer's sums"),
        ):
            parser.add_argument(
                f"--{option}", type=int, metavar="N", help=f"{what}; default: as it is"
            )

    @classmethod
    def from_arguments(cls, args: argparse.Namespace) -> WidthOptions:
        """The widths that were given."""
        return cls(**{f.name: getattr(args, f.name) for f in dataclasses.fields(cls)})

    @classmethod
    def between(cls, spec: NetworkSpec, other: NetworkSpec) -> WidthOptions:
        """The widths of the first layers of each kind of ``other`` that ``spec`` has otherwise."""
        given = {}
        for name, index, value in (
            ("encoding_weight_bits", 0, lambda layer: layer.weight_bits),
            ("weight_bits", 1, lambda layer: layer.weight_bits),
            ("output_weight_bits", -1, lambda layer: layer.weight_bits),
            ("fractional_bits", 0, lambda layer: layer.neuron.fractional_bits),
            ("encoding_shift", 0, lambda layer: layer.shift),
        ):
            if value(spec.layers[index]) != value(other.layers[index]):
                given[name] = value(other.layers[index])
        return cls(**given)

    def over(self, other: WidthOptions) -> WidthOptions:
        """These widths, and those of ``other`` where these leave the configuration's."""
        return dataclasses.replace(other, **self.given)

    @property
    def given(self) -> dict[str, int]:
        """The widths that are not the configuration's, by name."""
        return {
            name: value for name, value in dataclasses.asdict(self).items() if value is not None
        }

    def words(self) -> list[str]:
        """The options that give these widths."""
        return [f"--{name.replace('_', '-')} {value}" for name, value in self.given.items()]


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
    surrogate, surrogate_width, reset_gradient
        Shape, width and reset of `sw_model.neurons.Surrogate`, for ``gradient="time"``.
    ema
        Decay a step of the averaged weights, which are what is evaluated and frozen.
    supervision
        Initial weight of the losses in mid-network, see `sw_model.supervision`; 0 does without.
        Spiking networks only.
    gradient
        ``"time"``: surrogate gradients through all timesteps; ``"levels"``: rates instead of
        spikes (`sw_model.rates`), of neurons without leak and with soft reset; ``"rate"``: spikes
        forward, the gradient of rates back, for quantised networks only.
    timesteps
        T to train with; 0 for the configuration's largest.
    coding
        What the encoding layer gets: ``"direct"``, pixels as a constant current; ``"bernoulli"``,
        rate coding (`sw_model.float_denoise.rate_coded`), for spiking networks in floats.
    round_weights
        Hidden weights of a network in floats are rounded to the configuration's width.
    activity
        Weight of the sum of all layers' mean rates in the loss, pixels^2.
    teacher
        Hash of the baseline whose residual is to be learnt instead of the noise; none if empty.
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
    surrogate: str = "triangle"
    surrogate_width: float = 1.0
    reset_gradient: str = "detached"
    ema: float = 0.999
    supervision: float = 0.0
    gradient: str = "time"
    timesteps: int = 0
    coding: str = "direct"
    round_weights: bool = False
    activity: float = 0.0
    teacher: str = ""
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
        for name, choices in CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                option, known = name.replace("_", "-"), ", ".join(choices)
                raise UsageError(f"--{option} {value!r} is unknown; known are {known}")
        if self.gradient == "rate" and self.model != "quantised":
            raise UsageError("--gradient rate is for quantised networks; give --quantise")
        if self.coding != "direct" and (self.model, self.gradient) != ("snn", "time"):
            raise UsageError(
                f"--coding {self.coding} is for spiking networks in floats with --gradient time, "
                f"not for model {self.model!r} with --gradient {self.gradient}"
            )
        neuron = configuration(self.config).layers[0].neuron
        if self.gradient == "levels" and neuron != NeuronSpec(leak=None, reset="soft"):
            raise UsageError(
                f"--gradient levels describes neurons without leak and with soft reset, not those "
                f"of --config {self.config}; its gradient is --gradient time"
            )
        if self.supervision and self.model == "ann":
            raise UsageError("--supervision is for spiking networks; give 0 for model 'ann'")

    @property
    def spike_gradient(self) -> Surrogate:
        """What takes the place of the spikes' derivative."""
        return Surrogate(
            shape=self.surrogate, width=self.surrogate_width, reset=self.reset_gradient
        )

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> TrainingOptions:
        """Inverse of `dataclasses.asdict`."""
        return cls(**{**fields, "widths": WidthOptions(**fields["widths"])})

    def command(self, origin: str | None = None) -> str:
        """The command line of such a run.

        ``origin`` is the model whose weights it began with, "frozen" for those of a deployment or a
        baseline, None where it began with none.
        """
        words = ["python -m sw_model train"]
        given, default = dataclasses.asdict(self), dataclasses.asdict(TrainingOptions())
        quantises = self.model == "quantised" and origin != "quantised"
        if origin:
            words.append(f"--{'quantise' if quantises else 'start'} CHECKPOINT")
        for name, value in given.items():
            option = "--" + name.replace("_", "-")
            if name in ("config", "steps", "seed"):
                words.append(f"{option} {value}")
            elif name == "bf16":
                words += [] if value else ["--fp32"]
            elif name == "teacher":
                words += ["--teacher BASELINE"] if value else []
            elif name == "round_weights":
                words += ["--round-weights"] if value else []
            elif name != "widths" and value != default[name] and value != "quantised":
                words.append(f"{option} {value}")
        return " ".join([*words, *(self.widths.words() if origin and quantises else [])])
