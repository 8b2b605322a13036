"""The hidden layers' weights of each channel group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from sw_model.spec import TAPS, Deployment, weight_row
from sw_model.spec.hardware.cycles import GROUP_CHANNELS
from sw_model.spec.packing import channel_groups

from .layouts import WeightSignature
from .loading import CHUNK_BITS, LoadPlace


@dataclass(frozen=True, kw_only=True)
class GroupWeights:
    """The weights of a group of output channels.

    Attributes
    ----------
    channels
        The output channels.
    weight_bits
        Width of the widest layer's weights.
    row_count, row_bits
        Rows, one for each input channel of each layer, and their width.
    place
        Place of its chunks when they are loaded.
    binary
        The few-spike code.
    """

    channels: tuple[int, ...]
    weight_bits: int
    row_count: int
    place: LoadPlace
    binary: bool

    @property
    def row_bits(self) -> int:
        """Width of a row."""
        return TAPS * len(self.channels) * self.weight_bits

    @property
    def signature(self) -> WeightSignature:
        """Interface on which a group requests its rows."""
        return WeightSignature(self.row_count, self.row_bits, binary=self.binary)

    def rows(self, deployment: Deployment) -> list[list[int]]:
        """Return the rows, in the lane order of `weight_row`, of these output channels alone."""
        channels = deployment.spec.channels
        lanes = [tap * channels + channel for tap in range(TAPS) for channel in self.channels]
        return [
            [row[lane] for lane in lanes]
            for layer in deployment.weights[1:-1]
            for row in (weight_row(layer, channel) for channel in range(channels))
        ]


def group_weights(
    deployment: Deployment, channels: Sequence[Sequence[int]] | None = None
) -> list[GroupWeights]:
    """Return the weights of all groups, or of groups of the given ``channels``."""
    spec = deployment.spec
    bits = max(layer.weight_bits for layer in spec.layers[1:-1])
    found: list[GroupWeights] = []
    chunk = 0
    for group in channels or channel_groups(spec.channels, GROUP_CHANNELS):
        weights = GroupWeights(
            channels=tuple(group),
            weight_bits=bits,
            row_count=(len(spec.layers) - 2) * spec.channels,
            place=LoadPlace("hidden", chunk=chunk),
            binary=spec.code == "binary",
        )
        found.append(weights)
        chunk += -(-weights.row_bits // CHUNK_BITS)
    return found


def fetch_members(deployment: Deployment) -> dict[str, wiring.Member]:
    """Return the members on which an engine requests each group's rows from shared memories."""
    return {
        f"fetch_{index}": Out(weights.signature)
        for index, weights in enumerate(group_weights(deployment))
    }


def connect_fetch(m: Module, outer: wiring.Component, inner: wiring.Component) -> None:
    """Connect the weight requests of an inner component, if it has any, to the outer one's."""
    for name in outer.signature.members:
        if name.startswith("fetch_"):
            wiring.connect(m, getattr(inner, name), wiring.flipped(getattr(outer, name)))
