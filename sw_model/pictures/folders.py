"""Which files of a folder are its pictures: one rule for every command that takes a folder."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from sw_model.spec import UsageError

from .output import PICTURES


def is_picture_name(path: Path, suffixes: Collection[str] = PICTURES) -> bool:
    """Whether a file in a folder is one of its pictures, by its name alone.

    The name must have one of the suffixes, in capitals or not, and no dot in front, as hidden
    companions of pictures (``._a.png``) and unfinished files have.
    """
    return path.suffix.lower() in suffixes and not path.name.startswith(".")


def pictures_in(folder: Path) -> list[Path]:
    """The pictures directly in a folder, in the order of their names.

    Raises
    ------
    UsageError
        The folder cannot be read.
    """
    try:
        return sorted(p for p in folder.iterdir() if is_picture_name(p) and not p.is_dir())
    except OSError as error:
        raise UsageError(f"cannot look into {folder}: {error.strerror}") from None
