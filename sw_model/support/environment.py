"""The environment that programs are started in."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path

from .temporary import system_folder, temporary_folder

PASSED_ON = ("PATH", "HOME", "LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONPATH", "PYTHONHOME")
"""Variables that a program needs to be found and to start.

There are no others: make takes every variable for one of its own, compilers, simulators and cocotb
obey dozens, and what they do must follow from their command lines alone.
"""


def tool_environment() -> dict[str, str]:
    """The environment of every program that is started.

    Messages are in English, and temporary files where they can be written.

    Raises
    ------
    UsageError
        There is no place for temporary files.
    """
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ} | {
        "LC_ALL": "C.UTF-8",
        "TMPDIR": str(system_folder()),
        "XDG_CACHE_HOME": _cache_home(),
    }


def settle_caches() -> None:
    """Give matplotlib, in this process, a place for its files where the user has no home.

    It would make one each time, and complain.
    """
    if not os.access(os.path.expanduser("~"), os.W_OK):  # noqa: PTH111 - there may be no name
        os.environ.setdefault("MPLCONFIGDIR", str(Path(_cache_home(), "matplotlib")))


_own = ExitStack()


@cache
def _cache_home() -> str:
    """Where tools keep what they have compiled, WebAssembly above all.

    The user's folder for such things; where it cannot be written, as in a container without a home,
    one beside the installed packages, or else one that lasts as long as this process.
    """
    given = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
    for folder in (Path(given), Path(sys.prefix, ".cache")):
        with suppress(OSError):
            folder.mkdir(exist_ok=True)
            with temporary_folder(folder):
                return str(folder.absolute())
    return str(_own.enter_context(temporary_folder()))
