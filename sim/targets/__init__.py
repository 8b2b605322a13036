"""Targets that can be compared with the golden model; a new simulator is listed here as well.

It imports `sim.simulators`, `sim.compare`, and the hardware.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hls.compile import check_compiler
from hls.supported import check_supported as check_hls
from rtl.onchip.supported import check_supported as check_onchip
from sim.compare import job
from sw_model.spec import Deployment

from . import gates
from . import hls as hls_target
from . import rtl as denoiser

Make = Callable[[Deployment, int, int], denoiser.Hardware]


@dataclass(frozen=True, kw_only=True)
class Target:
    """Hardware in a simulator, or a program that models it.

    Attributes
    ----------
    simulator
        Name of the simulator in `sim.simulators.runners`; None for a program.
    make
        Makes the hardware for a deployment and a largest frame, height and width; None for a
        program.
    crop
        Default crop of the default picture, chosen to simulate in seconds.
    waves
        File name of the waveforms; None if the target writes none.
    kind
        Kind of the target in file names and figures.
    check
        Raises `UsageError` for deployments that this target does not support.
    run
        Denoises a job's frame with the program; None for hardware. Programs count no cycles.
    """

    simulator: str | None = None
    make: Make | None = None
    crop: str
    waves: str | None = None
    kind: str = "rtl"
    check: Callable[[Deployment], None] = lambda deployment: None
    run: Callable[[job.Job], denoiser.Simulation] | None = None


def _rtl(deployment: Deployment, max_height: int, max_width: int) -> denoiser.Hardware:
    # Looked up at each call, because tests replace it with faulty hardware.
    return denoiser.make_hardware(deployment, max_height, max_width)


def _check_rtl(deployment: Deployment) -> None:
    check_onchip(deployment.spec)


def _check_hls(deployment: Deployment) -> None:
    check_hls(deployment.spec)
    check_compiler()


def _check_gates(deployment: Deployment) -> None:
    check_onchip(deployment.spec)
    gates.check_size(deployment)


TARGETS = {
    "verilator": Target(
        simulator="verilator",
        make=_rtl,
        crop=job.DEFAULT_CROP,
        waves="waves.vcd",
        check=_check_rtl,
    ),
    # About a hundred times slower: a small frame, but with inner pixels and with sides that differ.
    "icarus": Target(
        simulator="icarus",
        make=_rtl,
        crop="138,242,5,4",
        waves="waves.fst",
        check=_check_rtl,
    ),
    "hls": Target(
        crop="138,242,16,16",
        kind="hls",
        check=_check_hls,
        run=hls_target.simulate,
    ),
    "gates": Target(
        simulator="icarus",
        make=gates.make_hardware,
        crop="138,242,6,6",
        waves="waves.fst",
        kind="gates",
        check=_check_gates,
    ),
}
"""Targets by their names for ``--target``."""
DEFAULT_TARGETS = ("verilator", "icarus")
