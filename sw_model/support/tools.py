"""Other people's programs: whether they are there, and start."""

from __future__ import annotations

import shutil
from functools import cache

from .errors import UsageError
from .processes import run


def check_program(user: str, program: str, package: str, flag: str = "--version") -> str:
    """The first line that a program on the PATH says about its version.

    Parameters
    ----------
    user
        What needs it.
    package
        What Debian calls the package that has it.

    Raises
    ------
    UsageError
        It is not there, or does not start.
    """
    path = shutil.which(program)
    if path is None:
        raise UsageError(
            f"{user} needs {program}, which is not on the PATH: run `apt install {package}`"
        )
    code, told = _answer(path, flag)
    if code:
        raise UsageError(
            f"{user} needs {program}, but {path} does not start (exit code {code}"
            f"{told and f', {told!r}'}): repair it, or put another one before it on the PATH; "
            f"Debian's is in package {package}"
        )
    return told


@cache
def _answer(path: str, flag: str) -> tuple[int, str]:
    """Exit code of a program, and the first line that it prints."""
    done = run([path, flag])
    return done.returncode, (done.stdout + done.stderr).strip().partition("\n")[0]
