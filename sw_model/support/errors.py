"""The two exceptions that command lines tell in one sentence, without a traceback."""

from .text import one_line


class UsageError(Exception):
    """A mistake of the user, told in one sentence; exit code 2.

    The sentence names the value, the place and what would be accepted. It is one line of bounded
    length, whatever the values in it are.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(one_line(sentence))


class Failure(Exception):  # noqa: N818 - a result of what was asked for, not an error of ours
    """What was asked for was tried and failed, told in one sentence; exit code 1."""
