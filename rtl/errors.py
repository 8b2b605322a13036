"""Failures that are results of what was asked for."""


class SynthesisFailure(Exception):  # noqa: N818 - a design that does not fit is a result
    """Yosys or nextpnr gave up, or found a latch or a loop; the text says what."""
