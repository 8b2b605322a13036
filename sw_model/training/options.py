"""The options of a training run: all that determines its result except images and weights."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from sw_model.network.neurons import RESETS, SHAPES, Surrogate
from sw_model.spec import NeuronSpec, UsageError, configuration
from sw_model.spec.network import TIMESTEPS_MAX
from sw_model.support.errors import Field, OptionsError

from .data import PATCH
from .widths import WidthOptions

MODELS = ("snn", "ann", "quantised")
GRADIENTS = ("time", "rate", "levels")
CODINGS = ("direct", "bernoulli")
SCHEDULES = ("cosine", "constant")
CALIBRATIONS = ("layers", "scales", "none")
CHOICES = {
    "gradient": GRADIENTS,
    "coding": CODINGS,
    "schedule": SCHEDULES,
    "calibration": CALIBRATIONS,
    "surrogate": SHAPES,
    "reset_gradient": RESETS,
}
"""Values of the options that are words."""
LIMITS = {
    "steps": (1, 10**9),
    "batch": (1, 1024),
    "patch": (8, 1024),
    "lr": (1e-9, 1),
    "muon": (0, 1),
    "weight_decay": (0, 1),
    "warmup": (0, 10**9),
    "sigma": (0.01, 255),
    "seed": (0, 2**32 - 1),
    "surrogate_width": (0.001, 1000),
    "ema": (0, 1),
    "supervision": (0, 1000),
    "partial_sums": (0, 1000),
    "features": (0, 10**6),
    "activity": (0, 1000),
    "timesteps": (0, TIMESTEPS_MAX),
    "teacher_channels": (0, 4096),
}
"""Smallest and largest value of the numeric options; values outside are likely typing errors."""


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """All that determines the result of a run, except the images and the initial network.

    Attributes
    ----------
    config
        Name of the network's configuration.
    model
        ``"snn"``, ``"ann"`` (ReLU twin), or ``"quantised"``: a folded spiking network whose
        weights, biases and thresholds are rounded as in the frozen one.
    steps
        Length of the schedule.
    batch, patch
        Patches in a step, and the side of a patch in pixels.
    lr, weight_decay
        AdamW; the learning rate rises over ``warmup`` steps and then follows the schedule.
    schedule
        ``"cosine"``: the learning rates fall to zero in half a cosine; ``"constant"``: they stay.
    muon
        Peak learning rate of Muon for the hidden layers' weights, see
        `sw_model.training.optimizer`; 0: AdamW.
    sigma
        Standard deviation of the noise, 0..255 scale.
    seed
        Seed of initial weights, patches and noise.
    surrogate, surrogate_width, reset_gradient
        Shape, width and reset of `sw_model.network.neurons.Surrogate`, for ``gradient="time"``.
    ema
        Decay in a step of the averaged weights, which are evaluated and frozen.
    supervision
        Initial weight of the losses at intermediate layers, see `sw_model.training.objective`; 0:
        none. Spiking networks only.
    partial_sums
        Weight of the mean loss of the residuals after 1, 2, … T - 1 timesteps. Gradient through
        time only.
    features
        Initial weight of the loss of the teacher's features, see `sw_model.training.objective`,
        pixels^2.
    gradient
        ``"time"``: surrogate gradients through all timesteps; ``"levels"``: rates instead of
        spikes (`sw_model.network.rates`), only for neurons without leak and with soft reset;
        ``"rate"``: spikes forward, the gradient of rates back, only for quantised networks.
    timesteps
        T to train with; 0 for the configuration's largest.
    coding
        Input of the encoding layer: ``"direct"``, pixels as a constant current; ``"bernoulli"``,
        rate coding (`sw_model.network.inference.rate_coded`), for spiking networks in floats.
    round_weights
        Whether hidden weights of a network in floats are rounded to the configuration's width.
    activity
        Weight of the sum of all layers' mean rates in the loss, pixels^2.
    teacher
        Hash of the baseline whose residual is learnt instead of the noise; empty without one.
    teacher_channels
        The teacher's channels if its features are learnt as well, otherwise 0.
    calibration
        Calibration of a converted float DnCNN, see `sw_model.training.convert`.
    bf16
        Whether hidden layers are convolved in bfloat16.
    widths
        Widths of a quantised network.
    """

    config: str = "compact"
    model: str = "snn"
    steps: int = 10_000
    batch: int = 8
    patch: int = PATCH
    lr: float = 1e-3
    weight_decay: float = 1e-4
    muon: float = 0.0
    warmup: int = 100
    schedule: str = "cosine"
    sigma: float = 25.0
    seed: int = 0
    surrogate: str = "triangle"
    surrogate_width: float = 1.0
    reset_gradient: str = "detached"
    ema: float = 0.999
    supervision: float = 0.0
    partial_sums: float = 0.0
    features: float = 0.0
    gradient: str = "time"
    timesteps: int = 0
    coding: str = "direct"
    round_weights: bool = False
    activity: float = 0.0
    teacher: str = ""
    teacher_channels: int = 0
    calibration: str = "layers"
    bf16: bool = True
    widths: WidthOptions = field(default_factory=WidthOptions)

    def __post_init__(self) -> None:
        self._check_types()
        if self.model not in MODELS:
            raise UsageError(f"model {self.model!r} is unknown; known are {', '.join(MODELS)}")
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if not low <= value <= high:  # false for NaN
                raise OptionsError(Field(name, value), f" is not in {low}..{high}")
        if not self.ema < 1:
            raise OptionsError(Field("ema", self.ema), " is not below 1")
        for name, choices in CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                known = ", ".join(choices)
                raise OptionsError(Field(name), f" {value!r} is unknown; known are {known}")
        self._check_gradient()
        if self.supervision and self.model == "ann":
            raise OptionsError(
                Field("supervision"), " is for spiking networks; give 0 for model 'ann'"
            )
        if self.features and not (self.teacher and self.teacher_channels):
            raise OptionsError(
                Field("features", self.features), " needs a teacher; give ", Field("teacher")
            )

    def _check_gradient(self) -> None:
        """Raises `OptionsError` if the gradient does not fit the network or another option."""
        gradient = Field("gradient", self.gradient)
        if self.gradient == "rate" and self.model != "quantised":
            raise OptionsError(
                gradient, " is for quantised networks; give ", Field("model", "quantised")
            )
        if self.coding != "direct" and (self.model, self.gradient) != ("snn", "time"):
            raise OptionsError(
                Field("coding", self.coding),
                " is for spiking networks in floats with ",
                Field("gradient", "time"),
                f", not for model {self.model!r} with ",
                gradient,
            )
        neuron = configuration(self.config).layers[0].neuron
        if self.gradient == "levels" and neuron != NeuronSpec(leak=None, reset="soft"):
            raise OptionsError(
                gradient,
                " is for neurons without leak and with soft reset, not those of ",
                Field("config", self.config),
                "; give ",
                Field("gradient", "time"),
            )
        if self.partial_sums and (self.model == "ann" or self.gradient != "time"):
            raise OptionsError(
                Field("partial_sums"),
                " is for the gradient of spikes through time; here it is ",
                gradient,
                f", model {self.model!r}",
            )
        timesteps = self.timesteps or configuration(self.config).timesteps_max
        if self.partial_sums and timesteps == 1:
            raise OptionsError(
                Field("partial_sums"), " needs ", Field("timesteps", 2), " or more; here T = 1"
            )

    def _check_types(self) -> None:
        """Raises `UsageError` if an option, read from a file, has not the type of its default."""
        widths = ((name, value, int) for name, value in self.widths.given.items())
        others = (
            (f.name, getattr(self, f.name), type(f.default))
            for f in dataclasses.fields(self)
            if f.name != "widths"
        )
        for name, value, kind in (*others, *widths):
            if type(value) is not kind and not (kind is float and type(value) is int):
                raise UsageError(f"option {name} is {value!r}, not of type {kind.__name__}")

    @property
    def spike_gradient(self) -> Surrogate:
        """The surrogate gradient of the spikes."""
        return Surrogate(
            shape=self.surrogate, width=self.surrogate_width, reset=self.reset_gradient
        )

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> TrainingOptions:
        """Inverse of `dataclasses.asdict`."""
        return cls(**{**fields, "widths": WidthOptions(**fields["widths"])})
