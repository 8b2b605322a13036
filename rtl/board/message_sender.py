"""Encoder of messages to the bytes of a serial line."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from sw_model.spec.hardware.serial import CHECK_BYTES, FIELD_BYTES, FIELDS, SYNC, VERSION

from .message_receiver import CRC


class MessageSender(wiring.Component):
    """Sends a header with its checksum, and a payload with its checksum.

    Members
    -------
    start : In(1)
        Begin; ignored unless ``idle``.
    kind, sequence, detail, height, width : In
        Of the header; constant from ``start`` until ``idle``.
    with_payload : In(1)
        A payload follows; constant from ``start`` until ``idle``.
    payload : In(stream.Signature(8))
    last : In(1)
        The offered byte is the payload's last one.
    spoil : In(1)
        The payload is invalid: send a wrong checksum.
    bytes : Out(stream.Signature(8))
    idle : Out(1)
    """

    def __init__(self) -> None:
        fields = {name: In(8 * count) for name, (count, _) in FIELDS.items() if name != "version"}
        super().__init__(
            {
                "start": In(1),
                **fields,
                "with_payload": In(1),
                "payload": In(stream.Signature(8)),
                "last": In(1),
                "spoil": In(1),
                "bytes": Out(stream.Signature(8)),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        m.submodules.crc_processor = crc = CRC(data_width=8).create()
        m.d.comb += crc.data.eq(self.bytes.payload)
        fields = [
            Const(VERSION, 8) if name == "version" else getattr(self, name) for name in FIELDS
        ]
        header = Cat(Const(int.from_bytes(SYNC, "little"), 8 * len(SYNC)), fields)
        count = Signal(range(len(SYNC) + FIELD_BYTES))
        checked = Signal(8 * CHECK_BYTES)
        in_payload = Signal()
        given = Signal()
        m.d.comb += given.eq(self.bytes.valid & self.bytes.ready)
        with m.FSM():
            with m.State("idle"):
                m.d.comb += [self.idle.eq(1), crc.start.eq(1)]
                m.d.sync += [count.eq(0), in_payload.eq(0)]
                with m.If(self.start):
                    m.next = "header"
            with m.State("header"):
                m.d.comb += [
                    self.bytes.valid.eq(1),
                    self.bytes.payload.eq(header.word_select(count, 8)),
                    crc.valid.eq(given & (count >= len(SYNC))),
                ]
                with m.If(given):
                    m.d.sync += count.eq(count + 1)
                    with m.If(count == len(SYNC) + FIELD_BYTES - 1):
                        m.next = "end check"
            with m.State("end check"):
                spoilt = in_payload & self.spoil
                m.d.sync += [checked.eq(crc.crc ^ spoilt.replicate(8 * CHECK_BYTES)), count.eq(0)]
                m.next = "check"
            with m.State("check"):
                m.d.comb += [
                    self.bytes.valid.eq(1),
                    self.bytes.payload.eq(checked[:8]),
                    crc.start.eq(1),
                ]
                with m.If(given):
                    m.d.sync += [count.eq(count + 1), checked.eq(checked[8:])]
                    with m.If(count == CHECK_BYTES - 1):
                        m.d.sync += in_payload.eq(1)
                        m.next = "payload"
                        with m.If(in_payload | ~self.with_payload):
                            m.next = "idle"
            with m.State("payload"):
                m.d.comb += [
                    self.bytes.valid.eq(self.payload.valid),
                    self.bytes.payload.eq(self.payload.payload),
                    self.payload.ready.eq(self.bytes.ready),
                    crc.valid.eq(given),
                ]
                with m.If(given & self.last):
                    m.next = "end check"
        return m
