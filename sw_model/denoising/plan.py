"""Which files the command ``denoise`` works on, and where each result goes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sw_model.pictures.files import STANDARD
from sw_model.pictures.folders import is_picture_name
from sw_model.pictures.output import SUFFIXES
from sw_model.spec import UsageError

PATTERN = "*?["
"""Signs that make a name that does not exist a pattern."""


@dataclass(frozen=True)
class Task:
    """A picture to denoise and the file to write."""

    source: Path
    target: Path


@dataclass(frozen=True)
class Plan:
    """All that there is to do.

    Attributes
    ----------
    tasks
        In the order of the inputs, within a folder in the order of the names.
    folder
        Where all results go; None if the output is one file's.
    left_out
        What was found in folders and is no picture by its name.
    skipped
        Results that are there already, and are not to be made again.
    """

    tasks: tuple[Task, ...]
    folder: Path | None
    left_out: tuple[Path, ...] = ()
    skipped: tuple[Path, ...] = ()

    def resumed(self) -> Plan:
        """What is left of it: results that are there are skipped, whatever they were made with."""
        missing: list[Task] = []
        skipped: list[Path] = []
        for task in self.tasks:
            # A folder or a broken link of that name is no result.
            if os.path.isfile(task.target):  # noqa: PTH113 - raises for no name
                skipped.append(task.target)
            else:
                missing.append(task)
        return replace(self, tasks=tuple(missing), skipped=tuple(skipped))


def plan(inputs: Sequence[str], output: str) -> Plan:
    """Find the inputs.

    Parameters
    ----------
    inputs
        Files, folders (all pictures in them and below, their structure kept) and patterns (the
        structure below the first part with a sign of a pattern that is no folder kept), at least
        one; or ``-``.
    output
        A file or ``-`` for one file; a folder for a folder, a pattern or several inputs, and
        wherever it ends with a slash.

    Raises
    ------
    UsageError
        A pattern fits nothing, there are no pictures, two results would be the same file, or the
        folder is a file.
    """
    folder, only = _path(output), _path(inputs[0])
    slash = output.endswith(tuple(filter(None, (os.sep, os.altsep))))
    single = len(inputs) == 1 and not slash
    if STANDARD in (*map(_path, inputs), folder):
        if not single or (only != STANDARD and (_is_folder(only) or _is_pattern(inputs[0]))):
            raise UsageError("- stands for one picture; give one input, and a file or - as -o")
        return Plan(tasks=(Task(only, folder),), folder=None)
    if single and not (_is_folder(only) or _is_pattern(inputs[0])):
        return Plan(tasks=(Task(only, folder),), folder=None)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"cannot write to {output}: it is a file; give the name of a folder")
    if not (slash or folder.exists()) and folder.suffix.lower() in SUFFIXES:
        raise UsageError(
            f"{inputs[0]}{' and others' * (len(inputs) > 1)}: -o must name a folder for a folder, "
            f"a pattern or several files, and {output} looks like a file; write {output}/ if it is "
            f"meant"
        )
    tasks: list[Task] = []
    left_out: list[Path] = []
    for name in inputs:
        for source, place in _found(name, folder, left_out):
            tasks.append(Task(source, folder / place))
    if not tasks:
        raise UsageError(
            f"{', '.join(inputs)}: no pictures there; files that end in {', '.join(SUFFIXES)} "
            f"are taken"
        )
    _check_targets(tasks)
    return Plan(tasks=tuple(tasks), folder=folder, left_out=tuple(left_out))


def _path(name: str) -> Path:
    """A name as a path: ``./-`` is a file, which Python would take for ``-``."""
    path = Path(name)
    return path.absolute() if path == STANDARD and name != str(STANDARD) else path


def _found(name: str, output: Path, left_out: list[Path]) -> Iterator[tuple[Path, Path]]:
    """Each file that an input stands for, and its place below the output folder."""
    if not _is_pattern(name):
        path = _path(name)
        place = Path() if _is_folder(path) else Path(path.name)
        yield from _file_or_folder(path, place, output, left_out)
        return
    root, pattern = _split(Path(name))
    matches = sorted(_matches(root, pattern))
    if not matches:
        raise UsageError(f"no file fits the pattern {name!r}; check its folder and its suffix")
    seen: set[Path] = set()
    for match in matches:
        for source, place in _file_or_folder(match, match.relative_to(root), output, left_out):
            # With ** a folder and what is in it both fit.
            if source not in seen:
                seen.add(source)
                yield source, place


def _split(path: Path) -> tuple[Path, list[str]]:
    """The folder that a pattern begins with, and the other parts.

    A folder that exists is one, whatever signs are in its name.
    """
    root, parts = Path(), list(path.parts)
    while parts and (not _has_sign(parts[0]) or os.path.lexists(root / parts[0])):
        root /= parts.pop(0)
    return root, parts


def _matches(root: Path, parts: list[str]) -> Iterator[Path]:
    """All that fits a pattern; links to folders are not followed for ``**``."""
    # Only alone do two asterisks mean folders within folders; elsewhere they are as one.
    parts = [part if part == "**" else re.sub(r"\*\*+", "*", part) for part in parts]
    dotted = any(part.startswith(".") for part in parts)
    for match in root.glob("/".join(parts)):
        if dotted or not any(part.startswith(".") for part in match.relative_to(root).parts):
            yield match


def _file_or_folder(
    path: Path, place: Path, output: Path, left_out: list[Path]
) -> Iterator[tuple[Path, Path]]:
    """A file with its place, or all that is in a folder with that place."""
    if not _is_folder(path):
        yield path, place
        return
    for source in _pictures(path, output, left_out):
        yield source, place / source.relative_to(path)


def _pictures(folder: Path, output: Path, left_out: list[Path]) -> Iterator[Path]:
    """All pictures in a folder and below."""

    def fail(error: OSError) -> None:
        raise UsageError(f"cannot look into {error.filename}: {error.strerror}")

    for where, folders, files in os.walk(folder, onerror=fail):
        here = Path(where)
        for name in sorted(folders):
            # Results of an earlier call are no inputs of this one.
            below = here / name
            if name.startswith(".") or below.is_symlink() or _same(below, output):
                folders.remove(name)
                left_out.append(below)
        folders.sort()
        for name in sorted(files):
            path = here / name
            if is_picture_name(path, SUFFIXES):
                yield path
            else:
                left_out.append(path)


def _check_targets(tasks: Iterable[Task]) -> None:
    sources: dict[Path, Path] = {}
    for task in tasks:
        if (other := sources.setdefault(task.target, task.source)) is not task.source:
            raise UsageError(
                f"{other} and {task.source} would both become {task.target}; "
                f"denoise them into different folders"
            )


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # no name that a file can have, or one that we may not look at
        return False


def _is_pattern(name: str) -> bool:
    return _has_sign(name) and not os.path.lexists(name)


def _has_sign(name: str) -> bool:
    return any(sign in name for sign in PATTERN)


def _same(one: Path, other: Path) -> bool:
    return other.exists() and os.path.realpath(one) == os.path.realpath(other)
