"""Failures that the command line tells in a sentence."""


class BenchFailure(Exception):  # noqa: N818 - a failing bench is a result, not an error
    """A bench failed or its simulator broke down; the text says what, and where the log is."""
