"""A sweep: synthesises the designs that its configurations need, and returns their figures.

Configurations share parts: a channel group does not depend on the number of engines, and the other
parts do not depend on the size of the groups.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth.hdl import UnusedElaboratable

from sw_model.spec import Deployment
from sw_model.spec.hardware.system_cycles import MemoryTiming
from sw_model.spec.spike_counts import SpikeCounts

from .designs import (
    Hardware,
    group_sizes,
    group_text,
    rest_text,
    variant,
    whole_text,
    wrapped_group_text,
)
from .points import Configuration, Point, compose, evaluate
from .run import Task, run_cluster, run_here

Tell = Callable[[str, int, int], None]
"""Called with the running syntheses, the number of completed ones, and the total."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Settings of all configurations.

    Attributes
    ----------
    device
        FPGA that they must fit.
    clock_mhz, place
        Assumed clock frequency, and whether that of placed channel groups is used instead.
    whole
        Whether accelerators are synthesised as a whole instead of in parts.
    objectives
        Objectives of the front.
    memory
        Latencies of external memory.
    jobs
        Parallel syntheses on this machine.
    cache
        Folder of cached results.
    """

    device: str
    clock_mhz: float
    place: bool
    whole: bool
    objectives: tuple[str, ...]
    memory: MemoryTiming
    jobs: int
    cache: Path


_KINDS = ("whole", "rest", "group", "placed group")


@dataclass(frozen=True)
class _Part:
    """A design that configurations need; ``channels`` is that of a channel group, otherwise 0."""

    kind: str
    maps: str
    timesteps: int
    weight_bits: int
    channels: int = 0

    def __str__(self) -> str:
        what = f"{self.kind} of {self.channels} channels" if self.channels else self.kind
        return f"{what}, maps {self.maps}, T {self.timesteps}, {self.weight_bits} bits"


def sweep(
    configurations: Sequence[Configuration],
    deployment: Deployment,
    counts: SpikeCounts,
    wanted: Sweep,
    *,
    client: Any = None,
    tell: Tell,
) -> list[Point]:
    """Return the figures of all configurations.

    Parameters
    ----------
    client
        Client of a Dask cluster, from `sw_model.support.cluster.connect`; None for this machine.
        Closed at the end.

    Raises
    ------
    SynthesisFailure
        A part has latches or loops, or a placed part does not fit.
    """
    variants: dict[tuple[int, int], Deployment] = {}
    parts: dict[_Part, Hardware] = {}
    for hardware in (each.hardware for each in configurations):
        chosen = hardware.timesteps, hardware.weight_bits
        if chosen not in variants:
            variants[chosen] = variant(deployment, *chosen)
        for part in _parts(hardware, deployment, wanted):
            parts.setdefault(part, hardware)

    def tasks() -> Iterator[Task]:
        # One at a time: a text has megabytes, and is made while others are synthesised.
        for part, hardware in parts.items():
            text = _text(part, hardware, variants[part.timesteps, part.weight_bits], counts)
            device = wanted.device if part.kind == "placed group" else None
            yield Task(label=str(part), text=text, device=device)

    def report(label: str, done: int) -> None:
        tell(label, done, len(parts))

    try:
        if client is None:
            results = run_here(tasks(), cache=wanted.cache, jobs=wanted.jobs, tell=report)
        else:
            results = run_cluster(tasks(), cache=wanted.cache, client=client, tell=report)
    except BaseException:
        # Warnings of unused components would hide the failure.
        warnings.filterwarnings("ignore", category=UnusedElaboratable)
        raise

    def point(configuration: Configuration) -> Point:
        hardware = configuration.hardware
        found: dict[str, dict[int, Any]] = {kind: {} for kind in _KINDS}
        for part in _parts(hardware, deployment, wanted):
            found[part.kind][part.channels] = results[str(part)]
        return evaluate(
            configuration,
            deployment=variants[hardware.timesteps, hardware.weight_bits],
            own=deployment,
            counts=counts,
            memory=wanted.memory,
            area=compose(
                found["group"],
                {} if wanted.whole else _sizes(hardware, deployment),
                found["whole" if wanted.whole else "rest"][0],
                configuration.engines,
            ),
            device=wanted.device,
            clock_mhz=min(found["placed group"].values(), default=wanted.clock_mhz),
        )

    return [point(configuration) for configuration in configurations]


def _parts(hardware: Hardware, deployment: Deployment, wanted: Sweep) -> Iterator[_Part]:
    which = hardware.maps, hardware.timesteps, hardware.weight_bits
    yield _Part("whole" if wanted.whole else "rest", *which)
    for size in _sizes(hardware, deployment):
        if not wanted.whole:
            yield _Part("group", *which, size)
        if wanted.place:
            yield _Part("placed group", *which, size)


def _sizes(hardware: Hardware, deployment: Deployment) -> dict[int, int]:
    """Return the number of channel groups of each size."""
    return group_sizes(deployment.spec.channels, hardware.group)


def _text(part: _Part, hardware: Hardware, deployment: Deployment, counts: SpikeCounts) -> str:
    if part.channels == 0:
        make_all = whole_text if part.kind == "whole" else rest_text
        return make_all(deployment, hardware, counts.height, counts.width)
    make = wrapped_group_text if part.kind == "placed group" else group_text
    return make(deployment, hardware, part.channels, counts.width)
