"""cocotb bench of the encoding layer."""

import cocotb
from cocotb.triggers import ClockCycles

from sim.streams import (
    StreamSink,
    StreamSource,
    arguments,
    bench,
    check_quiet,
    generator,
    reset,
    start,
)
from sw_model.spec import PIXEL_BITS

from .bench_tools import check, check_each, pulse, transfer_cycles, under_stalls
from .reference import Beat, flush_words, random_signed, raster, sums_of, unpack

WEIGHTS, WEIGHT_BITS = arguments()["weights"], arguments()["weight_bits"]
HEIGHT, WIDTH = arguments()["max_height"], arguments()["max_width"]
STEPS = arguments()["max_steps"]
FRAMES = [
    # Height, width, timesteps; below, at and above the ten cycles that a pixel's bits take.
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
    """Random pixels, and the products with the weights that must reach the array."""

    def __init__(self, name, height, width, steps):
        rng = generator(name)
        self.size, self.steps = (height, width), steps
        self.pixels = [random_signed(rng, PIXEL_BITS) for _ in raster(height, width, 1)]
        padded = self.pixels + [0] * flush_words(width, 1)
        self.products = [[pixel * weight for weight in WEIGHTS] for pixel in padded]
        self.beats = len(self.products) * PIXEL_BITS

    async def announce(self, dut):
        dut.height.value, dut.width.value = self.size
        dut.steps.value = self.steps
        await pulse(dut, "restart")

    async def check(self, sink):
        beats = [decode(payload) for payload in await sink.receive(self.beats)]
        lasts = [beat.last for beat in beats]
        check("places of the last beats", lasts, ([0] * 9 + [1]) * len(self.products))
        check_each(f"frame {self.size}: product of pixel", sums_of(beats), self.products)


def decode(payload):
    flags = payload >> (WEIGHT_BITS * len(WEIGHTS))
    bits = (flags >> bit & 1 for bit in range(3))
    return Beat(unpack(payload, WEIGHT_BITS, len(WEIGHTS)), *bits)


def stream_pair(dut, idle=0.0, back_pressure=0.0):
    source = StreamSource(dut, "pixels", idle=idle)
    return source, StreamSink(dut, "beats", back_pressure=back_pressure)


async def begin(dut, source, sink):
    await start(dut, source, sink, restart=0, height=0, width=0, steps=0)


# A product that is not pixel times weight (bit order, sign bit), a missing flush, or a frame that
# takes a pixel of the next one: the pixels of all frames wait from the beginning.
@under_stalls(cycles=30_000)
async def multiplies_pixels_by_weights(dut, idle, back_pressure):
    source, sink = stream_pair(dut, idle, back_pressure)
    await begin(dut, source, sink)
    frames = [Frame(f"frame {i} {idle} {back_pressure}", *size) for i, size in enumerate(FRAMES)]
    for frame in frames:
        source.send(frame.pixels)
    for frame in frames:
        await frame.announce(dut)
        await frame.check(sink)
        await check_quiet(dut, sink, cycles=STEPS)
    await source.sent()


# Another pace than max(10, T) cycles a pixel, flush included, or a latency that is not one cycle.
@bench(cycles=5_000)
async def pixel_takes_ten_cycles_or_timesteps(dut):
    source, sink = stream_pair(dut)
    await begin(dut, source, sink)
    for index, size in enumerate(FRAMES):
        frame = Frame(f"frame {index}", *size)
        source.send(frame.pixels)
        taken = cocotb.start_soon(transfer_cycles(dut, "pixels", len(frame.pixels)))
        given = cocotb.start_soon(transfer_cycles(dut, "beats", frame.beats))
        await frame.announce(dut)
        await frame.check(sink)
        pace = max(PIXEL_BITS, frame.steps)
        first, *_ = taken = await taken
        check_each("cycle of pixel", taken, [first + pace * p for p in range(len(taken))])
        expected = [
            first + 1 + pace * pixel + bit
            for pixel in range(len(frame.products))
            for bit in range(PIXEL_BITS)
        ]
        check_each(f"T {frame.steps}: cycle of beat", await given, expected)
        await ClockCycles(dut.clk, STEPS)


# A pixel that survives a reset, or pixels taken after a reset without a frame.
@bench(cycles=20_000)
async def reset_in_mid_flight(dut):
    source, sink = stream_pair(dut, idle=0.2, back_pressure=0.3)
    await begin(dut, source, sink)
    for index, size in enumerate(FRAMES):
        frame = Frame(f"frame {index}", *size)
        source.send(frame.pixels)
        await frame.announce(dut)
        await ClockCycles(dut.clk, generator(f"cut {index}").randrange(1, 2 * frame.beats))
        await reset(dut, source, sink)
        source.send(frame.pixels)
        await check_quiet(dut, sink)
        await frame.announce(dut)
        await frame.check(sink)
        await source.sent()
