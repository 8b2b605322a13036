"""cocotb bench of the whole board, through the pins of its serial line, beside a model of SDRAM."""

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, Edge, Event, FallingEdge, Timer, with_timeout

from sim.simulators.streams import CLOCK_NS, arguments, bench, generator
from sw_model.spec.hardware import serial as serial_link
from sw_model.spec.hardware.serial import (
    CHECK_BYTES,
    DENOISE,
    DENOISED,
    DESCRIBE,
    DESCRIPTION,
    ERROR,
    HEADER_BYTES,
    SYNC,
    Header,
    description_of,
    error_name,
    message,
    noisy_payload,
    unpack_description,
    unpack_header,
)
from tests.rtl.axi.system_networks import system_frames
from tests.rtl.bench_tools import check, leading
from tests.rtl.networks import NETWORKS, Frame

from .boards import BIT_CYCLES, SILENCE_CYCLES

NETWORK = NETWORKS[arguments()["network"]]
DEPLOYMENT = NETWORK.deployment
FRAMES = system_frames(NETWORK)
SMALL = Frame(DEPLOYMENT, np.array([[10, -40, 300], [511, -512, 0]]), DEPLOYMENT.spec.timesteps[0])
BIT_NS = CLOCK_NS * BIT_CYCLES
ANSWER_NS = 20_000 * CLOCK_NS + SILENCE_CYCLES * CLOCK_NS
"""An answer that takes longer than this will never come."""
RESET_BUTTON = 1 << 1
READY, FAILED = 1 << 0, 1 << 4
"""LEDs."""


