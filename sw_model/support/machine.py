"""The machine: its processors, its C++ compiler, and memory that is kept when freed."""

from __future__ import annotations

import ctypes
import os
import shutil
import sysconfig
from pathlib import Path

from .errors import UsageError


def processors() -> list[int]:
    """Return the numbers of the processors that this process may use, at least one."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def check_compiler() -> None:
    """Raise `UsageError` if torch.compile lacks what it needs; it would end in a traceback."""
    compiler = os.environ.get("CXX", "g++")  # as torch.compile chooses it
    if shutil.which(compiler) is None:
        raise UsageError(f"C++ compiler {compiler!r} is not installed; --no-compile does without")
    header = Path(sysconfig.get_path("include")) / "Python.h"
    if not header.exists():
        raise UsageError(
            f"{str(header)!r}, which compiled kernels include, is not installed (in Debian it is "
            "of the package python3-dev); --no-compile does without"
        )


def keep_freed_memory() -> None:
    """Make glibc keep freed memory instead of returning it to the kernel.

    A step frees and allocates the same tensors of several MiB again and again, and every page that
    comes back from the kernel is a page fault. Other C libraries have no such setting.
    """
    m_mmap_max, m_top_pad, m_trim_threshold = -4, -2, -1
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(m_mmap_max, 0)
    mallopt(m_trim_threshold, 2**31 - 1)
    mallopt(m_top_pad, 1 << 28)
