"""The run that a request asks for."""

from __future__ import annotations

from typing import Any

from ..data import TRAINING_FOLDER, TrainingSet
from ..run import TrainingRun
from .beginnings import beginning
from .request import Request
from .resume import resumed


def begin(request: Request, images: TrainingSet, **how: Any) -> TrainingRun:
    """The run to be done.

    Parameters
    ----------
    how
        ``compiled``, ``workers`` and ``device`` as of `TrainingRun`.

    Raises
    ------
    UsageError
        The options do not fit each other, or the network that the run begins with.
    """
    if request.kind == "resume":
        return TrainingRun.resume(resumed(request), images, teacher=request.teacher, **how)
    start = beginning(request, images)
    request.check(start.options)
    return TrainingRun(
        start.options,
        images,
        start.model,
        history=start.history,
        data=f"{TRAINING_FOLDER}: {len(images.images)} images, {len(images.held_out)} held out",
        teacher=request.teacher,
        **how,
    )
