"""Exceptions that command lines report in one sentence, without a traceback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .text import one_line


class UsageError(Exception):
    """A usage error, reported in one sentence; exit code 2.

    The sentence names the value, the place and what would be accepted. It is one line of bounded
    length, however long the values in it are.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(one_line(sentence))


@dataclass(frozen=True)
class Field:
    """A field of an options class within a sentence, with its value if that is shown."""

    name: str
    value: object = None

    def __str__(self) -> str:
        return self.name if self.value is None else f"{self.name} {self.value}"


class OptionsError(UsageError):
    """Options that are invalid, named by the fields of their class.

    A command line, whose options have other names, raises `named` instead.

    Parameters
    ----------
    parts
        The sentence: text with fields between.
    """

    def __init__(self, *parts: str | Field) -> None:
        super().__init__("".join(map(str, parts)))
        self.parts = parts

    def named(self, name: Callable[[Field], str]) -> UsageError:
        """Return the same error with the names that ``name`` gives the fields."""
        return UsageError("".join(p if isinstance(p, str) else name(p) for p in self.parts))


class Failure(Exception):  # noqa: N818 - a result, not a program error
    """The requested work was tried and failed, reported in one sentence; exit code 1."""
