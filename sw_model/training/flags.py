"""The fields of `TrainingOptions` as the options of ``python -m sw_model train``."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager

from sw_model.support.errors import Field, OptionsError

from .options import TrainingOptions

QUANTISE = Field("model", "quantised")
SWITCHES = {"bf16": "--fp32", "round_weights": "--round-weights"}
"""Options without a value: each is given if the field differs from its default."""


def flag(field: Field) -> str:
    """A field, with its value if it has one, as words of the command line."""
    if field == QUANTISE:
        return "--quantise"
    if field.name in SWITCHES:
        return SWITCHES[field.name]
    option = f"--{field.name.replace('_', '-')}"
    return option if field.value is None else f"{option} {field.value}"


@contextmanager
def named_as_flags() -> Iterator[None]:
    """Inside the block, errors name fields by their command-line options."""
    try:
        yield
    except OptionsError as error:
        raise error.named(flag) from None


def command(options: TrainingOptions, origin: str | None = None) -> str:
    """The command line of a run.

    Parameters
    ----------
    origin
        The model whose weights it started from, ``"frozen"`` for a deployment or a baseline, None
        for initial weights.
    """
    words = ["python -m sw_model train"]
    given, default = dataclasses.asdict(options), dataclasses.asdict(TrainingOptions())
    quantises = options.model == "quantised" and origin != "quantised"
    if origin:
        converts = origin in ("ann", "frozen") and options.model == "snn"
        start = "quantise" if quantises else "convert" if converts else "start"
        words.append(f"--{start} CHECKPOINT")
    for name, value in given.items():
        if name == "teacher":
            words += ["--teacher BASELINE"] if value else []
        elif name in ("config", "steps", "seed"):
            words.append(flag(Field(name, value)))
        elif name in ("widths", "teacher_channels") or value == "quantised":
            continue
        elif value != default[name]:
            words.append(flag(Field(name, value)))
    return " ".join([*words, *(options.widths.words() if origin and quantises else [])])
