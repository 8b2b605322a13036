"""Results of a frame's simulation, as text and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.compare.job import Job
from sim.targets.system import SystemResult, SystemRun, SystemSimulation
from sw_model.pictures.metrics import psnr
from sw_model.support.text import one_line

SPARSE_THETA = 0.4
"""Activity of the thinned maps for which busy shares are also reported."""
THINNING_SEED = 1
DECIMALS = 4

Maps = Sequence[npt.NDArray[np.uint64]]


@dataclass(frozen=True, kw_only=True)
class FrameOutcome:
    """A frame's simulation, with the results of golden model and cycle model.

    Attributes
    ----------
    predicted
        Predicted cycles of each layer.
    seconds
        Wall-clock time of the simulation, without building.
    """

    job: Job
    run: SystemRun
    system: SystemSimulation
    result: SystemResult
    predicted: list[int]
    seconds: float

    @cached_property
    def wrong_words(self) -> list[int]:
        """Number of event words of each spiking layer that differ from the golden model's."""
        pairs = zip(self.job.words, self.result.maps, strict=True)
        return [int((expected != got).any(axis=-1).sum()) for expected, got in pairs]

    @cached_property
    def wrong_pixels(self) -> int:
        """Number of denoised pixels that differ."""
        return int((self.job.golden.denoised != self.result.denoised).sum())

    @property
    def mismatches(self) -> int:
        """Number of all differences."""
        return sum(self.wrong_words) + self.wrong_pixels

    @property
    def cycles(self) -> int:
        """Cycles of the frame, as the accelerator counts them."""
        return self.result.counters["CYCLES"]

    @property
    def passed(self) -> bool:
        """Nothing differs from golden model and cycle model."""
        return (
            not self.mismatches
            and self.result.layer_cycles == self.predicted
            and self.cycles == sum(self.predicted)
            and self.result.counters["EVENTS"] == self._events(self.job.words)
        )

    @cached_property
    def hidden_busy(self) -> list[float]:
        """Busy share of every hidden layer."""
        return busy_shares(self.system, self.job.words, self.result.layer_cycles)

    @cached_property
    def sparse_busy(self) -> list[float]:
        """Busy share of every hidden layer for thinned maps, from the cycle model.

        Spikes are dropped at random so that no layer has more than `SPARSE_THETA` per neuron.
        """
        maps = thinned(self.job.words, self.job.deployment.spec.channels, SPARSE_THETA)
        return busy_shares(self.system, maps, self.system.expected_cycles(self.run, maps))

    def _events(self, maps: Maps) -> int:
        return sum(self.system.layer_events(words) for words in maps)


def thinned(maps: Maps, channels: int, theta: float) -> list[npt.NDArray[np.uint64]]:
    """Maps with spikes dropped at random, so that none has more than about ``theta`` per neuron.

    Parameters
    ----------
    maps
        (H, W, T, ceil(C / 64)) each.
    """
    rng = np.random.default_rng(THINNING_SEED)
    result = []
    for words in maps:
        height, width = words.shape[:2]
        spikes = int(np.bitwise_count(words).sum())
        keep = min(1.0, theta * height * width * channels / max(1, spikes))
        octets = np.ascontiguousarray(words.astype("<u8")).view(np.uint8)
        bits = np.unpackbits(octets, axis=-1, bitorder="little")
        bits &= rng.random(bits.shape, dtype=np.float32) < keep
        packed = np.packbits(bits, axis=-1, bitorder="little")
        result.append(packed.view("<u8").astype(np.uint64))
    return result


def summary(outcome: FrameOutcome) -> str:
    """The figures as text."""
    job, counters = outcome.job, outcome.result.counters
    layers = len(job.words)
    shares = "BUSY", "EMPTY", "STALL_INPUT", "STALL_OUTPUT", "STALL_CHANGE"
    parts = ", ".join(
        f"{name.lower().replace('_', ' ')} "
        f"{counters[name] / (outcome.cycles * outcome.system.engines):.2%}"
        for name in shares
    )
    as_predicted = outcome.result.layer_cycles == outcome.predicted
    agreement = f"as predicted in each of {layers + 1} layers" if as_predicted else "NOT predicted"
    noisy, denoised = (psnr(job.clean, p) for p in (job.pixels, outcome.result.denoised))
    lines = [
        _frame_line(job, outcome.system),
        f"PSNR        {noisy:.2f} dB noisy -> {denoised:.2f} dB denoised",
        f"theta       {job.golden.activity.theta:.3f} spikes per neuron",
        f"compared    {sum(w[..., 0].size for w in job.words)} event words of {layers} layers, "
        f"{job.clean.size} pixels",
        f"mismatches: {outcome.mismatches}",
        f"cycles      {outcome.cycles}, {agreement}",
        f"            {parts}",
        f"hidden      layers busy {_range(outcome.hidden_busy)}; thinned to theta "
        f"{SPARSE_THETA}, by the cycle model: {_range(outcome.sparse_busy)}",
        f"memory      {counters['WORDS_READ']} words read, {counters['WORDS_WRITTEN']} written; "
        f"latency {outcome.run.memory.read} and {outcome.run.memory.write} cycles",
        f"simulated   {outcome.cycles / outcome.seconds:,.0f} cycles/s, {outcome.seconds:.0f} s",
    ]
    return "\n".join(lines)


