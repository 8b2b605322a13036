"""Networks with equal hidden layers, and the named configurations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..support.errors import UsageError
from .network import FEW_SPIKES, LayerSpec, NetworkSpec
from .neuron import NeuronSpec


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
    inputs: int = 1,
    **others: Any,
) -> NetworkSpec:
    """Return a network whose hidden layers are equal.

    Parameters
    ----------
    depth
        Number of layers, encoding and output layer included.
    encoding_weight_bits, output_weight_bits
        Widths of the outer layers' weights; ``weight_bits`` by default.
    neuron
        Neuron of every spiking layer; by default the paper's, or `FEW_SPIKES` for the binary code.
    inputs
        Input channels: the planes of all colours.
    others
        Other parameters of `NetworkSpec`.
    """
    neuron = neuron or (FEW_SPIKES if others.get("code") == "binary" else NeuronSpec())
    encoding = LayerSpec(
        kind="encoding",
        in_channels=inputs,
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
        out_channels=inputs,
        weight_bits=output_weight_bits or weight_bits,
        neuron=None,
        shift=output_shift,
    )
    layers = (encoding, *[hidden] * (depth - 2), output)
    return NetworkSpec(name=name, timesteps=tuple(timesteps), layers=layers, **others)


CONFIGURATIONS: dict[str, NetworkSpec] = {
    spec.name: spec
    for spec in (
        # Small enough for exhaustive proofs, with every feature of the big ones.
        uniform_network("tiny", depth=4, channels=4, timesteps=(2, 3), weight_bits=4),
        uniform_network("compact", depth=17, channels=32, timesteps=(4,)),
        # Four-bit hidden weights fit the block RAM of the target FPGA (LFE5U-85F).
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
