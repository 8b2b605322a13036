"""Programs that this one starts, the only place that starts them.

They are in a session of their own, so that no signal of the terminal reaches them, and end when
whoever started them does, in whatever way: with all that they started, first asked and then killed.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import IO, Any

from .environment import tool_environment

PIPE = subprocess.PIPE
Command = Sequence[str | os.PathLike[str]]

_GUARD = """\
exec 3<&0 </dev/null
{ trap '' TERM; read -r _ <&3; kill -TERM 0; sleep 2; kill -KILL 0; } >/dev/null 2>&1 &
exec "$@" 3<&-
"""
"""Becomes the program, with a guard beside it that waits for the end of a pipe.

Nothing is ever written to the pipe, whose other end this process holds: it ends when that is
closed, and when this process is killed. While the guard lives, no other process group gets the
program's number.
"""

_children: dict[FileIO, subprocess.Popen[str] | None] = {}
"""Programs under way, of all threads, by the end of the pipe that their guards wait for."""
_ending = threading.Event()


class Ended(BaseException):
    """Programs are being ended: none may begin, and what they have left is not to be used."""


@contextmanager
def child(command: Command, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A program that ends when the block does; its standard input is empty.

    Parameters
    ----------
    options
        Others of `subprocess.Popen`. The environment is `tool_environment` unless it is given.

    Raises
    ------
    OSError
        There is no such program.
    Ended
        `end_children` was called, in any thread.
    """
    program = os.fspath(command[0])
    if options.get("env") is None:
        options["env"] = tool_environment()
    # A path goes out from the folder that it runs in.
    place = Path(options.get("cwd") or "", program) if os.sep in program else program
    if shutil.which(place, path=options["env"].get("PATH")) is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), program)
    reading, writing = os.pipe()
    with FileIO(writing, "w") as held, FileIO(reading) as alive:
        _children[held] = None
        try:
            check_running()
            with subprocess.Popen(
                ["/bin/sh", "-c", _GUARD, "sh", *command],
                stdin=alive,
                start_new_session=True,
                text=True,
                errors="replace",
                **options,
            ) as process:
                _children[held] = process
                alive.close()
                try:
                    yield process
                finally:
                    held.close()
                    process.wait()
                    _kill(process)
            check_running()
        finally:
            del _children[held]


def run(
    command: Command,
    *,
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
    stdout: IO[str] | int = PIPE,
    stderr: IO[str] | int = PIPE,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, as `subprocess.run` does; raises what `child` does."""
    with child(command, cwd=cwd, env=env, stdout=stdout, stderr=stderr) as process:
        output, errors = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def check_running() -> None:
    """Raise `Ended` where programs are being ended, for threads that wait for something else."""
    if _ending.is_set():
        raise Ended


def end_children() -> None:
    """Have all programs end, and refuse new ones until `allow_children`; does not wait."""
    _ending.set()
    for held in list(_children):
        held.close()


def allow_children() -> None:
    """Programs may begin again: another command has begun."""
    _ending.clear()


@contextmanager
def ending_children() -> Iterator[None]:
    """Have all programs end, and refuse new ones until the block ends."""
    before = _ending.is_set()
    end_children()
    try:
        yield
    finally:
        if not before:
            allow_children()


def kill_children() -> None:
    """Kill all programs at once."""
    for process in list(_children.values()):
        if process is not None:
            _kill(process)


def terminate_strangers() -> None:
    """End the processes that libraries have started, where the system tells of them."""
    known = {process.pid for process in list(_children.values()) if process is not None}
    for path in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):
            for number in {int(word) for word in path.read_text(encoding="utf-8").split()} - known:
                os.kill(number, signal.SIGTERM)


def _kill(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
