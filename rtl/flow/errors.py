"""Failures that are results of what was asked for."""

from sw_model.support.errors import Failure


class SynthesisFailure(Failure):
    """Yosys or nextpnr gave up, or found a latch or a loop; the text says what."""
