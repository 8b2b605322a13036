"""cocotb bench of the messages' receiver and sender, on bytes."""

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge

from sim.simulators.streams import (
    StreamSink,
    StreamSource,
    arguments,
    bench,
    check_quiet,
    generator,
    start,
)
from sw_model.spec.hardware import serial as serial_link
from sw_model.spec.hardware.sdram import pixels_max
from sw_model.spec.hardware.serial import (
    CHECK_BYTES,
    DENOISE,
    DENOISED,
    DESCRIBE,
    ERROR,
    HEADER_BYTES,
    SYNC,
    Header,
    error_name,
)
from tests.rtl.bench_tools import check, under_stalls
from tests.rtl.networks import NETWORKS

from .serial_parts import SILENCE

SPEC = NETWORKS[arguments()["network"]].deployment.spec
STEPS = SPEC.timesteps[0]
GOOD = serial_link.message(Header(DENOISE, 7, STEPS, 1, 2), b"\x00\xfe\xff\x01")
DONE = "done"


class Receiver:
    """Feeds bytes, and notes payload and ends."""

    def __init__(self, dut):
        self.dut = dut
        self.payload = bytearray()
        self.begun = 0
        self.ends = []

    async def begin(self):
        for name in ("received_valid", "received", "received_faulty"):
            getattr(self.dut, f"in_{name}").value = 0
        await start(self.dut, in_listen=1, out_start=0, out_spoil=0)
        cocotb.start_soon(self._watch())

    async def _watch(self):
        dut = self.dut
        while True:
            await RisingEdge(dut.clk)
            if dut.in_payload_valid.value:
                self.payload.append(int(dut.in_payload.value))
            if dut.in_begins.value:
                self.begun += 1
            if dut.in_done.value:
                self.ends.append(DONE)
            if dut.in_failed.value:
                self.ends.append(error_name(int(dut.in_error.value)))

    async def feed(self, content, faulty=()):
        """Bytes, every third cycle; those at the places ``faulty`` have no stop bit."""
        dut = self.dut
        for place, data in enumerate(content):
            dut.in_received.value = data
            dut.in_received_valid.value = 1
            dut.in_received_faulty.value = int(place in faulty)
            await RisingEdge(dut.clk)
            dut.in_received_valid.value = 0
            await ClockCycles(dut.clk, 2)

    async def outcome(self, content, faulty=()):
        """The one end of whatever ``content`` is."""
        self.payload.clear()
        self.ends.clear()
        await self.feed(content, faulty)
        early = list(self.ends)
        await ClockCycles(self.dut.clk, SILENCE + 5)
        check("number of ends", len(self.ends), 1)
        if self.ends != [DONE]:
            check("ends before silence", early, [])
        self.dut.in_listen.value = 0
        await ClockCycles(self.dut.clk, 3)
        self.dut.in_listen.value = 1
        return self.ends[0]


def request(height, width, steps=STEPS, payload=b"", **fields):
    return serial_link.message(Header(DENOISE, 9, steps, height, width, **fields), payload)


# A good message that is refused or misread, or one that noise before it hides.
@bench(cycles=100_000)
async def takes_good_messages(dut):
    tester = Receiver(dut)
    await tester.begin()
    rng = generator("good")
    for height, width in ((1, 1), (1, 3), (3, 1), (2, 4)):
        values = [rng.randint(-512, 511) for _ in range(height * width)]
        payload = b"".join(value.to_bytes(2, "little", signed=True) for value in values)
        noise = rng.choice([b"", b"S", b"SDN", b"SDSDN", bytes(rng.randbytes(5))])
        for steps in SPEC.timesteps:
            content = noise + request(height, width, steps, payload)
            check(f"{height}x{width}", await tester.outcome(content), DONE)
            check("payload", bytes(tester.payload), payload)
            for name, value in (("height", height), ("width", width), ("detail", steps)):
                check(name, int(getattr(dut, f"in_{name}").value), value)
            check("(sequence, readable)", (dut.in_sequence.value, dut.in_readable.value), (9, 1))
    check("describe", await tester.outcome(Header(DESCRIBE, 1).pack()), DONE)
    check("kind", int(dut.in_kind.value), DESCRIBE)
    check("frames begun", tester.begun, 4 * len(SPEC.timesteps))


