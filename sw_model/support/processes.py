"""Starting other programs; no other module starts any.

Each program runs in a session of its own, so that no signal of the terminal reaches it. When the
process that started it ends, in whatever way, the program and all that it started are ended too:
with SIGTERM, then with SIGKILL.
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
"""Shell script that becomes the program, with a guard process that waits for the end of a pipe.

This process holds the other end and writes nothing: the pipe ends when that end is closed or this
process is killed. While the guard lives, no other process group gets the program's number.
"""

_children: dict[FileIO, subprocess.Popen[str] | None] = {}
"""Running programs of all threads, by the pipe end that their guards wait for."""
_ending = threading.Event()


class Ended(BaseException):
    """Programs are being ended: none may start, and their results must not be used."""


@contextmanager
def child(command: Command, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Run a program that ends when the block does; its standard input is empty.

    Parameters
    ----------
    options
        Other arguments of `subprocess.Popen`; ``env`` is `tool_environment` by default.

    Raises
    ------
    OSError
        The program does not exist.
    Ended
        `end_children` was called in any thread.
    """
    program = os.fspath(command[0])
    if options.get("env") is None:
        options["env"] = tool_environment()
    # A relative path starts at the folder that the program runs in.
    executable = Path(options.get("cwd") or "", program) if os.sep in program else program
    if shutil.which(executable, path=options["env"].get("PATH")) is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), program)
    reading, writing = os.pipe()
    with FileIO(writing, "w") as guard_pipe, FileIO(reading) as guard_input:
        _children[guard_pipe] = None
        try:
            check_running()
            with subprocess.Popen(
                ["/bin/sh", "-c", _GUARD, "sh", *command],
                stdin=guard_input,
                start_new_session=True,
                text=True,
                errors="replace",
                **options,
            ) as process:
                _children[guard_pipe] = process
                guard_input.close()
                try:
                    yield process
                finally:
                    guard_pipe.close()
                    process.wait()
                    _kill(process)
            check_running()
        finally:
            del _children[guard_pipe]


def run(
    command: Command,
    *,
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
    stdout: IO[str] | int = PIPE,
    stderr: IO[str] | int = PIPE,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, as `subprocess.run` does; raises the errors of `child`."""
    with child(command, cwd=cwd, env=env, stdout=stdout, stderr=stderr) as process:
        output, errors = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def check_running() -> None:
    """Raise `Ended` if programs are being ended; for threads that wait for something else."""
    if _ending.is_set():
        raise Ended


def end_children() -> None:
    """End all programs and refuse new ones until `allow_children`; does not wait."""
    _ending.set()
    for guard_pipe in list(_children):
        guard_pipe.close()


def allow_children() -> None:
    """Allow programs to start again: a new command has begun."""
    _ending.clear()


@contextmanager
def ending_children() -> Iterator[None]:
    """End all programs, and refuse new ones until the block ends."""
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


def terminate_library_processes() -> None:
    """Terminate the processes that libraries have started, if the system lists them."""
    known = {process.pid for process in list(_children.values()) if process is not None}
    for path in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):
            for number in {int(word) for word in path.read_text(encoding="utf-8").split()} - known:
                os.kill(number, signal.SIGTERM)


def _kill(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
