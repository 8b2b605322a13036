"""The HLS project as a target: built for one frame size, compiled with g++, run in C simulation."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

import hls
from hls.compile import PROGRAM, compile_project, simulate_frames
from sim.compare.job import Job
from sim.compare.scoreboard import parse_trace
from sim.simulators.bench import BUILD_ROOT
from sw_model.spec import Deployment
from sw_model.spec.fixed_point import unsigned_width
from sw_model.support.temporary import temporary_folder

from .rtl import FrameResult, Simulation


def simulate(job: Job) -> Simulation:
    """Denoise a job's frame; raises as `simulate_jobs` does."""
    start = time.perf_counter()
    (result,) = simulate_jobs([job])
    return Simulation(frames=(result,), seconds=time.perf_counter() - start, failure=None)


def simulate_jobs(jobs: Sequence[Job], *, build_root: Path = BUILD_ROOT) -> list[FrameResult]:
    """Denoise frames of the same size, T and deployment one after the other in C simulation.

    Raises
    ------
    CompileFailure
        The project does not compile without warnings, or its program crashed.
    UsageError
        There is no compiler.
    """
    first = jobs[0]
    height, width = first.pixels.shape
    levels = [unit for job in jobs if (unit := job.level_units) is not None]
    program = build_project(
        first.deployment, (height, width), first.timesteps, build_root=build_root
    )
    spec = first.deployment.spec
    ports = {"channels": spec.channels, "layer_bits": unsigned_width(len(spec.layers) - 1)}
    frames = simulate_frames(
        program,
        [job.pixels for job in jobs],
        layer_digits=-(-ports["layer_bits"] // 4),
        levels=levels or None,
    )
    return [
        FrameResult(
            trace=parse_trace(frame.trace, **ports),
            pixels=frame.denoised,
            layer_ends=np.zeros((0, 3), dtype=np.int64),
        )
        for frame in frames
    ]


def build_project(
    deployment: Deployment,
    size: tuple[int, int],
    timesteps: int,
    *,
    reuse_factor: int | None = None,
    build_root: Path = BUILD_ROOT,
) -> Path:
    """Write and compile a project, unless it is cached, and return the path of its program."""
    factor = deployment.spec.channels if reuse_factor is None else reuse_factor
    sources = sorted(Path(hls.__file__).parent.rglob("*.[pch]*"))
    recipe = {
        "deployment": deployment.hash,
        "size": size,
        "timesteps": timesteps,
        "reuse_factor": factor,
        "hls4ml": version("hls4ml"),
        "sources": [path.read_text(encoding="utf-8") for path in sources if path.suffix != ".pyc"],
    }
    key = hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:16]
    folder = build_root / f"hls-{key}"
    if not (folder / PROGRAM).is_file():
        # hls4ml and PyTorch take seconds to load, so import them only for a build.
        from hls.build import write_project

        build_root.mkdir(parents=True, exist_ok=True)
        with temporary_folder(build_root) as temporary:
            project = temporary / "project"
            write_project(
                deployment, size=size, timesteps=timesteps, reuse_factor=factor, folder=project
            )
            compile_project(project)
            shutil.rmtree(folder, ignore_errors=True)
            project.rename(folder)
    return folder / PROGRAM
