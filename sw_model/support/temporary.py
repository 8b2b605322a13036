"""Temporary folders and files, the only place that makes them.

Folders are gone when the block ends that they are for; where an exception comes between, when the
command ends; and where that was killed, when the next one needs a temporary folder at the same
place.
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
"""How the names begin of folders that whoever finds them unlocked may remove."""
_YOUNG = 60.0
"""Seconds after which a folder that is used is locked for sure."""

_ATTEMPTS, _AGAIN = 10, 0.05
"""How often a folder is removed that does not vanish, and seconds between."""

_places: set[Path] = set()
"""Folders of this process that are to be removed."""
_searched: set[Path] = set()
"""Where this process has looked for what was left by others."""


def temporary_file() -> BinaryIO:
    """A file that nobody else sees: it is gone when it is closed, and with the process."""
    file = tempfile.TemporaryFile(buffering=0, dir=system_folder())  # noqa: SIM115 - whoever asked for it closes it
    # Readers of pictures want a name, and Python has a number for one that has none.
    file.name = "temporary file"
    return io.BufferedRandom(file)


def system_folder() -> Path:
    """Where the system has its temporary files; raises `UsageError` where there is no such place.

    A TMPDIR that cannot be written to is passed over.
    """
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        raise UsageError(
            f"{error.strerror}: set TMPDIR to a folder that can be written to"
        ) from None


@contextmanager
def temporary_folder(parent: Path | None = None, prefix: str = PREFIX) -> Iterator[Path]:
    """A new folder that is removed when the block ends, in whatever way.

    Parameters
    ----------
    parent
        Where to make it; by default where the system has its temporary files.
    prefix
        Of its name. With another one than the default, a folder that a killed process left stays.

    Raises
    ------
    OSError
        It cannot be made there.
    UsageError
        The system has no place for temporary files.
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
    place = folder.absolute()
    _places.add(place)
    try:
        yield
    finally:
        if place in _places:
            _remove(place)


def keep(folder: Path) -> None:
    """Leave a folder of `temporary_folder` or `disposable` where it is."""
    _places.discard(folder.absolute())


def remove_all() -> None:
    """Remove all temporary folders of this process, at its end."""
    for place in list(_places):
        _remove(place)


def _remove(place: Path) -> None:
    for _ in range(_ATTEMPTS):
        shutil.rmtree(place, ignore_errors=True)
        if not place.exists():
            break
        time.sleep(_AGAIN)  # a program that is being killed may still write into it
    _places.discard(place)


def _lock(descriptor: int) -> bool:
    """Mark a folder as in use until its process ends; whether nobody else has.

    Where the file system knows no locks, all folders count as in use.
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
                    if time.time() - os.fstat(descriptor).st_mtime > _YOUNG and _lock(descriptor):
                        shutil.rmtree(folder, ignore_errors=True)
                finally:
                    os.close(descriptor)
