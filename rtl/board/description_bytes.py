"""Description of the hardware's network, as bytes."""

from __future__ import annotations

from amaranth.hdl import Const, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from sw_model.spec import Deployment
from sw_model.spec.hardware.serial import description_of


class DescriptionBytes(wiring.Component):
    """Outputs the payload of the answer "description".

    Parameters
    ----------
    deployment
        The network.

    Members
    -------
    restart : In(1)
        The next byte is the first one.
    bytes : Out(stream.Signature(8))
    last : Out(1)
        The byte on offer is the last one.
    """

    def __init__(self, *, deployment: Deployment):
        self._content = description_of(deployment.hash, deployment.spec).pack()
        super().__init__(
            {"restart": In(1), "bytes": Out(stream.Signature(8)), "last": Out(1)},
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        count = Signal(range(len(self._content)))
        content = Const(int.from_bytes(self._content, "little"), 8 * len(self._content))
        m.d.comb += [
            self.bytes.valid.eq(1),
            self.bytes.payload.eq(content.word_select(count, 8)),
            self.last.eq(count == len(self._content) - 1),
        ]
        with m.If(self.restart):
            m.d.sync += count.eq(0)
        with m.Elif(self.bytes.ready):
            m.d.sync += count.eq(count + 1)
        return m
