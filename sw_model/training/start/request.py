"""The request in the options of `train`, checked as far as the command line allows."""

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
"""Options that name the initial network; a run from initial weights has none of them."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """The training that a command line requests.

    Attributes
    ----------
    kind
        ``"new"``, or the one of `SOURCES` that was given.
    source
        File of the initial network, or the name of a shipped one; None for a new run.
    given
        The fields of `TrainingOptions` that were given.
    teacher
        Network whose residual is learnt; ``given`` has its hash.
    surrogate
        Whether options of the surrogate gradient through time were given.
    """

    kind: str = "new"
    source: Path | None = None
    given: dict[str, Any] = field(default_factory=dict)
    teacher: Baseline | None = None
    surrogate: bool = False

    @classmethod
    def from_arguments(cls, args: argparse.Namespace) -> Request:
        """The request of a command line; raises `UsageError` if its options contradict."""
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
                raise UsageError("options for bit widths are for --quantise only")
            given["widths"] = widths
        return cls(
            kind=kind,
            source=None if kind == "new" else getattr(args, kind),
            given=given,
            teacher=teacher,
            surrogate=bool(args.surrogate or args.reset_gradient),
        )

    def check(self, options: TrainingOptions) -> None:
        """Raises `UsageError` if the request does not fit the options of the new run."""
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
    """The folder of the run; raises `UsageError` if it is missing or holds another run."""
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
            f" has {layers}; it needs as many layers, all with the same number of channels",
        )
