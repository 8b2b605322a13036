"""The environment that programs are started in."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path

from .temporary import system_folder, temporary_folder

PASSED_ON = ("PATH", "HOME", "LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONPATH", "PYTHONHOME")
"""Variables that are needed to find and start a program.

All others are dropped: make reads every variable as one of its own, compilers, simulators and
cocotb read dozens, and their results must depend on their command lines alone.
"""


def tool_environment() -> dict[str, str]:
    """Return the environment for every program that is started.

    Messages are in English; temporary and cache folders are writable.

    Raises
    ------
    UsageError
        There is no folder for temporary files.
    """
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ} | {
        "LC_ALL": "C.UTF-8",
        "TMPDIR": str(system_folder()),
        "XDG_CACHE_HOME": _cache_home(),
    }


def set_cache_folders() -> None:
    """Give matplotlib a folder for its files, in this process, if the user has no home.

    Otherwise it makes a new one in each process, with a warning.
    """
    if not os.access(os.path.expanduser("~"), os.W_OK):  # noqa: PTH111 - Path raises without a home
        os.environ.setdefault("MPLCONFIGDIR", str(Path(_cache_home(), "matplotlib")))


_own = ExitStack()


@cache
def _cache_home() -> str:
    """Return the folder where tools cache what they compile, WebAssembly above all.

    The user's cache folder; if it cannot be written, as in a container without a home, one beside
    the installed packages, or else one that lasts as long as this process.
    """
    # Path.expanduser raises where the user has no home.
    default = os.path.expanduser("~/.cache")  # noqa: PTH111 - see above
    given = os.environ.get("XDG_CACHE_HOME") or default
    for folder in (Path(given), Path(sys.prefix, ".cache")):
        with suppress(OSError):
            folder.mkdir(exist_ok=True)
            with temporary_folder(folder):
                return str(folder.absolute())
    return str(_own.enter_context(temporary_folder()))
