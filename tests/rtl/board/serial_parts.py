"""The parts of the serial link in pairs, each pair one design under test."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.board.message_receiver import MessageReceiver
from rtl.board.message_sender import MessageSender
from rtl.board.uart_receiver import UartReceiver
from rtl.board.uart_transmitter import UartTransmitter
from tests.rtl.networks import NETWORKS

SILENCE = 60
"""Cycles without a byte that end a message."""


class Uart(wiring.Component):
    """Receiver and transmitter."""

    def __init__(self, divisor: int):
        self._receiver = UartReceiver(divisor=divisor)
        self._transmitter = UartTransmitter(divisor=divisor)
        super().__init__(
            {
                "receive": In(1, init=1),
                "valid": Out(1),
                "data": Out(8),
                "faulty": Out(1),
                "sent": In(stream.Signature(8)),
                "transmit": Out(1, init=1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.receiver = receiver = self._receiver
        m.submodules.transmitter = transmitter = self._transmitter
        wiring.connect(m, wiring.flipped(self.sent), transmitter.data)
        m.d.comb += [
            receiver.line.eq(self.receive),
            self.transmit.eq(transmitter.line),
            self.valid.eq(receiver.valid),
            self.data.eq(receiver.data),
            self.faulty.eq(receiver.faulty),
        ]
        return m


class Messages(wiring.Component):
    """Receiver and sender."""

    def __init__(self, network: str):
        self._receiver = MessageReceiver(spec=NETWORKS[network].deployment.spec, silence=SILENCE)
        self._sender = MessageSender()
        members = {}
        for prefix, part in (("in", self._receiver), ("out", self._sender)):
            for name, member in part.signature.members.items():
                members[f"{prefix}_{name}"] = member
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.receiver = self._receiver
        m.submodules.sender = self._sender
        for prefix, part in (("in", self._receiver), ("out", self._sender)):
            for name, member in part.signature.members.items():
                outer, inner = getattr(self, f"{prefix}_{name}"), getattr(part, name)
                if not member.is_port:
                    ends = (wiring.flipped(outer), inner)
                    wiring.connect(m, *ends)
                elif member.flow == In:
                    m.d.comb += inner.eq(outer)
                else:
                    m.d.comb += outer.eq(inner)
        return m
