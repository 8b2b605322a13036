"""The one exception that a user's mistake raises."""

from .text import one_line


class UsageError(Exception):
    """A mistake of the user, told in one sentence.

    The sentence names the value, the place and what would be accepted. Command lines print it
    without a traceback and exit with code 2. It is one line of bounded length, whatever the values
    in it are.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(one_line(sentence))
