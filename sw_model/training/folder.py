"""The folder of a training run: its checkpoint and its log."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from sw_model.spec import UsageError
from sw_model.support.files import write_atomically
from sw_model.support.reading import parse_json

CHECKPOINT = "checkpoint.pt"
LOG = "log.jsonl"


class RunFolder:
    """The folder of a run: its checkpoint, and its log with one JSON object per line.

    Parameters
    ----------
    path
        The folder, which need not exist yet.
    resumed
        Checkpoint of the run to continue here; None for a new run.

    Raises
    ------
    UsageError
        The folder holds another run, which would be overwritten.
    """

    def __init__(self, path: Path, resumed: Path | None = None) -> None:
        self.path = path
        self.checkpoint = path / CHECKPOINT
        self.log = path / LOG
        # Unlike `Path.resolve`, it accepts links that point to themselves.
        own = os.path.realpath(self.checkpoint)
        same = resumed is not None and os.path.realpath(resumed) == own
        if self.checkpoint.exists() and not same:
            raise UsageError(
                f"{str(path)!r} already holds a run; continue it with --resume "
                f"{self.checkpoint}, or name another folder"
            )

    def make(self) -> None:
        """Makes the folder if it does not exist; raises `UsageError` if that is impossible."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            name = str(self.path)
            raise UsageError(f"cannot make the folder {name!r}: {error.strerror}") from None

    def truncate_log(self, step: int) -> None:
        """Drops the lines of steps after ``step``, which a resumed run repeats.

        A line truncated by a crash is dropped too; it belongs to such a step.
        """
        kept = []
        for line in self.log.read_bytes().splitlines() if self.log.exists() else []:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                if parse_json(line)["step"] <= step:
                    kept.append(line + b"\n")
        write_atomically(self.log, b"".join(kept))

    def append_log(self, entry: dict[str, Any]) -> str:
        """Adds a line and returns it."""
        line = json.dumps(entry)
        with self.log.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        return line
