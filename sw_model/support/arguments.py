"""Type checks of library arguments."""

from __future__ import annotations

from numbers import Integral

from .text import one_line


def check_integer(name: str, value: object) -> None:
    """Raise TypeError naming ``value`` unless it is an integer, of numpy too; bools are refused."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise wrong_type(name, value, "an integer")


def wrong_type(name: str, value: object, accepted: str) -> TypeError:
    """Return the TypeError for an argument whose type is not ``accepted``."""
    return TypeError(
        one_line(f"{name} {value!r} is of type {type(value).__name__}, not {accepted}")
    )