def prediction(job: Job, system: SystemSimulation, run: SystemRun) -> str:
    """Cycles and busy shares from the cycle model alone, as text."""
    lines = [_frame_line(job, system)]
    for name, maps in (
        (f"theta {job.golden.activity.theta:.3f}", job.words),
        (
            f"thinned to {SPARSE_THETA}",
            thinned(job.words, job.deployment.spec.channels, SPARSE_THETA),
        ),
    ):
        cycles = system.expected_cycles(run, maps)
        busy = busy_shares(system, maps, cycles)
        # Overhead of the strips' halos: their events are processed twice.
        events = sum(system.layer_events(words) for words in maps)
        own = sum(int(np.bitwise_count(words).sum()) for words in maps)
        overlaps = events / max(1, own) - 1
        hidden = sum(cycles[1:-1])
        overhead = 1 - sum(map(system.word_cycles, maps[:-1])) / (hidden * system.engines)
        lines += [
            f"{name:16}  {sum(cycles)} cycles, {sum(cycles) / job.clean.size:.0f} per pixel"
            f"{_gain(system, run, maps, sum(cycles))}",
            f"                  hidden layers busy {_range(busy)}; encoding layer "
            f"{cycles[0] / sum(cycles):.2%}, output layer {cycles[-1] / sum(cycles):.2%} of the "
            f"cycles",
            f"                  events of overlaps {overlaps:.2%}; set-up, flush and drain "
            f"of strips{' and waiting' if system.engines > 1 else ''} {overhead:.2%} of the hidden "
            f"layers' cycles",
        ]
    return "\n".join(lines)


def _frame_line(job: Job, system: SystemSimulation) -> str:
    return (
        f"frame       {job.crop}, strips of at most {system.columns} columns, "
        f"{system.engines} engine{'s' if system.engines > 1 else ''}"
    )


def _gain(system: SystemSimulation, run: SystemRun, maps: Maps, cycles: int) -> str:
    """Speed-up over one engine as text; empty for one engine."""
    if system.engines == 1:
        return ""
    alone = SystemSimulation(system.deployment, system.columns)
    return f", {sum(alone.expected_cycles(run, maps)) / cycles:.3f} times as fast as one engine"


def busy_shares(system: SystemSimulation, maps: Maps, cycles: Sequence[int]) -> list[float]:
    """Busy share of every hidden layer: events that the arrays process, over their cycles."""
    return [
        system.layer_events(words) / (spent * system.engines)
        for words, spent in zip(maps[:-1], cycles[1:-1], strict=True)
    ]


def report(outcome: FrameOutcome) -> dict[str, Any]:
    """All figures as JSON values."""
    job = outcome.job
    return {
        "picture": one_line(job.picture.name),
        "crop": asdict(job.crop),
        "deployment": {"name": job.deployment.spec.name, "hash": job.deployment.hash},
        "timesteps": job.timesteps,
        "noise": asdict(job.noise),
        "columns": outcome.system.columns,
        "engines": outcome.system.engines,
        "memory": asdict(outcome.run.memory),
        "mismatches": outcome.mismatches,
        "wrong_words": outcome.wrong_words,
        "wrong_pixels": outcome.wrong_pixels,
        "layer_cycles": outcome.result.layer_cycles,
        "predicted_layer_cycles": outcome.predicted,
        "counters": outcome.result.counters,
        "hidden_busy": [round(share, DECIMALS) for share in outcome.hidden_busy],
        "hidden_busy_sparse": [round(share, DECIMALS) for share in outcome.sparse_busy],
        "cycles_per_second": round(outcome.cycles / outcome.seconds),
        "passed": outcome.passed,
    }


def _range(shares: Sequence[float]) -> str:
    return f"{min(shares):.1%} to {max(shares):.1%}"
