"""C simulation of a project: compilation and runs of its program.

Nothing here needs hls4ml or PyTorch, only a project that has been written.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sw_model.support.processes import run
from sw_model.support.temporary import temporary_folder
from sw_model.support.tools import check_program

from .errors import CompileFailure

PROJECT = "spiking_dncnn"
"""Name of the synthesised C++ function and of its file."""
TESTBENCH = "csim.cpp"
"""C++ testbench that reads frames and writes denoised pixels and every layer's event words."""
PROGRAM = "csim"
COMPILER = "g++"
FLAGS = (
    "-std=c++11",  # as in hls4ml's script for Vitis
    "-O1",  # compiles a third faster than -O2 and runs as fast
    "-Wall",
    "-Wno-unknown-pragmas",  # g++ does not know HLS pragmas
    "-Wno-unused-label",  # HLS reports name loops by their labels
    "-DSPIKING_TRACE",
    '-DWEIGHTS_DIR="firmware/weights"',
    "-isystem",
    "firmware/ap_types",
)
_OURS = re.compile(
    rf"^(?:\./)*(?:firmware/nnet_utils/nnet_spiking_\w+\.h|firmware/\w+\.(?:h|cpp)|{TESTBENCH})"
    r":\d+:\d+: warning: .*",
    re.MULTILINE,
)
"""A warning in this project's kernels, the generated top level, or the testbench."""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The result of the C simulation for a frame.

    Attributes
    ----------
    denoised
        (N,) int64 in raster order, the colours of a pixel in a row.
    trace
        Lines ``layer word`` in hexadecimal digits, in the order of the writes.
    """

    denoised: npt.NDArray[np.int64]
    trace: bytes


def cpu_seconds() -> float:
    """Processor time of this process and its ended children, independent of other load."""
    return sum(os.times()[:4])


def check_compiler() -> None:
    """Raise `UsageError`, with advice, unless there is a compiler."""
    check_program("target hls", COMPILER, "g++")


def compile_project(folder: Path) -> Path:
    """Compile the C simulation of a project, and return the path of the program.

    Raises
    ------
    CompileFailure
        The compiler reports an error, or a warning in this project's code.
    UsageError
        There is no compiler.
    """
    check_compiler()
    # One translation unit, because parsing the ap_types headers takes most of the time.
    command = [COMPILER, *FLAGS, "-include", f"firmware/{PROJECT}.cpp", TESTBENCH, "-o", PROGRAM]
    done = run(command, cwd=folder)
    warning = _OURS.search(done.stderr)
    if done.returncode or warning:
        lines = [line for line in done.stderr.splitlines() if " error: " in line]
        what = warning.group() if warning else (lines or [done.stderr.strip()])[0]
        raise CompileFailure(f"{COMPILER} in {folder}: {what}")
    return folder / PROGRAM


def simulate_frames(
    program: Path,
    frames: Sequence[npt.NDArray[np.integer]],
    *,
    layer_digits: int,
    levels: Sequence[int] | None = None,
) -> list[Frame]:
    """Denoise frames one after the other, in one run of the program.

    Parameters
    ----------
    program
        Path that `compile_project` returned, in its project's folder.
    frames
        (H, W) pixels of the project's size; (H, W, 3) for a network of three colours.
    layer_digits
        Hexadecimal digits of a layer's number in the trace.
    levels
        Noise level of each frame in sixteenths of a grey level, for a network that takes one.

    Raises
    ------
    CompileFailure
        The program crashed, did not read all pixels, or lacks a noise level.
    """
    with temporary_folder() as scratch:
        for index, pixels in enumerate(frames):
            text = "".join(f"{pixel}\n" for pixel in pixels.reshape(-1))
            (scratch / f"pixels_{index}.txt").write_text(text, encoding="utf-8")
            if levels is not None:
                level = f"{levels[index]}\n"
                (scratch / f"level_{index}.txt").write_text(level, encoding="utf-8")
        done = run(
            [program.absolute(), scratch, str(len(frames)), str(layer_digits)], cwd=program.parent
        )
        output = (done.stdout + done.stderr).strip()
        if done.returncode or output:
            raise CompileFailure(f"{program}: {output or f'exit code {done.returncode}'}")
        return [
            Frame(
                denoised=np.array(
                    (scratch / f"denoised_{index}.txt").read_text(encoding="utf-8").split(),
                    dtype=np.int64,
                ),
                trace=(scratch / f"trace_{index}.txt").read_bytes(),
            )
            for index in range(len(frames))
        ]
