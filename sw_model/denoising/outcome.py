"""Outcome of a file of the command ``denoise``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sw_model.spec import UsageError
from sw_model.support.packages import missing_package

from .plan import Task

if TYPE_CHECKING:
    from sw_model.pictures.metrics import Quality


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A file that was not done, and why."""

    task: Task
    reason: str
    mistake: bool
    """Whether it is a usage error; otherwise the system failed."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """Figures of a file that was written.

    Attributes
    ----------
    shape
        (H, W) or (H, W, 3), of the last page.
    pages
        Number of pages.
    kind
        Kind of the file, in words.
    levels
        Noise level of each channel of each page.
    seconds
        Time from reading to writing.
    before, after
        Quality of the noisy and the denoised picture, if noise was added.
    note
        Remarks on the result, or an empty string.
    """

    task: Task
    shape: tuple[int, ...]
    pages: int
    kind: str
    levels: tuple[float, ...]
    theta: float
    seconds: float
    before: Quality | None
    after: Quality | None
    note: str


Outcome = Done | Failure


def failure(task: Task, error: BaseException) -> Failure:
    """Return the outcome for an exception."""
    if isinstance(error, UsageError):
        return Failure(task=task, reason=str(error), mistake=True)
    if isinstance(error, MemoryError):
        reason = f"{task.source} does not fit into memory"
    elif isinstance(error, OSError):
        reason = f"{error.filename or task.source}: {error.strerror or error}"
    elif isinstance(error, ImportError) and (sentence := missing_package(error)):
        reason = f"{task.source}: {sentence}"
    else:
        reason = f"{task.source}: {type(error).__name__}: {error}"
    return Failure(task=task, reason=reason, mistake=False)
