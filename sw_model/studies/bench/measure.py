"""The measurements: interleaved timings, agreement of spikes, memory.

In a round every contender denoises the same picture once, one after the other, so that other load
on the machine affects all alike; a figure is the median over the rounds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

import numpy as np
import torch

from sw_model import golden
from sw_model.pictures.arrays import Pixels
from sw_model.spec import Deployment
from sw_model.support.errors import Failure

from .contenders import CONTENDERS, EVENTS, GOLDEN, REFERENCE, Total, absence
from .networks import Record, Run
from .theta import factor_for, scaled

Name = TypeVar("Name")
Describe = Callable[[str], None]
"""Called with a description of the current work."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Parameters of all measurements."""

    deployment: Deployment
    threads: int
    repeats: int
    limit: float
    describe: Describe

    @property
    def timesteps(self) -> int:
        """T: the deployment's largest."""
        return self.deployment.spec.timesteps_max


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Times of one contender on one picture.

    Attributes
    ----------
    seconds
        One value per round; empty if it was not measured, with the ``reason``.
    wanted, factor
        The requested theta, and the factor of the thresholds.
    theta
        Theta of the golden model on this picture.
    """

    contender: str
    size: int
    theta: float
    seconds: tuple[float, ...] = ()
    reason: str = ""
    wanted: float | None = None
    factor: float = 1.0

    @property
    def median(self) -> float | None:
        """Seconds; None if it was not measured."""
        return median(self.seconds) if self.seconds else None


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How a library's network differs from the golden model on one picture.

    Attributes
    ----------
    raised
        Whether membranes are half a unit higher; see
        `sw_model.studies.bench.networks.SpikingNetwork`.
    spikes, of_spikes
        Number of differing spikes, and number of spikes of the golden model.
    pixels, of_pixels
        Number of differing values of R, and number of all values.
    """

    contender: str
    size: int
    raised: bool
    spikes: int
    of_spikes: int
    pixels: int
    of_pixels: int


class NotEqual(Failure):
    """The golden model's engines gave different integers."""


def over_sizes(setting: Setting, pictures: dict[int, Pixels]) -> Iterator[Timing]:
    """Times at each size, at the network's own theta.

    A contender is left out if its time at the previous size, scaled by the number of pixels, is
    above the limit; the golden model's events, the reference of the comparison, always run.
    """
    before: dict[str, Timing] = {}
    for size, pixels in pictures.items():
        runs: dict[str, Run] = {}
        reasons: dict[str, str] = {}
        for name in CONTENDERS:
            run = _make(name, setting.deployment, setting)
            last = before.get(name)
            if isinstance(run, str):
                reasons[name] = run
            elif last is not None and not last.seconds:
                reasons[name] = last.reason
            elif last and name != EVENTS and (reason := _too_long(last, size, setting.limit)):
                reasons[name] = reason
            else:
                runs[name] = run
        theta = golden.denoise(setting.deployment, pixels).activity.theta
        warm = _warm(runs, pixels, setting, f"{size}x{size}")
        check_equal({name: warm[name] for name in GOLDEN if name in warm})
        calls = {name: _call(run, pixels) for name, run in runs.items()}
        seconds = round_robin(calls, setting, f"{size}x{size}")
        for name in CONTENDERS:
            before[name] = Timing(
                contender=name,
                size=size,
                theta=theta,
                seconds=seconds.get(name, ()),
                reason=reasons.get(name, ""),
            )
            yield before[name]


