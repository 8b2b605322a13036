"""Results of the tools that were kept as JSON, which anything may have happened to since."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from rtl.flow.errors import SynthesisFailure

T = TypeVar("T")


def kept(path: Path, make: Callable[[Any], T]) -> T | None:
    """What ``make`` makes of a kept result; None where it is missing or damaged: make it anew."""
    try:
        return make(json.loads(path.read_bytes()))
    except Exception:  # whatever the damage makes of it
        return None


def needed(path: Path) -> Any:
    """A result that others in its folder follow from.

    Raises
    ------
    SynthesisFailure
        It is missing or damaged.
    """
    try:
        return json.loads(path.read_bytes())
    except Exception:
        raise SynthesisFailure(
            f"{path} is damaged; delete {path.parent}, and it is made anew"
        ) from None
