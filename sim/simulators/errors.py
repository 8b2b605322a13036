"""Failures that the command line reports in one sentence."""

from sw_model.support.errors import Failure


class BenchFailure(Failure):
    """A bench failed or its simulator crashed; the message has the reason and the log's path."""
