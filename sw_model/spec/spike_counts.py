"""Spike counts of every layer on a picture, from which cycles and energy are predicted.

The file that `python -m sw_model spikes` writes holds these counts, but no picture and no event
words. A network's first timesteps do not depend on how many follow, so the counts of T timesteps
contain those of any smaller T.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..support.files import write_atomically
from ..support.reading import parse_json, reading

if TYPE_CHECKING:
    from .deployment import Deployment

FORMAT = 1
"""Number of the file's layout."""
ACCEPTED = "give a file that `python -m sw_model spikes` wrote"

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class LayerCounts:
    """Output of one spiking layer.

    Attributes
    ----------
    events
        (4, T, W): spikes of each timestep and column, over all channels and the rows of each part
        of `row_bounds`.
    empty
        (4, T, W): event words without a spike.
    """

    events: Counts
    empty: Counts


def row_bounds(height: int) -> list[int]:
    """Bounds of the four parts of a frame's rows that are counted separately.

    Of two engines that halve the rows, one reads the first three parts and the other the last
    three: each its own half, and a halo of one row of the other half.
    """
    half = -(-height // 2)
    return [0, half - 1, half, min(half + 1, height), height]


@dataclass(frozen=True, kw_only=True)
class SpikeCounts:
    """Counts of a frame.

    Attributes
    ----------
    deployment, network
        Hash of the deployment, and its network's name.
    picture
        What the frame is, in words.
    channels, height, width, timesteps
        C, H, W and T.
    layers
        One per spiking layer.
    """

    deployment: str
    network: str
    picture: str
    channels: int
    height: int
    width: int
    timesteps: int
    layers: tuple[LayerCounts, ...]

    def theta(self, timesteps: int) -> float:
        """Spikes per neuron in the first timesteps, over all layers."""
        spikes = sum(int(layer.events[:, :timesteps].sum()) for layer in self.layers)
        return spikes / (len(self.layers) * self.channels * self.height * self.width)

    def save(self, path: Path) -> None:
        """Write the file, JSON."""
        values = {"format": FORMAT} | {name: getattr(self, name) for name in _HEAD}
        layers = [
            {name: getattr(layer, name).tolist() for name in _TABLES} for layer in self.layers
        ]
        write_atomically(path, (json.dumps(values | {"layers": layers}) + "\n").encode())


_HEAD = {
    "deployment": str,
    "network": str,
    "picture": str,
    "channels": int,
    "height": int,
    "width": int,
    "timesteps": int,
}
_SIDE_MAX = 1 << 20
"""Bound of all numbers; products of two of them are exact."""
_TABLES = ("events", "empty")


def count_spikes(
    maps: Sequence[npt.NDArray[np.uint64]], deployment: Deployment, picture: str
) -> SpikeCounts:
    """Counts of a frame's activation maps.

    Parameters
    ----------
    maps
        Event words of every spiking layer, (H, W, T, ceil(C / 64)) each.
    picture
        What the frame is, in words.
    """
    height, width, timesteps, _ = maps[0].shape
    parts = [slice(low, high) for low, high in pairwise(row_bounds(height))]

    def table(values: npt.NDArray[Any]) -> Counts:
        return np.stack([values[rows].sum(axis=0, dtype=np.int64).T for rows in parts])

    layers = []
    for words in maps:
        spikes = np.bitwise_count(words).sum(axis=-1, dtype=np.int64)  # (H, W, T)
        layers.append(LayerCounts(events=table(spikes), empty=table(spikes == 0)))
    return SpikeCounts(
        deployment=deployment.hash,
        network=deployment.spec.name,
        picture=picture,
        channels=deployment.spec.channels,
        height=height,
        width=width,
        timesteps=timesteps,
        layers=tuple(layers),
    )


def load_spike_counts(path: Path) -> SpikeCounts:
    """Read and check a file of counts.

    Raises
    ------
    UsageError
        The file cannot be read, or its content cannot be counts of a frame.
    """
    with reading(path, "spike counts", ACCEPTED) as file:
        content = parse_json(file.read())
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise ValueError(f"it is not of layout {FORMAT}")
        return _checked(content)


def _checked(content: Mapping[str, Any]) -> SpikeCounts:
    """Return the counts of a frame; exceptions say what is wrong."""
    values = {name: content[name] for name in _HEAD}
    for name, kind in _HEAD.items():
        if type(values[name]) is not kind or (kind is int and not 1 <= values[name] <= _SIDE_MAX):
            wanted = "a text" if kind is str else f"an integer of 1..{_SIDE_MAX}"
            raise ValueError(f"{name} is {values[name]!r}, not {wanted}")
    channels, height = values["channels"], values["height"]
    rows = np.diff(row_bounds(height))[:, np.newaxis, np.newaxis]
    shape = len(rows), values["timesteps"], values["width"]
    layers = []
    for index, layer in enumerate(content["layers"]):
        tables = {}
        for name in _TABLES:
            try:
                tables[name] = table = np.array(layer[name])
            except ValueError:  # rows of different lengths
                table = np.empty(0)
            if table.shape != shape or table.dtype.kind != "i":
                raise ValueError(
                    f"{name} of layer {index} are not integers, {shape[0]} tables of "
                    f"{shape[1]} rows of {shape[2]}"
                )
        filled = rows - tables["empty"]
        if not (
            ((filled >= 0) & (filled <= rows)).all()
            and ((filled <= tables["events"]) & (tables["events"] <= channels * filled)).all()
        ):
            raise ValueError(
                f"events and empty words of layer {index} do not fit "
                f"{height} rows of {channels} channels"
            )
        layers.append(LayerCounts(**tables))
    if len(layers) < 2:
        raise ValueError(f"{len(layers)} layers are fewer than a network has")
    return SpikeCounts(**values, layers=tuple(layers))
