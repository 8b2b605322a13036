"""Which clean pictures a command works on: files, a folder of them, or a data set by its name."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from sw_model.spec import UsageError

from .eight_bit import ACCEPTED
from .folders import pictures_in

DATA_VARIABLE = "SPIKING_DNCNN_DATA"
"""Environment variable with the folder of the data sets."""
SETS = {"set12": 12, "bsd68": 68, "cbsd68": 68, "kodak24": 24}
"""Data sets on which denoisers are compared, and how many pictures they have."""
DEFAULT_SET = "set12"


def data_folder(option: str | os.PathLike[str] | None = None) -> Path:
    """The folder of the data sets.

    Parameters
    ----------
    option
        Value of ``--data``; by default that of the variable ``SPIKING_DNCNN_DATA``.

    Raises
    ------
    UsageError
        The folder is not given or does not exist.
    """
    origin = "--data" if option is not None else DATA_VARIABLE
    named = option if option is not None else os.environ.get(DATA_VARIABLE)
    if named is None:
        raise UsageError(
            f"no folder of data sets is known; name one with --data DIR or with {DATA_VARIABLE}"
        )
    if not Path(named).is_dir():
        raise UsageError(f"{origin} names {str(named)!r}, which is not a folder of data sets")
    return Path(named)


def dataset_files(name: str, option: str | os.PathLike[str] | None = None) -> list[Path]:
    """The pictures of data set ``name`` in the order of their names.

    Raises
    ------
    UsageError
        The folder of the data set is missing or holds no pictures.
    """
    folder = data_folder(option) / name
    files = pictures_in(folder) if folder.is_dir() else []
    if not files:
        raise UsageError(f"{str(folder)!r} holds no pictures of the data set {name!r}; {ACCEPTED}")
    return files


@dataclass(frozen=True, kw_only=True)
class PictureSet:
    """Pictures, and the set that they form.

    Attributes
    ----------
    files
        At least one, in the order of their names or as given.
    name
        The known set that they form completely; None for other pictures.
    """

    files: tuple[Path, ...]
    name: str | None


def add_picture_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose clean pictures."""
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
    """Return the chosen pictures; raise `UsageError` if they do not exist."""
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
    # A folder that only has the name of a set must not be compared with the set's figures.
    return PictureSet(files=tuple(files), name=name if SETS.get(name) == len(files) else None)
