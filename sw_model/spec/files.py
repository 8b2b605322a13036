"""Writing files so that nobody ever sees half of one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import UsageError


def write_atomically(path: Path, content: bytes) -> None:
    """Write ``content`` beside ``path`` and rename it into place.

    Raises
    ------
    UsageError
        The folder does not exist or cannot be written to.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(content)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path that becomes ``path`` when the block ends well, and vanishes otherwise.

    It has ``path``'s suffix, so that writers that choose a format by it work.
    """
    try:
        if path.is_dir():
            raise UsageError(f"cannot write {path}: it is a folder; give the name of a file")
        if path.exists() and not path.is_file():
            # A rename onto a device or a pipe would take it away from everybody.
            raise UsageError(
                f"cannot write {path}: it is not an ordinary file; give the name of one"
            )
        handle, name = tempfile.mkstemp(
            prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent
        )
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror}; give a file in a folder that exists"
        ) from None
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes private files; an output has the permissions that any new file gets.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path, marker: str) -> Iterator[Path]:
    """A temporary folder that becomes ``path`` when the block ends well, and vanishes otherwise.

    Parameters
    ----------
    marker
        Name of a file that the block writes. An existing, non-empty folder is replaced only if it
        holds a file of that name: anything else is not ours to delete.
    """
    if path.exists() and not path.is_dir():
        raise UsageError(f"cannot write to {path}: it is a file; give the name of a folder")
    if path.is_dir() and any(path.iterdir()) and not (path / marker).is_file():
        raise UsageError(
            f"cannot write to {path}: it holds other files; give a new or empty folder"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    except OSError as error:
        raise UsageError(
            f"cannot write to {path}: {error.strerror}; give a folder that can be made"
        ) from None
    try:
        temporary.chmod(0o755)
        yield temporary
        if path.exists():
            shutil.rmtree(path)
        temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
