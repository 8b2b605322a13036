"""What the options of `train` ask for; checks that need no more than the command line."""

from __future__ import annotations

import argparse
import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sw_model.network.baseline import Baseline
from sw_model.spec import UsageError, configuration
from sw_model.support.errors import Field, OptionsError

from ..folder import RunFolder
from ..options import TrainingOptions
from ..widths import WidthOptions

SOURCES = ("resume", "quantise", "start", "convert")
"""Options that name the network to begin with; a new run has none of them."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a command line asks for.

    Attributes
    ----------
    kind
        ``"new"``, or the one of `SOURCES` that was given.
    source
        File of the network to begin with, or the name of a shipped one; None for a new run.
    given
        The fields of `TrainingOptions` that were given.
    teacher
        Whose residual is to be learnt; ``given`` has its hash.
    surrogate
        Whether a surrogate gradient through time was asked for.
    """

    kind: str = "new"
    source: Path | None = None
    given: dict[str, Any] = field(default_factory=dict)
    teacher: Baseline | None = None
    surrogate: bool = False

    @classmethod
    def from_arguments(cls, args: argparse.Namespace) -> Request:
        """The request of a command line; raises `UsageError` where its options do not fit."""
        kind = next((name for name in SOURCES if getattr(args, name)), "new")
        fields = {f.name for f in dataclasses.fields(TrainingOptions)}
        given = {k: v for k, v in vars(args).items() if k in fields and v is not None}
        teacher = Baseline.load(args.teacher) if args.teacher else None
        if teacher:
            given["teacher"] = teacher.hash
            if given.get("features"):
                given["teacher_channels"] = teacher.channels[0]
        if args.calibration and kind not in ("convert", "resume"):
            raise UsageError(f"--calibration {args.calibration} is for --convert only")
        if (widths := WidthOptions.from_arguments(args)) != WidthOptions():
            if kind != "quantise":
                raise UsageError("widths of integers are given with --quantise only")
            given["widths"] = widths
        return cls(
            kind=kind,
            source=None if kind == "new" else getattr(args, kind),
            given=given,
            teacher=teacher,
            surrogate=bool(args.surrogate or args.reset_gradient),
        )

    def check(self, options: TrainingOptions) -> None:
        """Raises `UsageError` where what was given does not fit the options of the new run."""
        if options.features and self.teacher:
            _check_features(self.teacher, options)
        through_time = options.gradient == "time" and options.model != "ann"
        if self.surrogate and not through_time:
            raise OptionsError(
                Field("surrogate"),
                " and ",
                Field("reset_gradient"),
                " are for the gradient of spikes through time; here it is ",
                Field("gradient", options.gradient),
                f", model {options.model!r}",
            )


def run_folder(args: argparse.Namespace) -> RunFolder:
    """The folder of the run; raises `UsageError` where there is none or it holds another run."""
    if args.output is None and args.resume is None:
        raise UsageError("-o DIR is missing: name the folder of the new run")
    return RunFolder(args.output or args.resume.parent, args.resume)


def _check_features(teacher: Baseline, options: TrainingOptions) -> None:
    """Raises `UsageError` unless a teacher has features for every layer of the network."""
    layers, channels = len(configuration(options.config).layers), teacher.channels
    if len(teacher.layers) != layers or len(set(channels)) > 1:
        raise OptionsError(
            Field("features"),
            f": the teacher has {len(teacher.layers)} layers of "
            f"{' or '.join(map(str, sorted(set(channels))))} channels, ",
            Field("config", options.config),
            f" has {layers}; as many are needed, of equally many channels",
        )
