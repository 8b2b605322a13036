"""The one exception that a user's mistake raises."""


class UsageError(Exception):
    """A mistake of the user, told in one sentence.

    The sentence names the value, the place and what would be accepted. Command lines print it
    without a traceback and exit with code 2.
    """
