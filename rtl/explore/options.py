"""Options of ``explore`` as configurations."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from rtl.flow.nextpnr import DEVICES, TARGET_MHZ
from rtl.flow.parallel import parse_jobs
from rtl.flow.yosys import CACHE
from sw_model.spec import Deployment, UsageError
from sw_model.spec.fixed_point import WEIGHT_BITS_MAX, WEIGHT_BITS_MIN
from sw_model.spec.hardware.counted_cycles import ENGINES
from sw_model.spec.hardware.cycles import GROUP_CHANNELS
from sw_model.spec.hardware.system_cycles import MemoryTiming
from sw_model.spec.spike_counts import SpikeCounts

from .designs import MAPS, Hardware, hidden_bits
from .points import OBJECTIVES, Configuration
from .sweep import Sweep

GROUP_MAX = 64
"""Most channels of a group; larger ones are untested."""
MEMORY = MemoryTiming(read=20, write=10)
"""Latencies of the external memory, as in `python -m sim frame`."""


def parse_sweep(args: argparse.Namespace) -> Sweep:
    """Return what all configurations share; raise `UsageError` for invalid options."""
    if args.device not in DEVICES:
        raise UsageError(f"--device {args.device!r} is none of {', '.join(DEVICES)}")
    if args.place and args.clock is not None:
        raise UsageError("--clock and --place exclude each other: give one of them")
    if args.whole and args.group is not None:
        raise UsageError(f"--whole has groups of {GROUP_CHANNELS} channels: leave out --group")
    clock = float(TARGET_MHZ) if args.clock is None else args.clock
    if not 1 <= clock <= 1000:
        raise UsageError(f"--clock {clock} is not a frequency of 1 to 1000 MHz")
    return Sweep(
        device=args.device,
        clock_mhz=clock,
        place=args.place,
        whole=args.whole,
        objectives=tuple(_names(args.objectives, "--objectives", OBJECTIVES)),
        memory=MEMORY,
        jobs=parse_jobs(args.jobs),
        cache=CACHE,
    )


def configurations_of(
    args: argparse.Namespace, counts: SpikeCounts, deployment: Deployment
) -> Iterator[Configuration]:
    """Yield all combinations of the options' values; raise `UsageError` for invalid ones."""
    steps = args.timesteps or str(counts.timesteps)
    most = min(GROUP_MAX, counts.channels)
    group_text = args.group or str(min(GROUP_CHANNELS, most))
    bits = args.weight_bits or str(hidden_bits(deployment))
    for maps, timesteps, width, group, engines in itertools.product(
        _names(args.maps, "--maps", MAPS),
        _integers(steps, "--timesteps", 1, counts.timesteps),
        _integers(bits, "--weight-bits", WEIGHT_BITS_MIN, WEIGHT_BITS_MAX),
        _integers(group_text, "--group", 1, most),
        _integers(args.engines, "--engines", min(ENGINES), max(ENGINES)),
    ):
        hardware = Hardware(
            maps=maps,
            timesteps=timesteps,
            weight_bits=width,
            group=group,
        )
        yield Configuration(hardware=hardware, engines=engines)


def _integers(text: str, option: str, low: int, high: int) -> list[int]:
    try:
        values = [int(part) for part in text.split(",")]
    except ValueError:
        values = []
    if not values or len(set(values)) < len(values) or min(values) < low or max(values) > high:
        raise UsageError(
            f"{option} {text!r} is not a list of different integers {low}..{high}, with commas "
            f"between them"
        )
    return values


def _names(text: str, option: str, known: Sequence[str] | dict[str, Any]) -> list[str]:
    names = text.split(",")
    if len(set(names)) < len(names) or not set(names) <= set(known):
        raise UsageError(
            f"{option} {text!r} is not a list of {', '.join(known)}, each at most once"
        )
    return names
