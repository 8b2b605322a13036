"""Work of the command ``denoise`` on one file: read, denoise, write, measure."""

from __future__ import annotations

import itertools
import os
import shutil
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from sw_model.pictures.arrays import DEEP_MAX, Pixels, is_deep, kind, to_values, without_residual
from sw_model.pictures.files import STANDARD, Source, open_image
from sw_model.pictures.noise import add_noise
from sw_model.pictures.options import Noise
from sw_model.pictures.output import check_image, image_writer, in_eight_bits, written_as
from sw_model.pictures.page import Page, is_opaque
from sw_model.spec import GREY_MAX, Deployment, UsageError
from sw_model.support.files import replacing
from sw_model.support.temporary import temporary_file

from .noise_level import TEXTURE, weakest
from .outcome import Done, Outcome, failure
from .picture import Denoised, denoise_picture
from .plan import Task

REPLACE = "--force replaces it"
LOSSY = (".jpg", ".jpeg")
STANDARD_OUTPUT = Path("standard output")

Progress = Callable[[float, float], None]

_numbers = itertools.count()
"""Numbers in the names of unfinished files."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings that all files share.

    Attributes
    ----------
    noise
        Noise that is added before denoising, to measure quality; None for none.
    level, strength, poisson
        As of `sw_model.denoising.picture.denoise_picture`.
    force
        Replace outputs that exist.
    white
        Full scale of 16-bit values; None for that of each file.
    suffix
        Format on standard output; None for the input's.
    """

    deployment: Deployment
    timesteps: int
    noise: Noise | None
    force: bool
    level: float | None = None
    strength: float = 1.0
    poisson: float | None = None
    white: int | None = None
    suffix: str | None = None

    @property
    def noise_model(self) -> dict[str, Any]:
        """What is given of the pictures' noise, as arguments of `denoise_picture`."""
        return {"level": self.level, "strength": self.strength, "poisson": self.poisson}


@dataclass(frozen=True, kw_only=True)
class Step:
    """A page to denoise.

    Attributes
    ----------
    values
        (H, W) or (H, W, 3), on the network's scale, as `denoise_picture` takes them.
    index
        Number of the page, from 0.
    pages
        Number of pages of the file.
    """

    values: npt.NDArray[Any]
    index: int
    pages: int


Work = Generator[Step, Denoised, Done]
"""The work on a file: yields each page's pixels and receives the result."""


def work(task: Task, settings: Settings, staging: Path | None = None) -> Work:
    """Read a file, have its pages denoised, write and measure them.

    Parameters
    ----------
    staging
        A folder on the output's file system in which files are written before they are renamed;
        None to write beside the output.

    Raises
    ------
    UsageError
        The picture cannot be read, or its result cannot be written.
    """
    started = time.monotonic()
    if task.target != STANDARD:
        # One of several files can also be skipped.
        advice = REPLACE if staging is None else f"{REPLACE}, --resume skips it"
        check_absent(task.target, settings.force, advice)
    with open_image(task.source, settings.white) as source:
        suffix = _suffix(task, settings, source)
        page = _first(task, settings, source, suffix)
        what, bits = _kind(page, source), (page.white or GREY_MAX).bit_length()
        if settings.noise is None:
            values = to_values(page.array, page.white)
        else:
            page, values = _with_noise(page, settings.noise, source)
        denoised = yield Step(values=values, index=0, pages=source.count)
        activity, levels, narrowed = denoised.activity, denoised.levels, False
        # The output is opened only when there is something to write.
        with (
            _target(task, settings, staging, suffix) as file,
            image_writer(file, suffix, source.count) as put,
        ):
            for index in range(source.count):
                if index > 0:
                    page = source.page(index)
                    values = to_values(page.array, page.white)
                    denoised = yield Step(values=values, index=index, pages=source.count)
                    activity += denoised.activity
                    levels += denoised.levels
                noisy = (page.array, page.white) if settings.noise is None else (values, None)
                result = without_residual(noisy[0], denoised.residual, noisy[1])
                written = written_as(suffix, replace(page, array=result))
                put(written)
                narrowed |= is_deep(result) and not is_deep(written.array)
    before = after = None
    if settings.noise is not None:
        from sw_model.pictures.metrics import (
            quality,  # its libraries take as long to import as a small picture takes
        )

        before = quality(page.array, values)
        after = quality(page.array, result)
    return Done(
        task=task,
        shape=values.shape,
        pages=source.count,
        kind=what,
        levels=levels,
        theta=activity.theta,
        seconds=time.monotonic() - started,
        before=before,
        after=after,
        note=_note(settings, suffix, min(levels), bits if narrowed else None),
    )