class Bench:
    """The board and the other end of its line."""

    def __init__(self, dut):
        self.dut = dut
        self.sequence = 0
        self.received = bytearray()
        self.answer_ns = ANSWER_NS
        self.arrived = Event()

    async def begin(self):
        dut = self.dut
        dut.ftdi_txd.value = 1
        dut.btn.value = 1  # button 0 is low when pressed
        dut.clk_25mhz.value = 0
        dut.locked.value = 0
        dut.lead.value = 0
        Clock(dut.clk, CLOCK_NS, unit="ns").start()
        cocotb.start_soon(leading(dut.lead))
        cocotb.start_soon(self._listen())
        await ClockCycles(dut.clk, 5)
        dut.locked.value = 1
        await self.ready()

    async def ready(self):
        """Wait until the board says that its memory is set up."""
        while not int(self.dut.led.value) & READY:
            await Edge(self.dut.led)

    async def _listen(self):
        line = self.dut.ftdi_rxd
        await Timer(3 * CLOCK_NS, unit="ns")  # until the line has a value
        while True:
            await FallingEdge(line)
            await Timer(3 * BIT_NS // 2, unit="ns")
            data = 0
            for index in range(8):
                data |= int(line.value) << index
                await Timer(BIT_NS, unit="ns")
            check("stop bit", int(line.value), 1)
            self.received.append(data)
            self.arrived.set()

    async def send(self, content, faulty=()):
        line = self.dut.ftdi_txd
        for place, data in enumerate(content):
            for level in (0, *(data >> index & 1 for index in range(8)), int(place not in faulty)):
                line.value = level
                await Timer(BIT_NS, unit="ns")
        line.value = 1

    async def receive(self, count):
        async def enough():
            while len(self.received) < count:
                self.arrived.clear()
                await self.arrived.wait()

        await with_timeout(enough(), self.answer_ns, "ns")
        taken = bytes(self.received[:count])
        del self.received[:count]
        return taken

    async def answer(self):
        """Header and payload of the next answer, both checks right."""
        header = unpack_header(await self.receive(HEADER_BYTES))
        check("answer has a header", header is not None, True)
        payload = b""
        if header.payload_bytes:
            payload = await self.receive(header.payload_bytes)
            check("check", await self.receive(CHECK_BYTES), serial_link.check(payload))
        return header, payload

    def request(self, frame):
        self.sequence = self.sequence % 255 + 1
        header = Header(DENOISE, self.sequence, frame.timesteps, *frame.pixels.shape)
        return message(header, noisy_payload(frame.pixels))

    async def expect_frame(self, frame):
        """The next answer must be the golden model's picture."""
        header, payload = await self.answer()
        if header.kind == ERROR:
            raise AssertionError(f"{frame}: error {error_name(header.detail)}")
        shape = frame.pixels.shape
        expected = Header(DENOISED, self.sequence, frame.timesteps, *shape)
        check(f"{frame}: header", header, expected)
        got = np.frombuffer(payload, np.uint8).reshape(shape)
        check(f"{frame}: denoised", got.tolist(), frame.golden.denoised.tolist())
        await self.quiet()
        check("LEDs", int(self.dut.led.value), READY)

    async def expect_error(self, name, sequence=None):
        header, _ = await self.answer()
        check("kind", header.kind, ERROR)
        check("error", error_name(header.detail), name)
        check("sequence", header.sequence, self.sequence if sequence is None else sequence)
        await self.quiet()
        check("LEDs", int(self.dut.led.value), READY | FAILED)

    async def quiet(self):
        """The last byte has ended, and nothing follows."""
        await Timer(20 * BIT_NS, unit="ns")
        check("more bytes", bytes(self.received), b"")
        check("what the part would not stand", int(self.dut.violations.value), 0)

    async def check_frame(self, frame):
        await self.send(self.request(frame))
        await self.expect_frame(frame)


# A pixel that differs from the golden model's, in frames of one and of several strips, at any T.
@bench(cycles=600_000)
async def denoises_frames(dut):
    tester = Bench(dut)
    await tester.begin()
    for frame in (*FRAMES, SMALL):
        await tester.check_frame(frame)


# A board that does not say which network it has.
@bench(cycles=100_000)
async def describes_itself(dut):
    tester = Bench(dut)
    await tester.begin()
    await tester.send(Header(DESCRIBE, 77).pack())
    header, payload = await tester.answer()
    check("header", header, Header(DESCRIPTION, 77))
    expected = description_of(DEPLOYMENT.hash, DEPLOYMENT.spec)
    check("description", unpack_description(payload), expected)
    await tester.quiet()


# A faulty message that is not answered, is answered with a picture, or spoils the next frame.
@bench(cycles=1_500_000)
async def answers_faulty_messages(dut):
    tester = Bench(dut)
    await tester.begin()
    rng = generator("faults")
    for place, error in (
        (rng.randrange(len(SYNC)), "sync"),
        (rng.randrange(len(SYNC), HEADER_BYTES), "header"),
        (rng.randrange(HEADER_BYTES, HEADER_BYTES + 12), "payload"),
        (-1, "payload"),
    ):
        content = bytearray(tester.request(SMALL))
        content[place] ^= 1 << rng.randrange(8)
        await tester.send(content)
        await tester.expect_error(error, None if error == "payload" else 0)
    await tester.check_frame(SMALL)
    whole = tester.request(SMALL)
    for length in (1, HEADER_BYTES - 1, HEADER_BYTES, len(whole) - CHECK_BYTES - 1, len(whole) - 1):
        await tester.send(tester.request(SMALL)[:length])
        error = "silence" if length >= len(SYNC) else "sync"
        await tester.expect_error(error, None if length >= HEADER_BYTES else 0)
        await tester.check_frame(SMALL)
    content = tester.request(SMALL)
    await tester.send(content[:-CHECK_BYTES] + bytes(30) + content[-CHECK_BYTES:])
    await tester.expect_error("payload")
    await tester.send(tester.request(SMALL), faulty={rng.randrange(HEADER_BYTES, len(whole))})
    await tester.expect_error("line")
    await tester.check_frame(SMALL)


# A frame that cannot be, and is begun; or pixels of a refused one that reach the picture.
@bench(cycles=400_000)
async def refuses_wrong_requests(dut):
    tester = Bench(dut)
    await tester.begin()
    steps = DEPLOYMENT.spec.timesteps[0]
    for height, width, detail in (
        (0, 5, steps),
        (5, 0, steps),
        (1, 4097, steps),
        (65535, 4096, steps),
        (2, 3, max(DEPLOYMENT.spec.timesteps) + 1),
        (2, 3, 0),
    ):
        tester.sequence += 1
        header = Header(DENOISE, tester.sequence, detail, height, width)
        await tester.send(message(header, bytes(12)))
        await tester.expect_error("size")
    await tester.send(Header(DENOISED, tester.sequence).pack())
    await tester.expect_error("kind")
    wrong = Frame(DEPLOYMENT, np.array([[0, 512, 0], [0, 0, 0]]), steps)
    await tester.send(tester.request(wrong))
    await tester.expect_error("pixel")
    await tester.check_frame(SMALL)


# Bytes while the accelerator runs that get into its frame, or a request after them that is lost.
@bench(cycles=400_000)
async def drops_bytes_while_it_is_busy(dut):
    tester = Bench(dut)
    await tester.begin()
    frame = FRAMES[-1]
    await tester.send(tester.request(frame) + bytes(12) + SYNC)
    await tester.expect_frame(frame)
    await tester.check_frame(SMALL)


# A board that a reset does not bring back, whatever it does.
@bench(cycles=400_000)
async def comes_back_from_resets(dut):
    tester = Bench(dut)
    await tester.begin()
    rng = generator("resets")
    content = tester.request(FRAMES[-1])
    for unlock, part in ((False, content[: rng.randrange(1, len(content))]), (True, content)):
        await tester.send(part)
        await ClockCycles(dut.clk, rng.randrange(1, 1500))
        if unlock:
            dut.locked.value = 0
        else:
            dut.btn.value = 1 | RESET_BUTTON
        await ClockCycles(dut.clk, 5)
        check("LEDs", int(dut.led.value) & ~READY, 0)
        dut.btn.value = 1
        dut.locked.value = 1
        await tester.ready()
        await Timer(20 * BIT_NS, unit="ns")
        tester.received.clear()
        await tester.check_frame(SMALL)
