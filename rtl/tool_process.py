"""Yosys and nextpnr as processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .errors import SynthesisFailure

_running: set[subprocess.Popen[str]] = set()
"""Tools under way, of all threads."""


def stop_tools() -> None:
    """End the tools that run in this process's threads; what they were making is not kept."""
    for process in list(_running):
        process.kill()


def run_tool(module: str, function: str, arguments: list[str], folder: Path) -> None:
    """Run one of the WebAssembly tools in a process of its own."""
    code = f"import sys, {module}; sys.exit({module}.{function}(sys.argv[1:]))"
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        _running.add(process)
        try:
            output, errors = process.communicate()
        except BaseException:
            process.kill()
            raise
        finally:
            _running.discard(process)
    if process.returncode:
        lines = [line for line in (output + errors).splitlines() if "ERROR" in line]
        said = lines[-1] if lines else (errors.strip().splitlines() or ["nothing"])[-1]
        raise SynthesisFailure(f"{module.removeprefix('yowasp_')}: {said}; see {folder}")