def denoise_file(
    task: Task, settings: Settings, progress: Progress, staging: Path | None = None
) -> Done:
    """Read, denoise and write one file; raises `UsageError` or OSError on failure."""
    working = work(task, settings, staging)
    step = next(working)
    while True:

        def report(done: float, total: float, step: Step = step) -> None:
            progress(step.index * total + done, step.pages * total)

        denoised = denoise_picture(
            settings.deployment, step.values, settings.timesteps, report, **settings.noise_model
        )
        try:
            step = working.send(denoised)
        except StopIteration as end:
            done: Done = end.value
            return done


def compute(
    deployment: Deployment,
    values: npt.NDArray[Any],
    timesteps: int,
    noise_model: dict[str, Any],
) -> Denoised:
    """The network's part of the work, which may run on another machine."""
    return denoise_picture(deployment, values, timesteps, **noise_model)


def attempt(task: Task, settings: Settings, progress: Progress, staging: Path) -> Outcome:
    """Run `denoise_file` and return a failure as an outcome, so that other files are still done."""
    try:
        return denoise_file(task, settings, progress, staging)
    except Exception as error:
        return failure(task, error)


def check_absent(path: Path, force: bool, advice: str = REPLACE) -> None:
    """Refuse to replace an existing path without ``force``."""
    if not force and os.path.lexists(path):
        raise UsageError(f"{path} exists already; {advice}")


def _suffix(task: Task, settings: Settings, source: Source) -> str:
    """Format of the output."""
    if task.target != STANDARD:
        return task.target.suffix.lower()
    return source.suffix if settings.suffix is None else settings.suffix


def _first(task: Task, settings: Settings, source: Source, suffix: str) -> Page:
    """Return the first page, after a check that all pages can be written."""
    page = source.page(0)
    if page.array.ndim == 2 and source.suffix == suffix == ".ppm":
        # The format has no grey, and the input used it too.
        page = replace(page, array=np.stack([page.array] * 3, axis=2))
    check_image(
        STANDARD_OUTPUT if task.target == STANDARD else task.target,
        page.array.shape,
        suffix=suffix,
        transparent=not is_opaque(page),
        pages=source.count,
    )
    if settings.noise is not None and source.count > 1:
        raise UsageError(
            f"{source.name} has {source.count} pages; --noise takes files of a single picture"
        )
    return page


def _kind(page: Page, source: Source) -> str:
    """Kind of a file, in words."""
    what = kind(page.array, DEEP_MAX if page.white is None else page.white)
    if page.alpha is not None:
        what += ", alpha"
    return f"{what}, {source.count} pages" if source.count > 1 else what


def _with_noise(page: Page, noise: Noise, source: Source) -> tuple[Page, Pixels]:
    """A page as a clean picture of 8 bits, and its pixels with noise."""
    page = in_eight_bits(page) if is_deep(page.array) else page
    if page.array.min() < 0 or page.array.max() > GREY_MAX:
        raise UsageError(
            f"{source.name} reaches from {page.array.min()} to {page.array.max()}; "
            f"--noise takes a clean picture of 0..{GREY_MAX}"
        )
    clean = page.array.astype(np.uint8)
    noisy = add_noise(clean, noise.sigma, noise.seed, noise.protocol)
    return replace(page, array=clean), noisy


@contextmanager
def _target(
    task: Task, settings: Settings, staging: Path | None, suffix: str
) -> Iterator[BinaryIO]:
    """Open the file of a result, which appears if the block succeeds."""
    if task.target == STANDARD:
        with temporary_file() as file:
            yield file
            file.seek(0)
            shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
    elif staging is None:
        with replacing(task.target) as path, path.open("w+b") as file:
            yield file
    else:
        task.target.parent.mkdir(parents=True, exist_ok=True)
        path = staging / f"{os.getpid()}-{next(_numbers)}{suffix}"
        with path.open("w+b") as file:
            yield file
        # Another process may have written it meanwhile.
        check_absent(task.target, settings.force)
        path.replace(task.target)


def _note(settings: Settings, suffix: str, weak: float, narrowed: int | None) -> str:
    """Return remarks on the result.

    Parameters
    ----------
    weak
        Weakest noise in it.
    narrowed
        Bits of values that were written with 8; None if there are none.
    """
    notes = []
    if settings.level is None and weak <= TEXTURE:
        notes.append(f"noise up to {TEXTURE} may be texture, and is left")
    elif weak < (least := weakest(settings.deployment)):
        notes.append(f"noise below {least:.1f} needs more than 10-bit pixels: removed in part")
    if narrowed is not None:
        notes.append(f"{suffix} holds 8 of the {narrowed} bits")
    elif settings.noise is not None and suffix in LOSSY:
        notes.append("JPEG is lossy: figures are without it")
    return "; ".join(notes)
