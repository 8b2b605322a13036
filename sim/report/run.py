"""Results of a run on the targets, as text and JSON."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from sim.compare.job import Job
from sim.compare.scoreboard import Comparison, compare
from sim.targets import TARGETS
from sim.targets.rtl import FrameResult, Simulation
from sw_model.pictures.arrays import Picture
from sw_model.pictures.metrics import psnr
from sw_model.spec import GREY_MAX
from sw_model.support.text import one_line

DECIMALS = 4
"""Decimals of the report's ratios and decibels."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One frame on one target, with the results of golden model and cycle model."""

    target: str
    job: Job
    simulation: Simulation

    @property
    def result(self) -> FrameResult:
        """The target's result."""
        return self.simulation.frames[0]

    @cached_property
    def comparison(self) -> Comparison:
        """Golden model against target."""
        golden, result = self.job.golden, self.result
        return compare(self.job.words, golden.denoised, result.trace, result.pixels)

    @property
    def picture(self) -> Picture | None:
        """The target's denoised picture, (H, W) uint8; None if it is incomplete."""
        pixels, shape = self.result.pixels, self.job.clean.shape
        if len(pixels) != self.job.clean.size or pixels.min() < 0 or pixels.max() > GREY_MAX:
            return None
        return pixels.astype(np.uint8).reshape(shape)

    @cached_property
    def layer_cycles(self) -> list[int]:
        """Cycles of each layer that ended."""
        return [int(n) for n in np.diff(self.result.layer_ends[:, 1], prepend=0)]

    @property
    def cycles(self) -> int:
        """Cycles of the frame."""
        return sum(self.layer_cycles)

    @property
    def events(self) -> int:
        """Number of events that the synapse array processed."""
        ends = self.result.layer_ends
        return int(ends[-1, 2]) if len(ends) else 0

    @property
    def busy(self) -> float:
        """Share of the cycles in which the array processed an event."""
        return self.events / self.cycles if self.cycles else 0.0

    @property
    def speed(self) -> float:
        """Simulated cycles per second of wall-clock time."""
        return self.cycles / self.simulation.seconds if self.simulation.seconds else 0.0

    @property
    def timed(self) -> bool:
        """Whether the target counts cycles and events: RTL does, C simulation does not."""
        return TARGETS[self.target].run is None

    @property
    def as_predicted(self) -> bool:
        """Whether every layer took the predicted cycles."""
        return self.layer_cycles == self.job.cycles

    @property
    def passed(self) -> bool:
        """Whether golden model and cycle model agree with the target, and the bench passed.

        Every spike is an event of the next layer, so the number of events is known too.
        """
        timing = not self.timed or (
            self.as_predicted and self.events == sum(self.job.golden.activity.spike_counts)
        )
        return not self.comparison.mismatches and timing and self.simulation.failure is None


def summary(outcome: Outcome) -> str:
    """A target's figures as text."""
    job, comparison = outcome.job, outcome.comparison
    layers = len(job.words)
    noisy = psnr(job.clean, job.pixels)
    picture = outcome.picture
    denoised = "no complete picture" if picture is None else f"{psnr(job.clean, picture):.2f} dB"
    lines = [
        f"{outcome.target}, {job.crop}",
        f"  PSNR        {noisy:.2f} dB noisy -> {denoised} denoised",
        f"  theta       {job.golden.activity.theta:.3f} spikes per neuron",
        f"  compared    {comparison.words} event words of {layers} layers, "
        f"{comparison.pixels} pixels",
        f"  mismatches: {comparison.mismatches}",
    ]
    if comparison.first is not None:
        lines.append(f"  first       {comparison.first}")
    if outcome.simulation.failure is not None:
        lines.append(f"  failure     {outcome.simulation.failure}")
    if outcome.timed:
        lines += _timing(outcome)
    return "\n".join(lines)


def _timing(outcome: Outcome) -> list[str]:
    return [
        f"  cycles      {outcome.cycles}, {_prediction(outcome)}",
        f"  events      {outcome.events}, busy {outcome.busy:.1%}",
        f"  simulated   {outcome.speed:,.0f} cycles/s",
    ]


def report(outcomes: list[Outcome]) -> dict[str, Any]:
    """All figures as JSON values: PSNR in dB, null where it is infinite or there is no picture."""
    first = outcomes[0].job
    return {
        "picture": one_line(first.picture.name),
        "deployment": {"name": first.deployment.spec.name, "hash": first.deployment.hash},
        "timesteps": first.timesteps,
        "noise": asdict(first.noise),
        "level": first.level,
        "targets": {outcome.target: _figures(outcome) for outcome in outcomes},
    }


def _figures(outcome: Outcome) -> dict[str, Any]:
    job, comparison, picture = outcome.job, outcome.comparison, outcome.picture
    activity = job.golden.activity
    return {
        "crop": asdict(job.crop),
        "psnr_noisy": _rounded(psnr(job.clean, job.pixels)),
        "psnr": None if picture is None else _rounded(psnr(job.clean, picture)),
        "theta": _rounded(activity.theta),
        "layer_thetas": [_rounded(theta) for theta in activity.layer_thetas],
        "words": comparison.words,
        "pixels": comparison.pixels,
        "mismatches": comparison.mismatches,
        "first_mismatch": None if comparison.first is None else asdict(comparison.first),
        "failure": outcome.simulation.failure,
        "passed": outcome.passed,
    } | (_timing_figures(outcome) if outcome.timed else {})


def _timing_figures(outcome: Outcome) -> dict[str, Any]:
    return {
        "cycles": outcome.cycles,
        "layer_cycles": outcome.layer_cycles,
        "predicted_layer_cycles": outcome.job.cycles,
        "events": outcome.events,
        "busy": _rounded(outcome.busy),
        "cycles_per_second": round(outcome.speed),
    }


def _prediction(outcome: Outcome) -> str:
    """Comparison of predicted and simulated cycles, as text."""
    predicted, simulated = outcome.job.cycles, outcome.layer_cycles
    if outcome.as_predicted:
        return f"as predicted in each of {len(predicted)} layers"
    for layer, cycles in enumerate(predicted):
        found = simulated[layer] if layer < len(simulated) else "no end"
        if found != cycles:
            return f"NOT as predicted: layer {layer} has {found}, the cycle model {cycles}"
    return f"NOT as predicted: {len(simulated)} layers instead of {len(predicted)}"


def _rounded(value: float) -> float | None:
    return None if math.isinf(value) else round(value, DECIMALS)
