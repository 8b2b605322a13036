"""What a library says of arguments of a wrong type."""

from __future__ import annotations

from numbers import Integral

from .text import one_line


def check_integer(name: str, value: object) -> None:
    """Raise TypeError, which names ``value``, unless it is an integer, numpy's say; no bool is."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise wrong_type(name, value, "an integer")


def wrong_type(name: str, value: object, accepted: str) -> TypeError:
    """The error for an argument that is not what is ``accepted``."""
    return TypeError(
        one_line(f"{name} {value!r} is of type {type(value).__name__}, not {accepted}")
    )
