"""Failures of the synthesis tools."""

from sw_model.support.errors import Failure


class SynthesisFailure(Failure):
    """Yosys or nextpnr failed, or found a latch or a loop; the message says which."""
