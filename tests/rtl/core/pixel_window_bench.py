"""cocotb bench of the pixel window."""

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge

from sim.simulators.streams import (
    StreamSink,
    StreamSource,
    arguments,
    bench,
    check_quiet,
    generator,
    reset,
    start,
)
from sw_model.spec import KERNEL, PIXEL_BITS, TAPS
from tests.rtl.bench_tools import check, check_each, pulse, transfer_cycles, under_idling
from tests.rtl.reference import random_signed, raster

HEIGHT, WIDTH = arguments()["max_height"], arguments()["max_width"]
STEPS = arguments()["max_timesteps"]
LATENCY = 2
FRAMES = [
    # Height, width, timesteps; T is below, at and above the ten cycles of a pixel's bits.
    (min(height, HEIGHT), min(width, WIDTH), min(steps, STEPS))
    for height, width, steps in (
        (1, 1, 1),
        (2, 2, 11),
        (1, WIDTH, 2),
        (HEIGHT, 1, 3),
        (HEIGHT, WIDTH, 10),
        (1, 1, STEPS),
        (1, 2, STEPS),
    )
]


class Frame:
    """Random pixels, and the planes of the windows around them."""

    def __init__(self, name, height, width, steps):
        rng = generator(name)
        self.size, self.steps = (height, width), steps
        grid = {(y, x): random_signed(rng, PIXEL_BITS) for y, x, _ in raster(height, width, 1)}
        self.pixels = list(grid.values())
        self.planes = []
        for y, x in grid:
            window = [
                grid.get((y + tap // KERNEL - 1, x + tap % KERNEL - 1), 0) for tap in range(TAPS)
            ]
            for bit in reversed(range(PIXEL_BITS)):
                first, last = bit == PIXEL_BITS - 1, bit == 0
                bits = sum((pixel >> bit & 1 ^ first) << tap for tap, pixel in enumerate(window))
                self.planes.append(bits | first << TAPS | last << (TAPS + 1))

    async def announce(self, dut):
        dut.frame__height.value, dut.frame__width.value = self.size
        dut.timesteps.value = self.steps
        await pulse(dut, "restart")

    async def check(self, sink):
        got = await sink.receive(len(self.planes))
        check_each(f"frame {self.size}: plane", got, self.planes)


def stream_pair(dut, idle=0.0):
    return StreamSource(dut, "i", idle=idle), StreamSink(dut, "o")


async def begin(dut, source, sink):
    await start(dut, source, sink, restart=0, hold=0, frame__height=0, frame__width=0, timesteps=0)


async def hold_at_times(dut):
    rng = generator("hold")
    while True:
        dut.hold.value = rng.random() < 0.6
        await RisingEdge(dut.clk)


# Detects a wrong neighbour, a border that is not zero, a wrong order of bits, or a frame that takes
# a pixel of the next one: the pixels of all frames are offered from the beginning.
@under_idling(cycles=30_000)
async def gives_windows(dut, idle):
    source, sink = stream_pair(dut, idle)
    await begin(dut, source, sink)
    if idle:
        cocotb.start_soon(hold_at_times(dut))
    frames = [Frame(f"frame {i} {idle}", *size) for i, size in enumerate(FRAMES)]
    for frame in frames:
        source.send(frame.pixels)
    for frame in frames:
        await frame.announce(dut)
        await frame.check(sink)
        await check_quiet(dut, sink, cycles=STEPS)
    await source.sent()


# Detects a rate other than a row and a pixel at once and then max(10, T) cycles per pixel, or a
# latency other than two cycles.
@bench(cycles=5_000)
async def pixel_takes_ten_cycles_or_timesteps(dut):
    source, sink = stream_pair(dut)
    await begin(dut, source, sink)
    for index, size in enumerate(FRAMES):
        frame = Frame(f"frame {index}", *size)
        source.send(frame.pixels)
        taken = cocotb.start_soon(transfer_cycles(dut, "i", len(frame.pixels)))
        given = cocotb.start_soon(transfer_cycles(dut, "o", len(frame.planes)))
        await frame.announce(dut)
        await frame.check(sink)
        pace = max(PIXEL_BITS, frame.steps)
        ahead = size[1] + 1
        first, *_ = taken = await taken
        expected = [first + max(p, ahead + pace * (p - ahead)) for p in range(len(taken))]
        check_each("cycle of pixel", taken, expected)
        expected = [
            first + ahead + LATENCY + pace * pixel + bit
            for pixel in range(len(frame.pixels))
            for bit in range(PIXEL_BITS)
        ]
        check_each(f"T {frame.steps}: cycle of plane", await given, expected)
        await ClockCycles(dut.clk, STEPS)


# Detects a window that begins during `hold`.
@bench(cycles=5_000)
async def hold_stops_windows(dut):
    source, sink = stream_pair(dut)
    await begin(dut, source, sink)
    frame = Frame("frame", HEIGHT, WIDTH, 1)
    source.send(frame.pixels)
    await frame.announce(dut)
    await sink.receive(1)
    dut.hold.value = 1
    await sink.receive(PIXEL_BITS - 1)
    await check_quiet(dut, sink)
    check("pixel taken while held", dut.i__ready.value, 0)
    dut.hold.value = 0
    rest = frame.planes[PIXEL_BITS:]
    check_each("plane", await sink.receive(len(rest)), rest)


# Detects a pixel that survives a reset, or pixels taken after a reset without a frame.
@bench(cycles=20_000)
async def reset_in_mid_flight(dut):
    source, sink = stream_pair(dut, idle=0.2)
    await begin(dut, source, sink)
    for index, size in enumerate(FRAMES):
        frame = Frame(f"frame {index}", *size)
        source.send(frame.pixels)
        await frame.announce(dut)
        await ClockCycles(dut.clk, generator(f"cut {index}").randrange(1, 2 * len(frame.planes)))
        await reset(dut, source, sink)
        source.send(frame.pixels)
        await check_quiet(dut, sink)
        await frame.announce(dut)
        await frame.check(sink)
        await source.sent()
