"""Layers, the network they form, and the configurations that have a name."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..support.errors import UsageError
from .fixed_point import WEIGHT_BITS_MAX, WEIGHT_BITS_MIN
from .neuron import NeuronSpec

KERNEL = 3
"""Side of every convolution's kernel; the zero padding around a layer is one pixel."""
TAPS = KERNEL * KERNEL
NAME_MAX = 100
CHANNELS_MAX = 256
TIMESTEPS_MAX = 32
LAYERS_MIN, LAYERS_MAX = 3, 64
SHIFT_MAX = 31


def _check(value: object, low: int, high: int, what: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise UsageError(f"{what}: {value!r} is not an integer {low}..{high}")


@dataclass(frozen=True, kw_only=True)
class LayerSpec:
    """One convolution with what follows it.

    Parameters
    ----------
    kind
        ``"encoding"``: over pixels, its result the constant current of all timesteps;
        ``"hidden"``: over spikes; ``"output"``: over spikes, summed over time, no neuron.
    in_channels, out_channels
        1 and C, C and C, C and 1.
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

    Raises
    ------
    UsageError
        The layers do not form such a network, or a number is out of range.
    """

    name: str
    timesteps: tuple[int, ...]
    layers: tuple[LayerSpec, ...]

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
            shape = (1 if index == 0 else self.channels, 1 if index == last else self.channels)
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

    @property
    def channels(self) -> int:
        """C, the channels between layers."""
        return self.layers[0].out_channels

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
        return dataclasses.asdict(self) | {"timesteps": list(self.timesteps)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> NetworkSpec:
        """Inverse of `to_dict`; raises `UsageError` on what does not describe a network."""
        try:
            layers = tuple(
                LayerSpec(**{**layer, "neuron": None if neuron is None else NeuronSpec(**neuron)})
                for layer in data["layers"]
                for neuron in (layer["neuron"],)
            )
            return cls(name=str(data["name"]), timesteps=tuple(data["timesteps"]), layers=layers)
        except (KeyError, TypeError, AttributeError) as error:
            raise UsageError(
                f"the network description is incomplete or malformed: {error}"
            ) from None


def uniform_network(
    name: str,
    *,
    depth: int,
    channels: int,
    timesteps: Sequence[int],
    weight_bits: int = 8,
    encoding_weight_bits: int | None = None,
    output_weight_bits: int | None = None,
    neuron: NeuronSpec | None = None,
    encoding_shift: int = 0,
    output_shift: int = 16,
) -> NetworkSpec:
    """A network whose hidden layers are alike.

    Parameters
    ----------
    depth
        Number of layers, encoding and output layer included.
    encoding_weight_bits, output_weight_bits
        As ``weight_bits``, which they default to.
    neuron
        Neuron of every spiking layer; the paper's by default.
    """
    neuron = neuron or NeuronSpec()
    encoding = LayerSpec(
        kind="encoding",
        in_channels=1,
        out_channels=channels,
        weight_bits=encoding_weight_bits or weight_bits,
        neuron=neuron,
        shift=encoding_shift,
    )
    hidden = LayerSpec(
        kind="hidden",
        in_channels=channels,
        out_channels=channels,
        weight_bits=weight_bits,
        neuron=neuron,
    )
    output = LayerSpec(
        kind="output",
        in_channels=channels,
        out_channels=1,
        weight_bits=output_weight_bits or weight_bits,
        neuron=None,
        shift=output_shift,
    )
    layers = (encoding, *[hidden] * (depth - 2), output)
    return NetworkSpec(name=name, timesteps=tuple(timesteps), layers=layers)


CONFIGURATIONS: dict[str, NetworkSpec] = {
    spec.name: spec
    for spec in (
        # Small enough for exhaustive proofs, with everything in it that the big ones have.
        uniform_network("tiny", depth=4, channels=4, timesteps=(2, 3), weight_bits=4),
        uniform_network("compact", depth=17, channels=32, timesteps=(4,)),
        # Four-bit hidden weights are what fits the block RAM of the target FPGA (LFE5U-85F).
        uniform_network(
            "full",
            depth=17,
            channels=64,
            timesteps=(4, 7),
            weight_bits=4,
            encoding_weight_bits=8,
            output_weight_bits=8,
        ),
        # The paper's network: leaky neurons, hard reset, seven timesteps.
        uniform_network("paper", depth=17, channels=64, timesteps=(4, 7)),
        # Neurons of the best network in a quarter of its weights, for trials.
        uniform_network(
            "compact-if",
            depth=17,
            channels=32,
            timesteps=(8,),
            weight_bits=4,
            encoding_weight_bits=8,
            output_weight_bits=8,
            neuron=NeuronSpec(leak=None, reset="soft"),
        ),
        # The best that the datapath offers: no leak, soft reset, weights for the target FPGA.
        uniform_network(
            "best",
            depth=17,
            channels=64,
            timesteps=(8,),
            weight_bits=4,
            encoding_weight_bits=8,
            output_weight_bits=8,
            neuron=NeuronSpec(leak=None, reset="soft"),
        ),
        uniform_network(
            "tiny-if",
            depth=4,
            channels=4,
            timesteps=(2, 3),
            weight_bits=4,
            neuron=NeuronSpec(leak=None, reset="soft"),
        ),
    )
}
"""Named configurations."""


def configuration(name: str) -> NetworkSpec:
    """The named configuration; raises `UsageError` naming the known ones."""
    try:
        return CONFIGURATIONS[name]
    except KeyError:
        known = ", ".join(CONFIGURATIONS)
        raise UsageError(f"configuration {name!r} is unknown; known are {known}") from None
