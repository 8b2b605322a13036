"""Parser of messages from the bytes of a serial line."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.crc import catalog
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive
from sw_model.spec import PIXEL_BITS, NetworkSpec
from sw_model.spec.hardware.registers import FRAME_WIDTH_MAX
from sw_model.spec.hardware.sdram import pixels_max
from sw_model.spec.hardware.serial import (
    CHECK_BYTES,
    DENOISE,
    DESCRIBE,
    ERRORS,
    FIELD_BYTES,
    FIELDS,
    SYNC,
    VERSION,
    error_code,
)

CRC = catalog.CRC32_ISO_HDLC
"""The checksum of `sw_model.spec.hardware.serial`."""


class MessageReceiver(wiring.Component):
    """Finds and checks messages, and reports the kind of each or its error.

    Every message ends with a pulse of ``done`` or, after `silence` cycles without a byte, of
    ``failed``. Then bytes are dropped until ``listen`` has been low for a cycle or more.

    Parameters
    ----------
    spec
        The network; determines which frames are accepted.
    silence
        Cycles without a byte that end a message; longer than one byte.

    Members
    -------
    listen : In(1)
        Accept bytes; falls only after ``done`` or ``failed``.
    received_valid, received, received_faulty : In
        ``valid``, ``data`` and ``faulty`` of `UartReceiver`.
    kind, sequence, detail, height, width : Out
        Of the header; stable until the next header.
    readable : Out(1)
        The header's checksum was right.
    begins : Out(1)
        A payload follows, of a frame that can be denoised.
    payload_valid, payload : Out
        A byte of the payload.
    done : Out(1)
        A valid message has ended.
    failed, error : Out
        An invalid message has ended; the error's number.
    within : Out(1)
        A message has begun.
    """

    def __init__(self, *, spec: NetworkSpec, silence: int):
        check_positive(silence=silence)
        self.spec = spec
        self.silence = silence
        fields = {name: 8 * count for name, (count, _) in FIELDS.items()}
        super().__init__(
            {
                "listen": In(1),
                "received_valid": In(1),
                "received": In(8),
                "received_faulty": In(1),
                **{name: Out(bits) for name, bits in fields.items()},
                "readable": Out(1),
                "begins": Out(1),
                "payload_valid": Out(1),
                "payload": Out(8),
                "done": Out(1),
                "failed": Out(1),
                "error": Out(range(len(ERRORS))),
                "within": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        m.submodules.crc_processor = crc = CRC(data_width=8).create()
        m.d.comb += [crc.data.eq(self.received), self.payload.eq(self.received)]

        quiet = Signal(range(self.silence + 1))
        silent = Signal()
        m.d.comb += silent.eq(quiet == self.silence)
        with m.If(self.received_valid):
            m.d.sync += quiet.eq(0)
        with m.Elif(~silent):
            m.d.sync += quiet.eq(quiet + 1)

        last_bytes = Signal(8 * (len(SYNC) - 1))
        synced = Signal()
        m.d.comb += synced.eq(
            Cat(last_bytes, self.received) == int.from_bytes(SYNC, "little"),
        )
        header_fields = Cat(getattr(self, name) for name in FIELDS)
        count = Signal(range(FIELD_BYTES + CHECK_BYTES))
        x = Signal.like(self.width)
        y = Signal.like(self.height)
        high, odd_pixel = Signal(), Signal()
        pixels = Signal(len(self.height) + len(self.width))
        heard = Signal()

        def fail(name: str) -> None:
            """Record the error, and drop bytes until the line is silent."""
            m.d.sync += self.error.eq(error_code(name))
            m.next = "drain"

        with m.FSM() as states:
            with m.State("hunt"):
                m.d.comb += crc.start.eq(1)
                m.d.sync += count.eq(0)
                with m.If(~self.listen):
                    m.d.sync += [heard.eq(0), last_bytes.eq(0)]
                with m.Elif(self.received_valid):
                    m.d.sync += [
                        heard.eq(1),
                        last_bytes.eq(Cat(last_bytes[8:], self.received)),
                        self.readable.eq(0),
                    ]
                    with m.If(self.received_faulty):
                        fail("line")
                    with m.Elif(synced):
                        m.next = "header"
                with m.Elif(heard & silent):
                    fail("sync")
            with m.State("header"):
                with m.If(self.received_valid):
                    m.d.comb += crc.valid.eq(1)
                    m.d.sync += count.eq(count + 1)
                    with m.If(count < FIELD_BYTES):
                        m.d.sync += header_fields.eq(Cat(header_fields[8:], self.received))
                    with m.If(self.received_faulty):
                        fail("line")
                    with m.Elif(count == FIELD_BYTES + CHECK_BYTES - 1):
                        m.next = "check header"
                with m.Elif(silent):
                    fail("silence")
            with m.State("check header"):
                m.d.sync += [
                    pixels.eq(self.height * self.width),
                    self.readable.eq(crc.match_detected),
                ]
                with m.If(~crc.match_detected):
                    fail("header")
                with m.Elif(self.version != VERSION):
                    fail("kind")
                with m.Elif(self.kind == DENOISE):
                    m.next = "check size"
                with m.Elif(self.kind == DESCRIBE):
                    m.next = "done"
                with m.Else():
                    fail("kind")
            with m.State("check size"):
                m.d.comb += crc.start.eq(1)
                m.d.sync += [x.eq(0), y.eq(0), high.eq(0), odd_pixel.eq(0), count.eq(0)]
                with m.If(self._acceptable(pixels)):
                    m.d.comb += self.begins.eq(1)
                    m.next = "payload"
                with m.Else():
                    fail("size")
            with m.State("payload"):
                with m.If(self.received_valid):
                    m.d.comb += [crc.valid.eq(1), self.payload_valid.eq(~self.received_faulty)]
                    m.d.sync += high.eq(~high)
                    with m.If(high):
                        # The bits of a pixel above its sign bit must equal it.
                        signs = self.received[PIXEL_BITS - 1 - 8 :]
                        with m.If(signs.any() & ~signs.all()):
                            m.d.sync += odd_pixel.eq(1)
                        m.d.sync += x.eq(x + 1)
                        with m.If(x == self.width - 1):
                            m.d.sync += [x.eq(0), y.eq(y + 1)]
                            with m.If(y == self.height - 1):
                                m.next = "check payload"
                    with m.If(self.received_faulty):
                        fail("line")
                with m.Elif(silent):
                    fail("silence")
            with m.State("check payload"):
                with m.If(self.received_valid):
                    m.d.comb += crc.valid.eq(1)
                    m.d.sync += count.eq(count + 1)
                    with m.If(self.received_faulty):
                        fail("line")
                    with m.Elif(count == CHECK_BYTES - 1):
                        m.next = "judge payload"
                with m.Elif(silent):
                    fail("silence")
            with m.State("judge payload"):
                m.next = "done"
                with m.If(~crc.match_detected):
                    fail("payload")
                with m.Elif(odd_pixel):
                    fail("pixel")
            with m.State("drain"), m.If(silent & ~self.received_valid):
                m.d.comb += self.failed.eq(1)
                m.next = "deaf"
            with m.State("done"):
                m.d.comb += self.done.eq(1)
                m.next = "deaf"
            with m.State("deaf"), m.If(~self.listen):
                m.next = "hunt"
        m.d.comb += self.within.eq(
            ~states.ongoing("hunt") & ~states.ongoing("drain") & ~states.ongoing("deaf")
        )
        return m

    def _acceptable(self, pixels: Value) -> Value:
        """Whether network and memory can process the frame."""
        limit: Value = Const(0)
        for steps in self.spec.timesteps:
            limit = Mux(self.detail == steps, pixels_max(self.spec.channels, steps), limit)
        allowed = self.detail.matches(*self.spec.timesteps)
        return allowed & (pixels != 0) & (self.width <= FRAME_WIDTH_MAX) & (pixels <= limit)
