"""Continuing the run of a checkpoint."""

from __future__ import annotations

import dataclasses

from sw_model.support.errors import Field, OptionsError

from ..checkpoint import Checkpoint
from .request import Request


def resumed(request: Request) -> Checkpoint:
    """The checkpoint to continue from, with the requested number of steps.

    Raises
    ------
    UsageError
        The file is not a checkpoint; another option than the steps differs; the steps are fewer
        than the completed ones; or the run has a teacher that is not given.
    """
    assert request.source is not None
    checkpoint = Checkpoint.load(request.source)
    if checkpoint.options.teacher and not request.teacher:
        raise OptionsError(
            "the run to resume learns from a teacher; give its file with ", Field("teacher")
        )
    for name, value in request.given.items():
        kept = getattr(checkpoint.options, name)
        if name != "steps" and value != kept:
            original = "" if isinstance(kept, bool) else f", which has {kept}"
            raise OptionsError(
                Field(name, value),
                f" does not fit the run to resume{original}; only ",
                Field("steps"),
                " can change",
            )
    options = dataclasses.replace(checkpoint.options, **request.given)
    if options.steps < checkpoint.step:
        raise OptionsError(
            Field("steps", options.steps),
            f" is less than the {checkpoint.step} completed steps of the run to resume",
        )
    return dataclasses.replace(checkpoint, options=options)
