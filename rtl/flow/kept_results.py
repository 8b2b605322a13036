"""Cached JSON results of the tools, which may have been damaged since they were written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from rtl.flow.errors import SynthesisFailure

T = TypeVar("T")


def load_cached(path: Path, parse: Callable[[Any], T]) -> T | None:
    """A cached result, converted by ``parse``; None if it is missing or damaged."""
    try:
        return parse(json.loads(path.read_bytes()))
    except Exception:  # a damaged file can raise anything in `parse`
        return None


def load_required(path: Path) -> Any:
    """A result from which others in its folder are derived.

    Raises
    ------
    SynthesisFailure
        The file is missing or damaged.
    """
    try:
        return json.loads(path.read_bytes())
    except Exception:
        raise SynthesisFailure(
            f"{path} is damaged; delete {path.parent} to make it again"
        ) from None
