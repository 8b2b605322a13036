"""What the command ``denoise`` does with one file: read, denoise, write, measure."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .denoise_inputs import Task
from .denoise_picture import Denoised, denoise_picture
from .images import Pixels, add_noise
from .images_arrays import is_deep, kind, to_grey_levels, to_pixels, without_residual
from .images_files import check_image, read_image, read_profile, write_image, written_as
from .options import Noise
from .spec import GREY_MAX, Deployment, UsageError
from .support.packages import absence

if TYPE_CHECKING:
    from .metrics import Quality

LOSSY = (".jpg", ".jpeg")

Progress = Callable[[float, float], None]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is the same for all files.

    Attributes
    ----------
    noise
        Added before denoising, so that quality is measured; None for pictures as they are.
    force
        Replace outputs that exist.
    """

    deployment: Deployment
    timesteps: int
    noise: Noise | None
    force: bool


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A picture that was read.

    Attributes
    ----------
    array
        (H, W) or (H, W, 3): what the residual is taken from.
    pixels
        Of the same shape: what the network sees.
    kind
        Of the file, in words.
    profile
        ICC profile of its colours.
    """

    array: npt.NDArray[Any]
    pixels: Pixels
    kind: str
    profile: bytes | None


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
        (H, W) or (H, W, 3).
    seconds
        From reading to writing.
    before, after
        Quality of the noisy and the denoised picture, where noise was added.
    note
        What is worth knowing of the written file, or nothing.
    """

    task: Task
    shape: tuple[int, ...]
    kind: str
    theta: float
    seconds: float
    before: Quality | None
    after: Quality | None
    note: str


Outcome = Done | Failure


def load(task: Task, settings: Settings) -> Loaded:
    """Read a picture and make sure that its result can be written.

    Raises
    ------
    UsageError
        The picture cannot be read, or its result cannot be written.
    """
    check_absent(task.target, settings.force)
    array = read_image(task.source)
    what, profile = kind(array), read_profile(task.source, array)
    if array.ndim == 2 and task.source.suffix.lower() == task.target.suffix.lower() == ".ppm":
        # The format has no grey, and was good enough for the input.
        array = np.stack([array] * 3, axis=2)
    check_image(task.target, array.shape)
    if settings.noise is None:
        return Loaded(array=array, pixels=to_pixels(array), kind=what, profile=profile)
    if is_deep(array):
        array = to_grey_levels(array)
    if array.min() < 0 or array.max() > GREY_MAX:
        raise UsageError(
            f"{task.source} reaches from {array.min()} to {array.max()}; "
            f"--noise wants a clean picture of 0..{GREY_MAX}"
        )
    clean = array.astype(np.uint8)
    added = settings.noise
    pixels = add_noise(clean, added.sigma, added.seed, added.protocol)
    return Loaded(array=clean, pixels=pixels, kind=what, profile=profile)


def compute(deployment: Deployment, pixels: Pixels, timesteps: int) -> Denoised:
    """The work itself, which may be done on another machine."""
    return denoise_picture(deployment, pixels, timesteps)


def store(
    task: Task,
    settings: Settings,
    loaded: Loaded,
    denoised: Denoised,
    started: float,
    staging: Path | None = None,
) -> Done:
    """Write the result and measure it.

    Parameters
    ----------
    started
        When the file's work began, of `time.monotonic`.
    staging
        A folder on the output's file system in which files are written before they are renamed;
        None to do so beside the output.
    """
    picture: npt.NDArray[Any] = denoised.picture
    if settings.noise is None:
        picture = without_residual(loaded.array, denoised.residual)
    written = written_as(task.target, picture)
    if staging is None:
        write_image(task.target, written, loaded.profile)
    else:
        task.target.parent.mkdir(parents=True, exist_ok=True)
        place = staging / f"{os.getpid()}{task.target.suffix}"
        write_image(place, written, loaded.profile)
        # Somebody else may have written it meanwhile.
        check_absent(task.target, settings.force)
        place.replace(task.target)
    before = after = None
    if settings.noise is not None:
        from .metrics import quality  # its libraries take as long as a small picture

        before = quality(loaded.array, loaded.pixels)
        after = quality(loaded.array, denoised.picture)
    return Done(
        task=task,
        shape=loaded.pixels.shape,
        kind=loaded.kind,
        theta=denoised.activity.theta,
        seconds=time.monotonic() - started,
        before=before,
        after=after,
        note=_note(task, settings, picture is not written),
    )


def do(task: Task, settings: Settings, progress: Progress, staging: Path | None = None) -> Done:
    """Read, denoise and write one file; raises `UsageError` or OSError where that fails."""
    started = time.monotonic()
    loaded = load(task, settings)
    denoised = denoise_picture(settings.deployment, loaded.pixels, settings.timesteps, progress)
    return store(task, settings, loaded, denoised, started, staging)


def attempt(task: Task, settings: Settings, progress: Progress, staging: Path) -> Outcome:
    """As `do`, with what fails as an outcome: the other files are to be done all the same."""
    try:
        return do(task, settings, progress, staging)
    except Exception as error:
        return failure(task, error)


def failure(task: Task, error: BaseException) -> Failure:
    """The outcome of an exception."""
    if isinstance(error, UsageError):
        return Failure(task=task, reason=str(error), mistake=True)
    if isinstance(error, MemoryError):
        reason = f"{task.source} does not fit into memory"
    elif isinstance(error, OSError):
        reason = f"{error.filename or task.source}: {error.strerror or error}"
    elif isinstance(error, ImportError) and (sentence := absence(error)):
        reason = f"{task.source}: {sentence}"
    else:
        reason = f"{task.source}: {type(error).__name__}: {error}"
    return Failure(task=task, reason=reason, mistake=False)


def check_absent(path: Path, force: bool) -> None:
    """Refuse to replace what exists, unless that is asked for."""
    if not force and os.path.lexists(path):
        raise UsageError(f"{path} exists already; --force replaces it")


def _note(task: Task, settings: Settings, narrowed: bool) -> str:
    suffix = task.target.suffix.lower()
    if narrowed:
        return f"{suffix} holds 8 of the 16 bits"
    if settings.noise is not None and suffix in LOSSY:
        return "JPEG is lossy: figures are without it"
    return ""
