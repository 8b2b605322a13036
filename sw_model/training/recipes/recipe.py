"""A recipe and its stages, read from the TOML files next to this module."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sw_model.spec import UsageError

from ..options import TrainingOptions
from ..widths import WidthOptions

RECIPES = ("compact", "best", "paper", "baseline")
"""Names of the recipes, and of their files."""


@dataclass(frozen=True, kw_only=True)
class Frozen:
    """The deployment that a stage writes.

    Attributes
    ----------
    name
        Name of the deployment.
    file
        File to write, relative to the recipe's folder.
    """

    name: str
    file: str


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One training; the attributes are the keys of the recipe files."""

    name: str
    steps: int
    start: str | None = None
    quantise: str | None = None
    teacher: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    freeze: Frozen | None = None
    export: str | None = None

    @classmethod
    def from_table(cls, table: dict[str, Any]) -> Stage:
        """A stage from a table; raises `TypeError` for an unknown or a missing key."""
        freeze = Frozen(**table["freeze"]) if "freeze" in table else None
        options = {name: _typed(name, value) for name, value in table.get("options", {}).items()}
        return cls(**table | {"freeze": freeze, "options": options})


def _typed(name: str, value: Any) -> Any:
    """A value with the type that the command line gives: 20 becomes 20.0 for a float option."""
    if name in {f.name for f in dataclasses.fields(WidthOptions)}:
        return value
    default = getattr(TrainingOptions(), name, None)
    if default is None:
        raise TypeError(f"{name} is not an option of a training")
    return float(value) if isinstance(default, float) else value


def load_recipe(name: str) -> list[Stage]:
    """The stages of a recipe, in order; raises `UsageError` if it is not one of `RECIPES`."""
    if name not in RECIPES:
        raise UsageError(f"recipe {name!r} is unknown; known are {', '.join(RECIPES)}")
    content = tomllib.loads((Path(__file__).parent / f"{name}.toml").read_text(encoding="utf-8"))
    return [Stage.from_table(table) for table in content["stage"]]
