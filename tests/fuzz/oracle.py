"""Checks for every input: exit code, one short line on stderr, no half-written file, time."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from amaranth.hdl import UnusedElaboratable

CODES = (0, 1, 2, 130)
LINE_MAX = 450
"""Characters allowed in a line on stderr, including the program's name."""
SECONDS = 20
"""Time limit of an input; on an idle machine most take a hundredth of it."""
WORK_SECONDS = 2
"""After this time, a command that may work for long is assumed to have checked its input."""
IDLE = 0.05
"""Smallest share of processor time of a working program; below it, the program is waiting."""
TEMPORARY = re.compile(r"(^|/)\.(new|denoise|spiking-dncnn)-")
"""Name of a temporary file or folder."""
DISGUISED = re.compile(r"\b[A-Z]\w*(Error|Exception|Interrupt)\b: ")
"""An unexpected exception printed without its traceback."""


class LongWorkStarted(BaseException):
    """A command has checked its input and begins work that takes long."""


class Hang(BaseException):
    """An input took too long."""


@dataclass(frozen=True)
class Case:
    """An input.

    Attributes
    ----------
    kind
        Kind of the input, for the report.
    main
        The program: takes its arguments, returns its exit code.
    arguments
        Arguments of the program.
    files
        Content of each file in the working folder, by name; None for a folder.
    links
        Targets of symbolic links by name; an empty target makes a named pipe.
    encoding
        Encoding of stdout and stderr.
    works
        Whether the program may begin long work; this counts as success.
    many
        Whether the program may process several files, each of which can fail separately.
    """

    kind: str
    main: Callable[[Sequence[str]], int]
    arguments: list[str]
    files: dict[str, bytes | None] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    works: bool = False
    many: bool = False


def write(case: Case, folder: Path) -> None:
    """Write the case's files and links into a folder."""
    for name, content in case.files.items():
        if content is None:
            (folder / name).mkdir()
        else:
            (folder / name).write_bytes(content)
    for name, target in case.links.items():
        if target:
            (folder / name).symlink_to(target)
        else:
            os.mkfifo(folder / name)


def judge(case: Case, folder: Path, seconds: float = SECONDS) -> str | None:
    """Run a case in an empty folder; return what is wrong, or None.

    The folder is empty again afterwards.
    """
    write(case, folder)
    before = contents(folder)
    here = Path.cwd()
    code: int | None = None
    complaint = None
    with tempfile.TemporaryFile() as stderr:
        try:
            os.chdir(folder)
            with _limited(case, seconds), _redirected(stderr, case.encoding):
                code = case.main(case.arguments)
        except LongWorkStarted:
            pass
        except Hang:
            complaint = f"no end within {seconds} s: {_location()}"
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else bool(error.code)
        except BaseException as error:
            complaint = f"{type(error).__name__} at {_location()}: {error}"[:600]
        finally:
            os.chdir(here)
        stderr.seek(0)
        text = stderr.read().decode("utf-8", "replace")
    try:
        return complaint or _complaint(case, code, text, before, contents(folder))
    finally:
        _empty(folder)


def contents(folder: Path) -> dict[str, bytes | None]:
    """Bytes of all files below a folder by name; None for links and special files."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        if path.is_file() and not path.is_symlink()
        else None
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }


def _complaint(
    case: Case,
    code: int | None,
    err: str,
    before: dict[str, bytes | None],
    after: dict[str, bytes | None],
) -> str | None:
    lines = err.splitlines()
    if code not in (None, *CODES):
        return f"exit code {code}"
    if "Traceback" in err or DISGUISED.search(err):
        return f"a traceback or a bare exception: {err[-300:]!r}"
    if code and (not lines if case.many else len(lines) != 1):
        return f"{len(lines)} lines on stderr: {err[:300]!r}"
    if any(len(line) > LINE_MAX for line in lines):
        return f"a line of {max(map(len, lines))} characters: {err[:200]!r}"
    changed = sorted(n for n in after.keys() | before.keys() if after.get(n) != before.get(n))
    if any(TEMPORARY.search(name) for name in after.keys() - before.keys()):
        return f"left behind: {changed[:5]}"
    if code != 0 and changed and not case.many:
        return f"exit code {code}, but files changed: {changed[:5]}"
    return None


@contextlib.contextmanager
def _limited(case: Case, seconds: float) -> Iterator[None]:
    """Raise `Hang` at the time limit, or `LongWorkStarted` earlier if the case is at work."""
    began, used = time.monotonic(), time.process_time()

    def ring(number: int, frame: object) -> None:
        passed = time.monotonic() - began
        if case.works and time.process_time() - used > IDLE * passed:
            raise LongWorkStarted
        if passed >= seconds - 0.1:
            raise Hang

    old = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, min(WORK_SECONDS, seconds) if case.works else seconds, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


@contextlib.contextmanager
def _redirected(stderr: IO[bytes], encoding: str) -> Iterator[None]:
    """Redirect stderr to a file, also for C libraries, and discard stdout."""
    screen, hook = os.dup(2), sys.unraisablehook
    stream = io.FileIO(os.dup(stderr.fileno()), "w")
    with (
        io.TextIOWrapper(io.BytesIO(), encoding) as out,
        io.TextIOWrapper(stream, encoding, write_through=True) as err,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        warnings.catch_warnings(),
    ):
        # Hardware is described but not elaborated, because the work is interrupted.
        warnings.simplefilter("ignore", UnusedElaboratable)
        os.dup2(stderr.fileno(), 2)
        # Python ignores exceptions in destructors; the next alarm will raise again.
        sys.unraisablehook = lambda what: (
            None if isinstance(what.exc_value, (LongWorkStarted, Hang)) else hook(what)
        )
        try:
            yield
        finally:
            sys.unraisablehook = hook
            os.dup2(screen, 2)
            os.close(screen)


def _location() -> str:
    """Location of the current exception, in the project's code if possible."""
    frames = traceback.extract_tb(sys.exc_info()[2])
    ours = [f for f in frames if re.search(r"/(sw_model|rtl|hls|sim)/[\w/]+\.py$", f.filename)]
    frame = (ours or frames)[-1]
    return f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno}"


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
