"""Layers, and the network that they form."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..support.errors import UsageError
from .fixed_point import WEIGHT_BITS_MAX, WEIGHT_BITS_MIN, unsigned_width
from .neuron import NeuronSpec

KERNEL = 3
"""Side of every convolution's kernel; the zero padding around a layer is one pixel."""
TAPS = KERNEL * KERNEL
NAME_MAX = 100
CHANNELS_MAX = 256
TIMESTEPS_MAX = 32
LAYERS_MIN, LAYERS_MAX = 3, 64
SHIFT_MAX = 31
CODES = ("rate", "binary")
BINARY_TIMESTEPS_MAX = 8
PLANES = (1, 2)
COLOURS = (1, 3)
NOISE_LEVEL_MAX = 255
"""Grey levels."""
NOISE_UNITS = 16
"""Steps of the noise level per grey level."""
LEVEL_BITS = unsigned_width(NOISE_LEVEL_MAX * NOISE_UNITS)
"""Width of an unsigned noise level in such steps."""


FEW_SPIKES = NeuronSpec(leak=None, reset="soft")
"""The neuron of the binary code."""


def _check(value: object, low: int, high: int, what: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise UsageError(f"{what}: {value!r} is not an integer {low}..{high}")


@dataclass(frozen=True, kw_only=True)
class LayerSpec:
    """One convolution and the stage that follows it.

    Parameters
    ----------
    kind
        ``"encoding"``: over pixels; its result is the constant current of all timesteps;
        ``"hidden"``: over spikes; ``"output"``: over spikes, summed over time, no neuron.
    in_channels, out_channels
        (P, C), (C, C) or (C, P), by kind; P counts the planes of all colours, 1 for plain grey.
    weight_bits
        Width of the signed weights, 2 to 8; the range is symmetric.
    neuron
        The spiking neuron, None for the output layer.
    shift
        Encoding layer: rounding right shift of the convolution's sum, 0 or more.
        Output layer: right shift after the multiplication, 1 or more. Hidden layers: 0.
    """

    kind: Literal["encoding", "hidden", "output"]
    in_channels: int
    out_channels: int
    weight_bits: int
    neuron: NeuronSpec | None
    shift: int = 0

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """(out_channels, in_channels, ky, kx), as in PyTorch."""
        return self.out_channels, self.in_channels, KERNEL, KERNEL


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """A spiking DnCNN: one encoding layer, hidden layers, one output layer.

    Parameters
    ----------
    name
        Name of the configuration, for reports.
    timesteps
        The numbers of timesteps T that are allowed, ascending.
    layers
        All layers in order.
    code
        ``"rate"``: every spike counts the same (`sw_model.spec.neuron.EQUATION`); ``"binary"``:
        the few-spike code (`sw_model.spec.neuron.BINARY_EQUATION`), with one T, and neurons without
        leak and with soft reset.
    planes
        r: a picture goes in as r^2 planes of each colour. Plane 2 * dy + dx of two holds the pixels
        (2 * Y + dy, 2 * X + dx); an odd last row or column is doubled first, and its copy dropped
        at the end. The planes of a colour are adjacent; the order is red, green, blue.
    noise_levels
        Lowest and highest noise level that the network takes, in grey levels; None for a network
        of a single level.
    noise_shift
        Rounding right shift of the product with the level, 1 or more; 0 without noise levels.

    Raises
    ------
    UsageError
        The layers do not form such a network, or a number is out of range.
    """

    name: str
    timesteps: tuple[int, ...]
    layers: tuple[LayerSpec, ...]
    code: Literal["rate", "binary"] = "rate"
    planes: int = 1
    noise_levels: tuple[int, int] | None = None
    noise_shift: int = 0

    def __post_init__(self) -> None:
        if not self.name.isprintable() or len(self.name) > NAME_MAX:
            raise UsageError(
                f"network name {self.name!r} is not one of up to {NAME_MAX} printable characters"
            )
        if not self.timesteps or list(self.timesteps) != sorted(set(self.timesteps)):
            raise UsageError(f"timesteps {self.timesteps} of {self.name!r} are not ascending")
        for t in self.timesteps:
            _check(t, 1, TIMESTEPS_MAX, f"timesteps of {self.name!r}")
        _check(len(self.layers), LAYERS_MIN, LAYERS_MAX, f"number of layers of {self.name!r}")
        _check(self.channels, 1, CHANNELS_MAX, f"channels of {self.name!r}")
        last = len(self.layers) - 1
        for index, layer in enumerate(self.layers):
            where = f"of layer {index} of {self.name!r}"
            kind = "encoding" if index == 0 else "output" if index == last else "hidden"
            shape = (
                self.inputs if index == 0 else self.channels,
                self.inputs if index == last else self.channels,
            )
            if layer.kind != kind:
                raise UsageError(f"kind {layer.kind!r} {where} is not {kind!r}")
            if (layer.in_channels, layer.out_channels) != shape:
                raise UsageError(
                    f"channels {layer.in_channels} to {layer.out_channels} {where} "
                    f"are not {shape[0]} to {shape[1]}"
                )
            _check(layer.weight_bits, WEIGHT_BITS_MIN, WEIGHT_BITS_MAX, f"weight_bits {where}")
            low, high = {"encoding": (0, SHIFT_MAX), "hidden": (0, 0), "output": (1, SHIFT_MAX)}[
                kind
            ]
            _check(layer.shift, low, high, f"shift {where}")
            if (layer.neuron is None) != (kind == "output"):
                raise UsageError(
                    f"neuron {where} must be {'absent' if kind == 'output' else 'given'}"
                )

        self._check_code()
        self._check_inputs()

    def _check_code(self) -> None:
        if self.code not in CODES:
            raise UsageError(f"code {self.code!r} of {self.name!r} is not one of {CODES}")
        if self.code == "rate":
            return
        if len(self.timesteps) != 1 or self.timesteps_max > BINARY_TIMESTEPS_MAX:
            raise UsageError(
                f"timesteps {self.timesteps} of {self.name!r} are not one of 1..."
                f"{BINARY_TIMESTEPS_MAX}, as the binary code needs"
            )
        if any(layer.neuron != FEW_SPIKES for layer in self.spiking_layers):
            raise UsageError(
                f"neurons of {self.name!r} have a leak, a hard reset or fractional bits, which the "
                "binary code does not allow"
            )

    def _check_inputs(self) -> None:
        if self.planes not in PLANES:
            raise UsageError(f"planes {self.planes!r} of {self.name!r} are not one of {PLANES}")
        if self.inputs not in [colours * self.planes**2 for colours in COLOURS]:
            raise UsageError(
                f"{self.inputs} input channels of {self.name!r} are not the {self.planes**2} "
                "planes of 1 or 3 colours"
            )
        if self.noise_levels is None:
            _check(self.noise_shift, 0, 0, f"noise_shift of {self.name!r}, which has no levels,")
            return
        _check(self.noise_shift, 1, SHIFT_MAX, f"noise_shift of {self.name!r}")
        if len(self.noise_levels) != 2:
            raise UsageError(f"noise_levels {self.noise_levels} of {self.name!r} are not two")
        low, high = self.noise_levels
        _check(high, 1, NOISE_LEVEL_MAX, f"highest noise level of {self.name!r}")
        _check(low, 0, high - 1, f"lowest noise level of {self.name!r}")

    @property
    def channels(self) -> int:
        """C, the channels between layers."""
        return self.layers[0].out_channels

    @property
    def inputs(self) -> int:
        """P, the planes of all colours together."""
        return self.layers[0].in_channels

    @property
    def colours(self) -> int:
        """Colours of a picture: 1 or 3."""
        return self.inputs // self.planes**2

    @property
    def plain(self) -> bool:
        """Whether the network has the rate code, one input plane and one noise level."""
        return self.code == "rate" and self.inputs == 1 and self.noise_levels is None

    def check_plain(self, what: str) -> None:
        """Raise `UsageError` unless the network is `plain`; ``what`` supports no others."""
        if not self.plain:
            levels = "one noise level" if self.noise_levels is None else "noise levels"
            raise UsageError(
                f"network {self.name!r} has code {self.code}, {self.inputs} input planes and "
                f"{levels}; {what} is for code rate, 1 plane and one noise level"
            )

    def level_units(self, level: float | None) -> int | None:
        """A noise level in grey levels, rounded to units of 1 / `NOISE_UNITS`.

        Raises
        ------
        UsageError
            The network does not take this level, or takes none; None is for a network of none.
        """
        if self.noise_levels is None:
            if level is not None:
                raise UsageError(f"level {level} is given to a network that takes no noise level")
            return None
        low, high = self.noise_levels
        if level is None or not low <= level <= high:  # NaN is not
            raise UsageError(
                f"noise level {level} is not one of {low} to {high} grey levels, which the "
                "network takes"
            )
        return round(level * NOISE_UNITS)

    @property
    def timesteps_max(self) -> int:
        """The largest allowed T."""
        return self.timesteps[-1]

    @property
    def spiking_layers(self) -> tuple[LayerSpec, ...]:
        """All layers but the output layer."""
        return self.layers[:-1]

    def to_dict(self) -> dict[str, Any]:
        """The network as plain JSON values."""
        fields = dataclasses.asdict(self) | {"timesteps": list(self.timesteps)}
        # Fields that were added later are left out at their defaults: they would change hashes.
        return {
            name: value for name, value in fields.items() if value != _ADDED_LATER.get(name, ...)
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> NetworkSpec:
        """Inverse of `to_dict`; raises `UsageError` on what does not describe a network."""
        try:
            layers = tuple(
                LayerSpec(**{**layer, "neuron": None if neuron is None else NeuronSpec(**neuron)})
                for layer in data["layers"]
                for neuron in (layer["neuron"],)
            )
            later = {name: data[name] for name in _ADDED_LATER if name in data}
            if later.get("noise_levels") is not None:
                later["noise_levels"] = tuple(later["noise_levels"])
            return cls(
                name=str(data["name"]), timesteps=tuple(data["timesteps"]), layers=layers, **later
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise UsageError(
                f"the network description is incomplete or malformed: {error}"
            ) from None


_ADDED_LATER = {
    name: NetworkSpec.__dataclass_fields__[name].default
    for name in ("code", "planes", "noise_levels", "noise_shift")
}
