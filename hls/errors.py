"""Failures that the command line tells in a sentence."""


class CompileFailure(Exception):  # noqa: N818 - a failing build is a result, not an error
    """The C++ does not compile without warnings, or its program broke down."""
