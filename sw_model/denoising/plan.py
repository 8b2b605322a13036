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
"""Wildcards, which make a name a pattern if no such file exists."""


@dataclass(frozen=True)
class Task:
    """A picture to denoise and the file to write."""

    source: Path
    target: Path


@dataclass(frozen=True)
class Plan:
    """All tasks of a call.

    Attributes
    ----------
    tasks
        In the order of the inputs; within a folder, in the order of the names.
    folder
        Folder of all results; None if the output is a single file.
    left_out
        Paths in folders that are no pictures by their names.
    skipped
        Results that exist already and are not made again.
    """

    tasks: tuple[Task, ...]
    folder: Path | None
    left_out: tuple[Path, ...] = ()
    skipped: tuple[Path, ...] = ()

    def resumed(self) -> Plan:
        """Return the plan without existing results, whatever they were made with."""
        missing: list[Task] = []
        skipped: list[Path] = []
        for task in self.tasks:
            # A folder or a broken link with that name is not a result.
            if os.path.isfile(task.target):  # noqa: PTH113 - Path raises on bad names
                skipped.append(task.target)
            else:
                missing.append(task)
        return replace(self, tasks=tuple(missing), skipped=tuple(skipped))


def plan(inputs: Sequence[str], output: str) -> Plan:
    """Find the inputs.

    Parameters
    ----------
    inputs
        At least one file, folder or pattern; or ``-``. All pictures in a folder and below are
        taken, and its structure is kept; of a pattern, the structure below its leading folder
        without wildcards.
    output
        A file or ``-`` for one file; a folder for a folder, a pattern or several inputs, and
        whenever it ends with a slash.

    Raises
    ------
    UsageError
        A pattern matches nothing, there are no pictures, two results would be the same file, or the
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
            f"a pattern or several files, and {output} looks like a file; write {output}/ for a "
            f"folder"
        )
    tasks: list[Task] = []
    left_out: list[Path] = []
    for name in inputs:
        for source, relative in _found(name, folder, left_out):
            tasks.append(Task(source, folder / relative))
    if not tasks:
        raise UsageError(
            f"{', '.join(inputs)}: no pictures found; files that end in {', '.join(SUFFIXES)} "
            f"are taken"
        )
    _check_targets(tasks)
    return Plan(tasks=tuple(tasks), folder=folder, left_out=tuple(left_out))


def _path(name: str) -> Path:
    """Return a name as a path: ``./-`` is a file, which Python would take for ``-``."""
    path = Path(name)
    return path.absolute() if path == STANDARD and name != str(STANDARD) else path


def _found(name: str, output: Path, left_out: list[Path]) -> Iterator[tuple[Path, Path]]:
    """Yield each file of an input, and the path of its result in the output folder."""
    if not _is_pattern(name):
        path = _path(name)
        relative = Path() if _is_folder(path) else Path(path.name)
        yield from _file_or_folder(path, relative, output, left_out)
        return
    root, pattern = _split(Path(name))
    matches = sorted(_matches(root, pattern))
    if not matches:
        raise UsageError(f"no file matches the pattern {name!r}; check its folder and its suffix")
    seen: set[Path] = set()
    for match in matches:
        for source, relative in _file_or_folder(match, match.relative_to(root), output, left_out):
            # With **, a folder and its files both match.
            if source not in seen:
                seen.add(source)
                yield source, relative


def _split(path: Path) -> tuple[Path, list[str]]:
    """Split a pattern into its leading folder and the other parts.

    An existing folder is taken literally, even with wildcards in its name.
    """
    root, parts = Path(), list(path.parts)
    while parts and (not _has_wildcard(parts[0]) or os.path.lexists(root / parts[0])):
        root /= parts.pop(0)
    return root, parts


def _matches(root: Path, parts: list[str]) -> Iterator[Path]:
    """Yield all paths that match a pattern; ``**`` does not follow links to folders."""
    # Two asterisks mean nested folders only as a part by themselves; elsewhere they act as one.
    parts = [part if part == "**" else re.sub(r"\*\*+", "*", part) for part in parts]
    dotted = any(part.startswith(".") for part in parts)
    for match in root.glob("/".join(parts)):
        if dotted or not any(part.startswith(".") for part in match.relative_to(root).parts):
            yield match


def _file_or_folder(
    path: Path, relative: Path, output: Path, left_out: list[Path]
) -> Iterator[tuple[Path, Path]]:
    """Yield a file with its relative path, or all pictures of a folder below that path."""
    if not _is_folder(path):
        yield path, relative
        return
    for source in _pictures(path, output, left_out):
        yield source, relative / source.relative_to(path)


def _pictures(folder: Path, output: Path, left_out: list[Path]) -> Iterator[Path]:
    """Yield all pictures in a folder and below."""

    def fail(error: OSError) -> None:
        raise UsageError(f"cannot look into {error.filename}: {error.strerror}")

    for where, folders, files in os.walk(folder, onerror=fail):
        here = Path(where)
        for name in sorted(folders):
            # Results of an earlier call are not inputs of this one.
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
    except (OSError, ValueError):  # not a valid name, or no permission
        return False


def _is_pattern(name: str) -> bool:
    return _has_wildcard(name) and not os.path.lexists(name)


def _has_wildcard(name: str) -> bool:
    return any(wildcard in name for wildcard in PATTERN)


def _same(one: Path, other: Path) -> bool:
    return other.exists() and os.path.realpath(one) == os.path.realpath(other)
