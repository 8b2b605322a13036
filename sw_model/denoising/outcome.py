"""How a file of the command ``denoise`` ended."""

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
    """Why a file was not done."""

    task: Task
    reason: str
    mistake: bool
    """Whether the user can do something about it; otherwise the system failed."""


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
        Of the file, in words.
    levels
        Of the noise in each channel of each page.
    seconds
        From reading to writing.
    before, after
        Quality of the noisy and the denoised picture, where noise was added.
    note
        What is worth knowing of the result, or nothing.
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
    """The outcome of an exception."""
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
