"""The training run for a request."""

from __future__ import annotations

from typing import Any

from ..data import TRAINING_FOLDER, TrainingSet
from ..run import TrainingRun
from .beginnings import initial_state
from .request import Request
from .resume import resumed


def begin(request: Request, images: TrainingSet, **settings: Any) -> TrainingRun:
    """The new or resumed run.

    Parameters
    ----------
    settings
        ``compiled``, ``workers`` and ``device``, see `TrainingRun`.

    Raises
    ------
    UsageError
        The options do not fit each other or the initial network.
    """
    if request.kind == "resume":
        return TrainingRun.resume(resumed(request), images, teacher=request.teacher, **settings)
    start = initial_state(request, images)
    request.check(start.options)
    return TrainingRun(
        start.options,
        images,
        start.model,
        history=start.history,
        data=f"{TRAINING_FOLDER}: {len(images.images)} images, {len(images.held_out)} held out",
        teacher=request.teacher,
        **settings,
    )
