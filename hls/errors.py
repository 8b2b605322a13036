"""Failures that the command line reports in one sentence."""

from sw_model.support.errors import Failure


class CompileFailure(Failure):
    """The C++ does not compile without warnings, or its program crashed."""
