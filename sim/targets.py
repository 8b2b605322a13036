"""What can be compared with the golden model: one line a target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sw_model.spec import Deployment

from . import denoiser, gates, job

Make = Callable[[Deployment, int, int], denoiser.Hardware]


@dataclass(frozen=True, kw_only=True)
class Target:
    """A kind of hardware in a simulator.

    Attributes
    ----------
    simulator
        Its name in `sim.runners`.
    make
        Makes the hardware for a deployment and a largest frame, height and width.
    crop
        Part of the default picture that is denoised: what takes seconds.
    waves
        File name of the waveforms.
    check
        Raises `UsageError` for deployments that this target does not do.
    """

    simulator: str
    make: Make
    crop: str
    waves: str
    check: Callable[[Deployment], None] = lambda deployment: None


TARGETS = {
    "verilator": Target(
        simulator="verilator",
        make=denoiser.make_hardware,
        crop=job.DEFAULT_CROP,
        waves="waves.vcd",
    ),
    # Slower by a factor of about a hundred.
    "icarus": Target(
        simulator="icarus", make=denoiser.make_hardware, crop="138,242,16,16", waves="waves.fst"
    ),
    "gates": Target(
        simulator="icarus",
        make=gates.make_hardware,
        crop="138,242,6,6",
        waves="waves.fst",
        check=gates.check_size,
    ),
}
"""By the name that ``--target`` takes."""
DEFAULT_TARGETS = ("verilator", "icarus")
