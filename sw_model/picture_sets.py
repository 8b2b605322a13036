"""Which clean pictures a command works on: files, a folder of them, or a data set by its name."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from .data import DATA_VARIABLE, data_folder, dataset_files
from .picture_files import pictures_in
from .spec import UsageError

SETS = {"set12": 12, "bsd68": 68}
"""Data sets with published figures, and how many pictures they have."""
DEFAULT_SET = "set12"


@dataclass(frozen=True, kw_only=True)
class PictureSet:
    """Pictures, and the set that they are.

    Attributes
    ----------
    files
        At least one, in the order of their names or as given.
    name
        The known set that they are, all of it; None for other pictures.
    """

    files: tuple[Path, ...]
    name: str | None


def add_picture_options(parser: argparse.ArgumentParser) -> None:
    """Options that choose clean pictures."""
    parser.add_argument(
        "pictures", type=Path, nargs="*", metavar="IN", help="clean pictures instead of a set"
    )
    parser.add_argument(
        "--data",
        metavar="DIR",
        help="folder that holds the sets' folders, or a folder of pictures to take all of "
        f"(default: the variable {DATA_VARIABLE})",
    )
    parser.add_argument(
        "--set", choices=SETS, help=f"set of pictures in that folder (default: {DEFAULT_SET})"
    )


def picture_set(args: argparse.Namespace) -> PictureSet:
    """The pictures that were chosen; raises `UsageError` if there are none such."""
    if args.pictures:
        if args.data is not None or args.set is not None:
            raise UsageError("give either pictures or a set with --data and --set, not both")
        return PictureSet(files=tuple(args.pictures), name=None)
    folder = data_folder(args.data)
    if args.set is None and (files := pictures_in(folder)):
        return _named(files, folder.resolve().name)
    name = args.set or DEFAULT_SET
    if args.set is None and not (folder / name).is_dir():
        raise UsageError(
            f"{str(folder)!r} holds neither pictures nor the folder of the data set {name!r}"
        )
    return _named(dataset_files(name, args.data), name)


def _named(files: list[Path], name: str) -> PictureSet:
    # A folder that merely has the name of a set must not be held against the set's figures.
    return PictureSet(files=tuple(files), name=name if SETS.get(name) == len(files) else None)
