"""The board's end of the serial link: receives requests, runs them, sends answers."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.axi.signature import AxiLiteSignature, AxiSignature
from sw_model.spec import Deployment
from sw_model.spec.hardware.registers import ADDRESS_BITS
from sw_model.spec.hardware.serial import DENOISED, DESCRIBE, DESCRIPTION, ERROR, error_code

from .description_bytes import DescriptionBytes
from .message_receiver import MessageReceiver
from .message_sender import MessageSender
from .pictures import PictureBytes
from .starter import FrameStarter
from .uart_receiver import UartReceiver
from .uart_transmitter import UartTransmitter


class SerialLink(wiring.Component):
    """Serves one request at a time; `sw_model.spec.hardware.serial` describes them.

    Bytes that arrive between the end of a request and the end of its answer are dropped.

    Parameters
    ----------
    deployment
        The network in the hardware.
    divisor
        Clock cycles per bit.
    silence
        Clock cycles without a byte that end a message.

    Members
    -------
    receive : In(1)
    transmit : Out(1)
        The serial line, seen from the board.
    ready : In(1)
        The memory can be used.
    memory : Out(AxiSignature())
        For the frame's pixels.
    owner : Out(1)
        High: the accelerator uses the memory; low: this port.
    registers, irq
        Of the accelerator.
    receiving, running, answering, failed : Out(1)
        State of the current request, and whether the last request failed.
    """

    def __init__(self, *, deployment: Deployment, divisor: int, silence: int):
        self.deployment = deployment
        super().__init__(
            {
                "receive": In(1, init=1),
                "transmit": Out(1, init=1),
                "ready": In(1),
                "memory": Out(AxiSignature()),
                "owner": Out(1),
                "registers": Out(AxiLiteSignature(ADDRESS_BITS)),
                "irq": In(1),
                "receiving": Out(1),
                "running": Out(1),
                "answering": Out(1),
                "failed": Out(1),
            }
        )
        self._uart_receiver = UartReceiver(divisor=divisor)
        self._uart_transmitter = UartTransmitter(divisor=divisor)
        self._receiver = MessageReceiver(spec=deployment.spec, silence=silence)
        self._sender = MessageSender()
        self._pictures = PictureBytes()
        self._starter = FrameStarter()

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        for name in ("uart_receiver", "uart_transmitter", "receiver", "sender", "pictures"):
            m.submodules[name] = getattr(self, f"_{name}")
        m.submodules.starter = self._starter
        self._connect(m)
        self._serve(m)
        return m

    def _connect(self, m: Module) -> None:
        uart, receiver, sender = self._uart_receiver, self._receiver, self._sender
        pictures, starter = self._pictures, self._starter
        wiring.connect(m, sender.bytes, self._uart_transmitter.data)
        wiring.connect(m, wiring.flipped(self.memory), pictures.axi)
        wiring.connect(m, wiring.flipped(self.registers), starter.registers)
        m.d.comb += [
            uart.line.eq(self.receive),
            self.transmit.eq(self._uart_transmitter.line),
            receiver.received_valid.eq(uart.valid),
            receiver.received.eq(uart.data),
            receiver.received_faulty.eq(uart.faulty),
            pictures.stored_valid.eq(receiver.payload_valid),
            pictures.stored.eq(receiver.payload),
            starter.timesteps.eq(receiver.detail),
            starter.irq.eq(self.irq),
            self.receiving.eq(receiver.within),
        ]
        for part in (pictures, starter):
            m.d.comb += [part.height.eq(receiver.height), part.width.eq(receiver.width)]

    def _serve(self, m: Module) -> None:
        receiver, sender, pictures = self._receiver, self._sender, self._pictures
        kind = Signal(8)
        error = Signal.like(receiver.error)
        self._connect_payload(m, kind)
        m.d.comb += [
            sender.kind.eq(kind),
            sender.sequence.eq(Mux(receiver.readable, receiver.sequence, 0)),
        ]
        with m.If(kind == ERROR):
            m.d.comb += sender.detail.eq(error)
        with m.Elif(kind == DENOISED):
            m.d.comb += [
                sender.detail.eq(receiver.detail),
                sender.height.eq(receiver.height),
                sender.width.eq(receiver.width),
            ]

        def answer(which: int, problem: object = 0) -> None:
            m.d.sync += [kind.eq(which), error.eq(problem), self.failed.eq(which == ERROR)]
            m.next = "answer"

        with m.FSM():
            with m.State("begin"), m.If(self.ready):
                m.next = "listen"
            with m.State("listen"):
                m.d.comb += [
                    receiver.listen.eq(1),
                    pictures.start.eq(receiver.begins),
                    pictures.cancel.eq(receiver.failed),
                ]
                with m.If(receiver.failed):
                    answer(ERROR, receiver.error)
                with m.Elif(receiver.done):
                    m.next = "store"
                    with m.If(receiver.kind == DESCRIBE):
                        answer(DESCRIPTION)
            with m.State("store"), m.If(pictures.idle):
                m.d.comb += self._starter.start.eq(~pictures.failed)
                m.next = "run"
                with m.If(pictures.failed):
                    answer(ERROR, error_code("accelerator"))
            with m.State("run"):
                m.d.comb += [self.owner.eq(1), self.running.eq(1)]
                with m.If(self._starter.done):
                    m.d.comb += [pictures.start.eq(~self._starter.error), pictures.fetch.eq(1)]
                    answer(DENOISED)
                    with m.If(self._starter.error):
                        answer(ERROR, error_code("accelerator"))
            with m.State("answer"):
                m.d.comb += [self.answering.eq(1), sender.start.eq(1)]
                m.next = "send"
            with m.State("send"):
                m.d.comb += self.answering.eq(1)
                with m.If(sender.idle & pictures.idle):
                    m.next = "listen"

    def _connect_payload(self, m: Module, kind: Signal) -> None:
        """Connect the sender's payload: the network's description or the frame."""
        sender, pictures = self._sender, self._pictures
        m.submodules.description = description = DescriptionBytes(deployment=self.deployment)
        m.d.comb += [
            description.restart.eq(~self.answering),
            sender.with_payload.eq(kind != ERROR),
        ]
        with m.If(kind == DESCRIPTION):
            m.d.comb += [
                sender.payload.valid.eq(description.bytes.valid),
                sender.payload.payload.eq(description.bytes.payload),
                sender.last.eq(description.last),
                description.bytes.ready.eq(sender.payload.ready),
            ]
        with m.Else():
            m.d.comb += [
                sender.payload.valid.eq(pictures.fetched.valid),
                sender.payload.payload.eq(pictures.fetched.payload),
                sender.last.eq(pictures.last),
                sender.spoil.eq(pictures.failed),
                pictures.fetched.ready.eq(sender.payload.ready),
            ]
