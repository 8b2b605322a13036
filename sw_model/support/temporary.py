"""Temporary folders and files; no other module makes any.

A folder is removed when its block ends; if that fails, when the command ends; if the command was
killed, when the next one needs a temporary folder in the same parent.
"""

from __future__ import annotations

import fcntl
import io
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from .errors import UsageError

PREFIX = ".spiking-dncnn-"
"""Start of the names of folders that any process may remove if they are unlocked."""
_LOCK_SECONDS = 60.0
"""Seconds after which a folder in use is certainly locked."""

_ATTEMPTS, _RETRY_SECONDS = 10, 0.05
"""Attempts to remove a folder, and seconds between them."""

_folders: set[Path] = set()
"""Folders of this process that must be removed."""
_searched: set[Path] = set()
"""Parents in which this process has looked for abandoned folders."""


def temporary_file() -> BinaryIO:
    """Open a file that nobody else sees; it is gone when it is closed or the process ends."""
    file = tempfile.TemporaryFile(buffering=0, dir=system_folder())  # noqa: SIM115 - the caller closes it
    # Readers of pictures expect a name; Python gives an unnamed file a number.
    file.name = "temporary file"
    return io.BufferedRandom(file)


def system_folder() -> Path:
    """Return the system's folder for temporary files; raise `UsageError` if there is none.

    A TMPDIR that cannot be written to is skipped.
    """
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        raise UsageError(
            f"{error.strerror}: set TMPDIR to a folder that can be written to"
        ) from None


@contextmanager
def temporary_folder(parent: Path | None = None, prefix: str = PREFIX) -> Iterator[Path]:
    """Make a folder that is removed when the block ends, in whatever way.

    Parameters
    ----------
    parent
        Folder to make it in; by default the system's folder for temporary files.
    prefix
        Start of its name. With another prefix, a folder of a killed process is never removed.

    Raises
    ------
    OSError
        The folder cannot be made there.
    UsageError
        The system has no folder for temporary files.
    """
    parent = system_folder() if parent is None else parent
    if parent not in _searched:
        _searched.add(parent)
        _remove_abandoned(parent)
    folder = parent / f"{prefix}{secrets.token_hex(6)}"
    with disposable(folder):
        folder.mkdir(mode=0o700)
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            _lock(descriptor)
            yield folder
        finally:
            os.close(descriptor)


@contextmanager
def disposable(folder: Path) -> Iterator[None]:
    """Remove a folder when the block ends, in whatever way, unless `keep` was called for it.

    Parameters
    ----------
    folder
        It may be made within the block.
    """
    path = folder.absolute()
    _folders.add(path)
    try:
        yield
    finally:
        if path in _folders:
            _remove(path)


def keep(folder: Path) -> None:
    """Do not remove a folder of `temporary_folder` or `disposable`."""
    _folders.discard(folder.absolute())


def remove_all() -> None:
    """Remove all temporary folders of this process, at its end."""
    for folder in list(_folders):
        _remove(folder)


def _remove(folder: Path) -> None:
    for _ in range(_ATTEMPTS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            break
        time.sleep(_RETRY_SECONDS)  # a program that is being killed may still write into it
    _folders.discard(folder)


def _lock(descriptor: int) -> bool:
    """Mark a folder as in use until its process ends; return False if it is in use already.

    On a file system without locks, all folders count as in use.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _remove_abandoned(parent: Path) -> None:
    """Remove the temporary folders of processes that were killed."""
    with suppress(OSError), os.scandir(parent) as entries:
        names = [entry.name for entry in entries if entry.name.startswith(PREFIX)]
        for folder in (parent / name for name in names):
            with suppress(OSError):
                descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
                try:
                    if time.time() - os.fstat(descriptor).st_mtime > _LOCK_SECONDS and _lock(
                        descriptor
                    ):
                        shutil.rmtree(folder, ignore_errors=True)
                finally:
                    os.close(descriptor)
