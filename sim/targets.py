"""What can denoise a frame besides the golden model: a row each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hls.compile import check_compiler
from sw_model.spec import UsageError

from . import denoiser, job
from .hls_target import simulate_jobs
from .runners import SIMULATORS, check_available


@dataclass(frozen=True, kw_only=True)
class Target:
    """A target of ``python -m sim run``.

    Attributes
    ----------
    crop
        Of the default picture.
    kind
        Name of what it runs, in figures and file names.
    check
        Raises `UsageError` where it cannot be used.
    simulate
        Denoises a job's frame; takes the job, the hardware (None where ``rtl`` is False), the
        file for waveforms or None, and what is told the event words written so far.
    rtl
        It simulates the generated Verilog, and so counts cycles.
    waves
        Name of its waveform file, None where it writes none.
    """

    crop: str
    kind: str
    check: Callable[[], None]
    simulate: Callable[
        [job.Job, denoiser.Hardware | None, Path | None, denoiser.Progress], denoiser.Simulation
    ]
    rtl: bool = True
    waves: str | None = None


def _simulate_rtl(
    simulator: str,
    mine: job.Job,
    hardware: denoiser.Hardware | None,
    waves: Path | None,
    progress: denoiser.Progress,
) -> denoiser.Simulation:
    assert hardware is not None, "the RTL is generated for its targets"
    return denoiser.simulate(
        simulator,
        hardware,
        [denoiser.Frame(pixels=mine.pixels, timesteps=mine.timesteps)],
        expected_cycles=sum(mine.cycles),
        waves=waves,
        progress=progress,
    )


def _simulate_hls(
    mine: job.Job,
    hardware: denoiser.Hardware | None,
    waves: Path | None,
    progress: denoiser.Progress,
) -> denoiser.Simulation:
    start = time.perf_counter()
    (result,) = simulate_jobs([mine])
    seconds = time.perf_counter() - start
    return denoiser.Simulation(frames=(result,), seconds=seconds, failure=None)


def _rtl_target(simulator: str, crop: str, waves: str) -> Target:
    return Target(
        crop=crop,
        kind="rtl",
        check=partial(check_available, simulator),
        simulate=partial(_simulate_rtl, simulator),
        waves=waves,
    )


TARGETS = {
    "verilator": _rtl_target("verilator", job.DEFAULT_CROP, "waves.vcd"),
    # Icarus is slower by a factor of about a hundred.
    "icarus": _rtl_target("icarus", "138,242,16,16", "waves.fst"),
    "hls": Target(
        crop="138,242,16,16", kind="hls", check=check_compiler, simulate=_simulate_hls, rtl=False
    ),
}
"""All targets by name."""
DEFAULT = ",".join(SIMULATORS)


def parse_targets(text: str) -> list[str]:
    """The targets that ``NAME,NAME`` lists, each usable here; raises `UsageError`."""
    names = text.split(",")
    for name in names:
        if name not in TARGETS or names.count(name) > 1:
            raise UsageError(
                f"--target {text!r} is not a list of {', '.join(TARGETS)}, each at most once"
            )
    for name in names:
        TARGETS[name].check()
    return names


def check_waves(names: Sequence[str]) -> None:
    """Raise `UsageError` where one of the targets writes no waveforms."""
    for name in names:
        if TARGETS[name].waves is None:
            raise UsageError(f"target {name} has no waveforms: leave out --waves or the target")
