"""Atomic writing of files and folders: nobody ever sees half of one."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .errors import UsageError
from .processes import check_running
from .temporary import temporary_folder

_POLL = 0.1
"""Seconds until a lock is tried again."""


def write_atomically(path: Path, content: bytes) -> None:
    """Write ``content`` beside ``path`` and rename it into place.

    Raises
    ------
    UsageError
        The folder does not exist or cannot be written to.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(content)


MARKER = ".spiking-dncnn"
"""Name of the file that marks a folder as written by this project."""


def check_output(path: Path) -> None:
    """Refuse a path that no file can be written to, before any work is done.

    Raises
    ------
    UsageError
        Its folder does not exist, or it cannot be an ordinary file.
    """
    mode = _mode(path)
    if mode is None and not path.parent.is_dir():
        raise UsageError(f"cannot write {path}: {path.parent} is not a folder that exists")
    if mode is not None and stat.S_ISDIR(mode):
        raise UsageError(f"cannot write {path}: it is a folder; give the name of a file")
    if mode is not None and not stat.S_ISREG(mode):
        # A rename would replace a device or a pipe for everybody.
        raise UsageError(f"cannot write {path}: it is not an ordinary file; give the name of one")


def _mode(path: Path) -> int | None:
    """Return the file mode of an output path, None if nothing exists there."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:  # links in a circle, a name that is too long
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: Exception) -> UsageError:
    why = getattr(error, "strerror", None) or error
    return UsageError(f"cannot write {path}: {why}; give a path in a folder that exists")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path; it becomes ``path`` if the block succeeds, and is removed if not.

    It has the name of ``path``, for writers that choose a format by the name.
    """
    check_output(path)
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(temporary_folder(path.parent))
        except OSError as error:
            raise _unwritable(path, error) from None
        temporary = folder / path.name
        yield temporary
        temporary.replace(path)


@contextmanager
def replacing_folder(path: Path, kind: str) -> Iterator[Path]:
    """Yield a temporary folder; it becomes ``path`` if the block succeeds, and is removed if not.

    The folder gets a file `MARKER` with ``kind`` and the names of all files. An existing folder
    is replaced only if its marker has the same kind and names all files in it: other files must
    not be deleted.

    Parameters
    ----------
    kind
        What the folder holds, in a few words.

    Raises
    ------
    UsageError
        The folder cannot be made, or holds other files.
    """
    mode = _mode(path)
    shown, path = path, path.resolve()
    if mode is not None and not stat.S_ISDIR(mode):
        raise UsageError(f"cannot write to {shown}: it is a file; give the name of a folder")
    if Path.cwd().is_relative_to(path):
        raise UsageError(
            f"cannot write to {shown}: it is or holds the working folder; give another"
        )
    if path.is_dir() and (foreign := sorted(_files(path) - _marked(path, kind))):
        raise UsageError(
            f"cannot write to {shown}: it holds other files ({foreign[0]}); "
            f"delete them, or give a new or empty folder"
        )
    with staging_folder(path.parent, shown) as folder:
        temporary, old = folder / "new", folder / "old"
        temporary.mkdir()
        yield temporary
        names = [kind, *sorted(_files(temporary))]
        (temporary / MARKER).write_bytes(os.fsencode("".join(f"{name}\n" for name in names)))
        if path.exists():
            path.rename(old)
        try:
            temporary.replace(path)
        except BaseException:
            if old.exists() and not path.exists():
                old.rename(path)
            raise


@contextmanager
def staging_folder(folder: Path, shown: Path) -> Iterator[Path]:
    """Make a temporary folder in ``folder``, for files that are renamed into place when complete.

    Parameters
    ----------
    folder
        Made if it does not exist.
    shown
        The output that the user asked for.

    Raises
    ------
    UsageError
        The folder cannot be made.
    """
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            staging = stack.enter_context(temporary_folder(folder))
        except OSError as error:
            raise UsageError(
                f"cannot write to {shown}: {error.strerror}; give a folder that can be made"
            ) from None
        yield staging


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file; other processes and threads wait for it."""
    with path.open("w", encoding="utf-8") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                check_running()
                time.sleep(_POLL)
        yield


def _files(folder: Path) -> set[str]:
    """Return the names of all files below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def _marked(folder: Path, kind: str) -> set[str]:
    """Return the names that a folder's marker lists; none if it is of another kind."""
    try:
        first, *names = os.fsdecode((folder / MARKER).read_bytes()).split("\n")[:-1]
    except (OSError, ValueError):
        return set()
    return {*names, MARKER} if first == kind else set()
