"""Checks that third-party programs are installed and start."""

from __future__ import annotations

import shutil
from functools import cache

from .errors import UsageError
from .processes import run


def check_program(user: str, program: str, package: str, flag: str = "--version") -> str:
    """Return the first line that a program on the PATH prints about its version.

    Parameters
    ----------
    user
        What needs the program.
    package
        Debian package of the program.

    Raises
    ------
    UsageError
        The program is missing or does not start.
    """
    path = shutil.which(program)
    if path is None:
        raise UsageError(
            f"{user} needs {program}, which is not on the PATH: run `apt install {package}`"
        )
    code, version = _run_version(path, flag)
    if code:
        raise UsageError(
            f"{user} needs {program}, but {path} does not start (exit code {code}"
            f"{version and f', {version!r}'}): repair it, or put another one before it on the "
            f"PATH; Debian's is in package {package}"
        )
    return version


@cache
def _run_version(path: str, flag: str) -> tuple[int, str]:
    """Return the exit code of a program and the first line that it prints."""
    done = run([path, flag])
    return done.returncode, (done.stdout + done.stderr).strip().partition("\n")[0]
