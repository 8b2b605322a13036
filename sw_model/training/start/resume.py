"""The run that a checkpoint was written of, going on."""

from __future__ import annotations

import dataclasses

from sw_model.support.errors import Field, OptionsError

from ..checkpoint import Checkpoint
from .request import Request


def resumed(request: Request) -> Checkpoint:
    """The checkpoint to go on from, with the number of steps that is asked for.

    Raises
    ------
    UsageError
        The file is no checkpoint; another option than the steps is asked to change; fewer steps
        than those done; or the run learns from a teacher that is not named.
    """
    assert request.source is not None
    checkpoint = Checkpoint.load(request.source)
    if checkpoint.options.teacher and not request.teacher:
        raise OptionsError(
            "the run to resume learns from a teacher; name its file by ", Field("teacher")
        )
    for name, value in request.given.items():
        kept = getattr(checkpoint.options, name)
        if name != "steps" and value != kept:
            instead = "" if isinstance(kept, bool) else f", which has {kept}"
            raise OptionsError(
                Field(name, value),
                f" does not fit the run to resume{instead}; of a run's options only ",
                Field("steps"),
                " can change",
            )
    options = dataclasses.replace(checkpoint.options, **request.given)
    if options.steps < checkpoint.step:
        raise OptionsError(
            Field("steps", options.steps),
            f" is less than the {checkpoint.step} steps that the run to resume has done",
        )
    return dataclasses.replace(checkpoint, options=options)
