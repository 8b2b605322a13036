"""Area, speed and energy of configurations, and their Pareto front."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rtl.flow.area import Area
from sw_model.spec import TAPS, Deployment
from sw_model.spec.cost.energy import dram_pj
from sw_model.spec.cost.model import InputSpikes, spiking_cost
from sw_model.spec.hardware.buffers import FrameBuffers
from sw_model.spec.hardware.counted_cycles import chip_cycles, memory_cycles, strip_events
from sw_model.spec.hardware.strips import Strip, strip_columns, strips
from sw_model.spec.hardware.system_cycles import MemoryTiming
from sw_model.spec.spike_counts import SpikeCounts

from .designs import Hardware, hidden_bits

MICROJOULE = 1e6
"""Picojoules."""
RESOURCES = {
    # Of `rtl.flow.nextpnr.DEVICES`, as reported by nextpnr.
    "LFE5U-25F": Area(lut4=24288, flip_flops=24288, block_ram=56, dsp=28),
    "LFE5U-45F": Area(lut4=43848, flip_flops=43848, block_ram=108, dsp=72),
    "LFE5U-85F": Area(lut4=83640, flip_flops=83640, block_ram=208, dsp=156),
}
KINDS = ("lut4", "flip_flops", "block_ram", "dsp")


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """Hardware, and its number of engines working in parallel."""

    hardware: Hardware
    engines: int

    def __str__(self) -> str:
        hardware = self.hardware
        return (
            f"{hardware.maps}, T {hardware.timesteps}, {hardware.weight_bits} bits, "
            f"groups of {hardware.group}, {self.engines} engine(s)"
        )


@dataclass(frozen=True, kw_only=True)
class Point:
    """A configuration with its figures.

    Attributes
    ----------
    variant
        Those of ``timesteps`` and ``weight_bits`` for which the deployment was not trained.
    lanes
        Adders, each of one synaptic operation per cycle.
    area
        Sum of the parts.
    fits
        The area does not exceed the device.
    cycles
        Cycles of a frame.
    busy
        Share of the cycles in which an engine's array takes an event, mean of the engines. Cycles
        of the encoding and output layer count.
    clock_mhz
        Assumed or measured clock frequency.
    fps
        Frames per second.
    energy_uj
        Energy of a frame in microjoules, by the model of `sw_model.spec.cost.model`.
    """

    configuration: Configuration
    variant: tuple[str, ...]
    lanes: int
    area: Area
    fits: bool
    cycles: int
    busy: float
    clock_mhz: float
    fps: float
    energy_uj: float


def compose(
    groups: Mapping[int, Area], counts: Mapping[int, int], rest: Area, engines: int
) -> Area:
    """Return the area of an accelerator: the sum of its parts.

    A second engine takes everything a second time except the block RAM of the hidden weights, of
    which it reads the other port.

    Parameters
    ----------
    groups
        Area of a channel group by its number of channels.
    counts
        Number of groups of each size.
    rest
        Area of all other parts.
    """
    one = rest
    for size, count in counts.items():
        one += groups[size] * count
    return one * engines + Area(block_ram=-one.weight_ram, weight_ram=-one.weight_ram) * (
        engines - 1
    )


def fits(area: Area, device: str) -> bool:
    """Return whether the area fits a device."""
    return all(getattr(area, kind) <= getattr(RESOURCES[device], kind) for kind in KINDS)


def evaluate(
    configuration: Configuration,
    *,
    deployment: Deployment,
    own: Deployment,
    counts: SpikeCounts,
    memory: MemoryTiming,
    area: Area,
    device: str,
    clock_mhz: float,
) -> Point:
    """Return all figures of a configuration.

    Parameters
    ----------
    deployment
        The variant for the configuration's hardware.
    own
        The deployment that the spikes were counted with.
    memory
        Latencies of an external memory.
    area
        From `compose`.
    """
    hardware, engines = configuration.hardware, configuration.engines
    timesteps, group = hardware.timesteps, hardware.group
    if hardware.maps == "chip":
        # Each engine has its own maps and works on its own frame.
        cycles = sum(chip_cycles(counts, timesteps, group))
        frames = engines
        parts = [Strip(0, counts.width, first=True, last=True)]
    else:
        columns = strip_columns(timesteps)
        layers = memory_cycles(
            counts,
            timesteps,
            columns=columns,
            memory=memory,
            group=group,
            engines=engines,
        )
        cycles, frames = sum(layers), 1
        parts = strips(counts.width, columns)
    events = sum(sum(strip_events(counts, timesteps, strip)) for strip in parts)
    return Point(
        configuration=configuration,
        variant=(
            *(("timesteps",) if timesteps not in own.spec.timesteps else ()),
            *(("weight_bits",) if hardware.weight_bits != hidden_bits(own) else ()),
        ),
        lanes=TAPS * counts.channels * engines,
        area=area,
        fits=fits(area, device),
        cycles=cycles,
        busy=events * frames / (cycles * engines),
        clock_mhz=clock_mhz,
        fps=clock_mhz * 1e6 * frames / cycles,
        energy_uj=frame_energy(deployment, counts, hardware, parts) / MICROJOULE,
    )


def frame_energy(
    deployment: Deployment, counts: SpikeCounts, hardware: Hardware, parts: Sequence[Strip]
) -> float:
    """Return the energy of a frame in pJ: computing its strips, and accesses to external memory.

    Parameters
    ----------
    deployment
        The variant for the hardware.
    parts
        Strips of the frame; a single one for maps on chip.
    """
    timesteps, external = hardware.timesteps, hardware.maps == "memory"
    total = 0.0
    for strip in parts:
        spikes = [
            # `useful_taps` does not affect energy.
            InputSpikes(events=events, useful_taps=0)
            for events in strip_events(counts, timesteps, strip)
        ]
        shape = counts.height, strip.columns
        layers = spiking_cost(deployment, timesteps, shape, spikes)
        total += sum(layer.energy() for layer in layers)
        if external:
            total -= sum(layer.maps for layer in layers)
            total += dram_pj(_moved_words(counts, timesteps, strip))
    return total


def _moved_words(counts: SpikeCounts, timesteps: int, strip: Strip) -> int:
    """Return the words that a strip reads from and writes to memory in all layers."""
    buffers = FrameBuffers(counts.height, counts.width, timesteps, counts.channels)
    maps = buffers.pixel_words * (strip.columns + strip.outputs) * len(counts.layers)
    # The first layer reads the image, and the last one reads it again.
    images = 2 * buffers.noisy_words(strip) + buffers.denoised_words(strip)
    return counts.height * (maps + images)


OBJECTIVES: dict[str, Callable[[Point], float]] = {
    # All are minimised.
    "fps": lambda point: -point.fps,
    "lut4": lambda point: point.area.lut4,
    "flip_flops": lambda point: point.area.flip_flops,
    "block_ram": lambda point: point.area.block_ram,
    "dsp": lambda point: point.area.dsp,
    "energy": lambda point: point.energy_uj,
}


def pareto_front(points: Sequence[Point], objectives: Sequence[str]) -> list[bool]:
    """Return whether each point is on the Pareto front: it fits, and no point that fits beats it.

    A point beats another one if it is at least as good in every objective and better in one. It
    must also have at least the same T and width of weights, because the loss of quality by smaller
    ones is not known here.
    """
    values = [
        (
            -point.configuration.hardware.timesteps,
            -point.configuration.hardware.weight_bits,
            *(OBJECTIVES[name](point) for name in objectives),
        )
        for point in points
    ]

    def beaten(own: tuple[float, ...]) -> bool:
        return any(
            point.fits and other != own and all(a <= b for a, b in zip(other, own, strict=True))
            for point, other in zip(points, values, strict=True)
        )

    return [point.fits and not beaten(own) for point, own in zip(points, values, strict=True)]


def point_values(point: Point, on_front: bool) -> dict[str, Any]:
    """Return a point as a flat row of JSON values."""
    hardware = point.configuration.hardware
    return {
        "maps": hardware.maps,
        "timesteps": hardware.timesteps,
        "weight_bits": hardware.weight_bits,
        "group": hardware.group,
        "engines": point.configuration.engines,
        "lanes": point.lanes,
        "variant": list(point.variant),
        **{kind: getattr(point.area, kind) for kind in KINDS},
        "weight_ram": point.area.weight_ram,
        "fits": point.fits,
        "cycles": point.cycles,
        "busy": round(point.busy, 4),
        "clock_mhz": round(point.clock_mhz, 2),
        "fps": round(point.fps, 4),
        "energy_uj": round(point.energy_uj, 3),
        "front": on_front,
    }
