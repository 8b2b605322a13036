"""Failures that the command line tells in a sentence."""

from sw_model.support.errors import Failure


class BenchFailure(Failure):
    """A bench failed or its simulator broke down; the text says what, and where the log is."""
