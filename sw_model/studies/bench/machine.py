"""What the benchmark ran on: processor, its bfloat16, versions, load, and memory in use."""

from __future__ import annotations

import os
import platform
import resource
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

CPU_INFO = Path("/proc/cpuinfo")
STATUS = Path("/proc/self/status")
BFLOAT16_FLAGS = ("avx512_bf16", "amx_bf16", "bf16", "svebf16")
"""What Linux calls the instructions that multiply bfloat16, on x86 and on ARM."""
PACKAGES = ("numpy", "numba", "torch", "snntorch", "spikingjelly")


def machine(packages: Sequence[str] = PACKAGES) -> dict[str, Any]:
    """Plain JSON values; ``packages`` are those whose versions are told."""
    found = _cpu_info()
    native = [flag for flag in BFLOAT16_FLAGS if flag in found.get("flags", "").split()]
    name = found.get("model name", platform.processor() or platform.machine())
    if "cpu family" in found:  # virtual machines hide the rest of the name
        name += f" (family {found['cpu family']}, model {found.get('model', 'unknown')})"
    return {
        "cpu": name,
        "processors": os.cpu_count(),
        "bfloat16_instructions": native,
        "load_average": round(os.getloadavg()[0], 2),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": {package: _version(package) for package in packages},
    }


def peak_memory() -> int:
    """Peak resident memory of this process in bytes.

    Linux hands ru_maxrss on through fork and exec, so that a child of a large process starts with
    its parent's peak; VmHWM of /proc begins anew.
    """
    if STATUS.exists():
        for line in STATUS.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _cpu_info() -> dict[str, str]:
    """Of the first processor."""
    if not CPU_INFO.exists():
        return {}
    first = CPU_INFO.read_text(encoding="utf-8").split("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    found = {key.strip(): value.strip() for key, _, value in pairs}
    return found | {"flags": found.get("flags", found.get("Features", ""))}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