def over_thetas(
    setting: Setting, thetas: list[float], pixels: Pixels, own: dict[str, Timing]
) -> Iterator[Timing]:
    """Times at each theta on one picture, all thetas in each round.

    Parameters
    ----------
    own
        Times at the network's own theta and this size; contenders not measured there are left out.
    """
    calls: dict[tuple[float, str], Callable[[], Total]] = {}
    found: dict[float, tuple[float, float]] = {}
    names = [name for name, timing in own.items() if timing.seconds and name != REFERENCE]
    for wanted in thetas:
        setting.describe(f"thresholds for theta {wanted:g}")
        factor = factor_for(setting.deployment, wanted, pixels)
        deployment = scaled(setting.deployment, factor)
        found[wanted] = (golden.denoise(deployment, pixels).activity.theta, factor)
        runs = {name: _make(name, deployment, setting) for name in names}
        ready = {name: run for name, run in runs.items() if not isinstance(run, str)}
        _warm(ready, pixels, setting, f"theta {wanted:g}")
        calls |= {(wanted, name): _call(run, pixels) for name, run in ready.items()}
    seconds = round_robin(calls, setting, "thetas")
    for wanted in thetas:
        for name, timing in own.items():
            yield Timing(
                contender=name,
                size=len(pixels),
                theta=found[wanted][0],
                factor=found[wanted][1],
                wanted=wanted,
                seconds=seconds.get((wanted, name), ()),
                reason=timing.reason,
            )


def agreement(setting: Setting, pixels: Pixels) -> Iterator[Agreement]:
    """Differences of the libraries' spikes and R from those of the golden model."""
    deployment = setting.deployment
    truth = golden.denoise(deployment, pixels, trace="spikes")
    for name, contender in CONTENDERS.items():
        for raised in (False, True) if contender.spiking else ():
            assert contender.spiking is not None, "only libraries have variants"
            try:
                network = contender.spiking(deployment, setting.timesteps, raised=raised)
            except ImportError:
                continue
            setting.describe(f"spikes of {contender.label}")
            record: Record = [[] for _ in truth.layers]
            total = network.run(pixels, record)
            wrong = sum(
                int((torch.stack(steps)[:, 0].bool().numpy() != layer.spikes).sum())
                for steps, layer in zip(record, truth.layers, strict=True)
            )
            yield Agreement(
                contender=name,
                size=len(pixels),
                raised=raised,
                spikes=wrong,
                of_spikes=sum(truth.activity.spike_counts),
                pixels=int((total != truth.total).sum()),
                of_pixels=total.size,
            )


def check_equal(totals: dict[str, Total]) -> None:
    """Raises `NotEqual` if engines of the golden model differ."""
    for name, total in totals.items():
        if (total != totals[EVENTS]).any():
            raise NotEqual(
                f"{CONTENDERS[name].label} and {CONTENDERS[EVENTS].label} give different integers"
            )


def round_robin(
    calls: dict[Name, Callable[[], Total]], setting: Setting, label: str
) -> dict[Name, tuple[float, ...]]:
    """Seconds of each call in each round."""
    seconds: dict[Name, list[float]] = {name: [] for name in calls}
    for number in range(setting.repeats):
        setting.describe(f"{label}, round {number + 1} of {setting.repeats}")
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
    return {name: tuple(values) for name, values in seconds.items()}


def _make(name: str, deployment: Deployment, setting: Setting) -> Run | str:
    """The function to time, or the reason why the contender is not available."""
    try:
        return CONTENDERS[name].make(deployment, setting.timesteps, setting.threads)
    except ImportError as error:
        return absence(error)


def _too_long(last: Timing, size: int, limit: float) -> str:
    expected = (last.median or 0.0) * (size / last.size) ** 2
    if expected <= limit:
        return ""
    return f"about {expected:.0f} s expected from {last.size}x{last.size}, limit {limit:g} s"


def _warm(runs: dict[str, Run], pixels: Pixels, setting: Setting, label: str) -> dict[str, Total]:
    """Results of a first run, which includes compilation, planning and allocation."""
    results = {}
    for name, run in runs.items():
        setting.describe(f"{label}, warming up {CONTENDERS[name].label}")
        results[name] = np.asarray(run(pixels))
    return results


def _call(run: Run, pixels: Pixels) -> Callable[[], Total]:
    return lambda: run(pixels)
