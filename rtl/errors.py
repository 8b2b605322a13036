"""Failures that are results of what was asked for."""


class SynthesisFailure(Exception):  # noqa: N818 - a design that does not fit is a result
    """Yosys or nextpnr gave up, or found a latch or a loop; the text says what."""


class LinkFailure(Exception):  # noqa: N818 - what a board does is a result
    """The board refuses a request, or the line to it fails; the text says how."""
