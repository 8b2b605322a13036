"""C simulation of a project: the compiler's command line, and the program's.

Nothing here needs hls4ml or PyTorch: a project that was written before is enough.
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
"""Name of the C++ function that is synthesised, and of its file."""
TESTBENCH = "csim.cpp"
"""Reads frames, writes denoised pixels and every layer's event words."""
PROGRAM = "csim"
COMPILER = "g++"
FLAGS = (
    "-std=c++11",  # what hls4ml's script for Vitis asks for
    "-O1",  # compiles a third faster than -O2 and runs as fast
    "-Wall",
    "-Wno-unknown-pragmas",  # g++ does not know those of HLS
    "-Wno-unused-label",  # HLS names loops by them in its reports
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
"""A warning about our own kernels, the generated top level, or the testbench."""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What the C simulation gave for a frame.

    Attributes
    ----------
    denoised
        (N,) int64 in raster order.
    trace
        Lines ``layer word`` in hexadecimal digits, in the order in which the words were written.
    """

    denoised: npt.NDArray[np.int64]
    trace: bytes


def cpu_seconds() -> float:
    """Processor time of this process and of its children that ended: a busy machine adds none."""
    return sum(os.times()[:4])


def check_compiler() -> None:
    """Raise `UsageError`, which says what to do, unless there is a compiler."""
    check_program("target hls", COMPILER, "g++")


def compile_project(folder: Path) -> Path:
    """Compile the C simulation of a project; gives the program.

    Raises
    ------
    CompileFailure
        The compiler found an error, or a warning in our own code.
    UsageError
        There is no compiler.
    """
    check_compiler()
    # As one translation unit: reading the headers of ap_types is most of the work.
    command = [COMPILER, *FLAGS, "-include", f"firmware/{PROJECT}.cpp", TESTBENCH, "-o", PROGRAM]
    done = run(command, cwd=folder)
    warning = _OURS.search(done.stderr)
    if done.returncode or warning:
        lines = [line for line in done.stderr.splitlines() if " error: " in line]
        what = warning.group() if warning else (lines or [done.stderr.strip()])[0]
        raise CompileFailure(f"{COMPILER} in {folder}: {what}")
    return folder / PROGRAM


def simulate_frames(
    program: Path, frames: Sequence[npt.NDArray[np.integer]], *, layer_digits: int
) -> list[Frame]:
    """Denoise frames one after the other, in one run of the program.

    Parameters
    ----------
    program
        What `compile_project` gave, in its project's folder.
    frames
        (H, W) pixels of the project's size.
    layer_digits
        Hexadecimal digits of a layer's number in the trace.

    Raises
    ------
    CompileFailure
        The program broke down, or did not take all pixels.
    """
    with temporary_folder() as scratch:
        for index, pixels in enumerate(frames):
            text = "".join(f"{pixel}\n" for pixel in pixels.reshape(-1))
            (scratch / f"pixels_{index}.txt").write_text(text, encoding="utf-8")
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