# A message with one wrong bit that passes, or is told as something else.
@bench(cycles=400_000)
async def finds_every_wrong_bit(dut):
    tester = Receiver(dut)
    await tester.begin()
    for place in range(len(GOOD)):
        for bit in range(8):
            content = bytearray(GOOD)
            content[place] ^= 1 << bit
            error = "payload" if place >= HEADER_BYTES else "header"
            if place < len(SYNC):
                error = "sync"
            check(f"bit {bit} of byte {place}", await tester.outcome(content), error)
            check("readable", int(dut.in_readable.value), int(error == "payload"))
    check("the message itself", await tester.outcome(GOOD), DONE)


# A message that stops early, goes on too long or has a byte without stop bit, and hangs the link.
@bench(cycles=200_000)
async def ends_whatever_comes(dut):
    tester = Receiver(dut)
    await tester.begin()
    for length in range(1, len(GOOD)):
        error = "silence" if length >= len(SYNC) else "sync"
        check(f"{length} bytes", await tester.outcome(GOOD[:length]), error)
    for place in range(len(GOOD)):
        check(f"fault at byte {place}", await tester.outcome(GOOD, {place}), "line")
    check("bytes after the end", await tester.outcome(GOOD + GOOD), DONE)
    longer = GOOD[:-CHECK_BYTES] + b"\x00\x00" + GOOD[-CHECK_BYTES:]
    check("pixels too many", await tester.outcome(longer), "payload")
    check("the message itself", await tester.outcome(GOOD), DONE)


# A frame that cannot be, of which a single byte reaches the memory.
@bench(cycles=200_000)
async def refuses_wrong_requests(dut):
    tester = Receiver(dut)
    await tester.begin()
    most = pixels_max(SPEC.channels, STEPS)
    sizes = [(0, 3), (3, 0), (0, 0), (1, 4097), (65535, 4096), (most // 4096 + 1, 4096)]
    for height, width in sizes:
        check(f"{height}x{width}", await tester.outcome(request(height, width)), "size")
    for steps in range(256):
        if steps not in SPEC.timesteps and steps % 37 in (0, 1, 2, 5):
            check(f"T {steps}", await tester.outcome(request(1, 1, steps)), "size")
    for kind in (0, DENOISED, ERROR, 3):
        check(f"kind {kind}", await tester.outcome(Header(kind, 1).pack()), "kind")
    wrong = request(1, 1, payload=b"\0\0", version=2)
    check("version", await tester.outcome(wrong), "kind")
    check("frames begun", tester.begun, 0)
    # The largest ones begin.
    for height, width in ((most // 4096, 4096), (most // 11, 11)):
        if height < 1 << 16:
            tester.begun = 0
            check(f"{height}x{width}", await tester.outcome(request(height, width)), "silence")
            check("frames begun", tester.begun, 1)
    for value in (-513, 512, -32768, 32767, -1024, 1023):
        payload = value.to_bytes(2, "little", signed=True)
        check(f"pixel {value}", await tester.outcome(request(1, 1, payload=payload)), "pixel")


# A byte of an answer that is wrong, missing or doubled when the line or the payload pauses.
@under_stalls(cycles=50_000)
async def sends_messages(dut, idle, back_pressure):
    source = StreamSource(dut, "out_payload", idle=idle)
    sink = StreamSink(dut, "out_bytes", back_pressure=back_pressure)
    await start(dut, source, sink, in_listen=0, in_received_valid=0, out_start=0, out_spoil=0)
    rng = generator(f"answers {idle} {back_pressure}")
    for count, spoilt in ((3, 0), (0, 0), (1, 0), (2, 1), (0, 1), (2, 0)):
        kind = DENOISED if count else ERROR
        header = Header(kind, rng.getrandbits(8), rng.getrandbits(8), count, int(count > 0))
        payload = rng.randbytes(count)
        for name in ("kind", "sequence", "detail", "height", "width"):
            getattr(dut, f"out_{name}").value = getattr(header, name)
        dut.out_with_payload.value = int(count > 0)
        dut.out_spoil.value = spoilt
        dut.out_start.value = 1
        await RisingEdge(dut.clk)
        dut.out_start.value = 0
        expected = serial_link.message(header, payload)
        if count and spoilt:
            expected = expected[:-CHECK_BYTES] + bytes(
                byte ^ 0xFF for byte in expected[-CHECK_BYTES:]
            )
        for place, data in enumerate(payload):
            source.send([data])
            dut.out_last.value = int(place == count - 1)
            await source.sent()
        got = await sink.receive(len(expected))
        check(f"answer with {count} bytes", bytes(got), expected)
    await check_quiet(dut, sink)
