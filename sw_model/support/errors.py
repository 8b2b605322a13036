"""The exceptions that command lines tell in one sentence, without a traceback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .text import one_line


class UsageError(Exception):
    """A mistake of the user, told in one sentence; exit code 2.

    The sentence names the value, the place and what would be accepted. It is one line of bounded
    length, whatever the values in it are.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(one_line(sentence))


@dataclass(frozen=True)
class Field:
    """A field of a class of options in a sentence, with its value where that is told."""

    name: str
    value: object = None

    def __str__(self) -> str:
        return self.name if self.value is None else f"{self.name} {self.value}"


class OptionsError(UsageError):
    """Options that cannot be, by the names of their fields.

    A command line, whose options have other names, tells `named` instead.

    Parameters
    ----------
    parts
        The sentence: text, and fields between.
    """

    def __init__(self, *parts: str | Field) -> None:
        super().__init__("".join(map(str, parts)))
        self.parts = parts

    def named(self, name: Callable[[Field], str]) -> UsageError:
        """The same with the names that ``name`` gives the fields."""
        return UsageError("".join(p if isinstance(p, str) else name(p) for p in self.parts))


class Failure(Exception):  # noqa: N818 - a result of what was asked for, not an error of ours
    """What was asked for was tried and failed, told in one sentence; exit code 1."""
