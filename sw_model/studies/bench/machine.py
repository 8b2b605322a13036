"""The machine of the benchmark: processor, bfloat16 support, versions, load, and peak memory."""

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
"""Linux's names of the instruction sets that multiply bfloat16, on x86 and on ARM."""
PACKAGES = ("numpy", "numba", "torch", "snntorch", "spikingjelly")


def machine(packages: Sequence[str] = PACKAGES) -> dict[str, Any]:
    """Description of the machine, with the packages' versions, as plain JSON values."""
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

    On Linux a child inherits ru_maxrss through fork and exec, so it starts with its parent's peak;
    VmHWM of /proc starts anew.
    """
    if STATUS.exists():
        for line in STATUS.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _cpu_info() -> dict[str, str]:
    """Entries of the first processor in /proc/cpuinfo; empty where it does not exist."""
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
