"""cocotb bench of the encoding layer's tables."""

import cocotb

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
from sw_model.spec import PIXEL_BITS, TAPS
from tests.rtl.bench_tools import check_each, transfer_cycles, under_idling
from tests.rtl.reference import random_signed, signed_limits, unpack

WEIGHTS, SUM_BITS = (arguments()[name] for name in ("weights", "sum_bits"))
CHANNELS = len(WEIGHTS)
LOADABLE = arguments().get("loadable", False)
LATENCY = 2


class Frame:
    """Random windows of nine pixels, their planes, and the expected sums."""

    def __init__(self, name, count=25):
        rng = generator(name)
        low, high = signed_limits(PIXEL_BITS)
        windows = [[low] * TAPS, [high] * TAPS, [0] * TAPS, [-1] * TAPS]
        # Windows with the largest and the smallest sum of each channel.
        for channel in WEIGHTS:
            windows.append([high if weight > 0 else low for weight in channel])
            windows.append([low if weight > 0 else high for weight in channel])
        windows += [[random_signed(rng, PIXEL_BITS) for _ in range(TAPS)] for _ in range(count)]
        rng.shuffle(windows)
        self.planes = [plane for window in windows for plane in planes_of(window)]
        self.sums = [
            [
                sum(pixel * weight for pixel, weight in zip(window, channel, strict=True))
                for channel in WEIGHTS
            ]
            for window in windows
        ]

    async def check(self, sink):
        got = [unpack(sums, SUM_BITS, CHANNELS) for sums in await sink.receive(len(self.sums))]
        check_each("sums of window", got, self.sums)


def planes_of(window):
    """Return the bit planes of nine pixels, most significant first; the sign plane is inverted."""
    planes = []
    for bit in reversed(range(PIXEL_BITS)):
        first, last = bit == PIXEL_BITS - 1, bit == 0
        bits = sum((pixel >> bit & 1 ^ first) << tap for tap, pixel in enumerate(window))
        planes.append(bits | first << TAPS | last << (TAPS + 1))
    return planes


def stream_pair(dut, idle=0.0):
    if LOADABLE:
        dut.load__valid.value = 0
        idle = 0.0  # loadable tables take the planes of a window in successive cycles
    return StreamSource(dut, "i", idle=idle), StreamSink(dut, "o")


# Detects a wrong entry of a table, a sign bit taken as positive, a sum that starts from another.
@under_idling(cycles=30_000)
async def sums_pixels_times_weights(dut, idle):
    source, sink = stream_pair(dut, idle)
    frame = Frame(f"windows {idle}")
    await start(dut, source, sink)
    source.send(frame.planes)
    await frame.check(sink)
    await check_quiet(dut, sink)


# Detects a rate other than one plane per cycle, or a latency other than two cycles from the last
# plane.
@bench(cycles=5_000)
async def one_plane_a_cycle(dut):
    source, sink = stream_pair(dut)
    frame = Frame("windows")
    await start(dut, source, sink)
    taken = cocotb.start_soon(transfer_cycles(dut, "i", len(frame.planes)))
    given = cocotb.start_soon(transfer_cycles(dut, "o", len(frame.sums)))
    source.send(frame.planes)
    await frame.check(sink)
    lasts = (await taken)[PIXEL_BITS - 1 :: PIXEL_BITS]
    check_each("cycle of sums", await given, [at + LATENCY for at in lasts])


# Detects a sum that survives a reset.
@bench(cycles=20_000)
async def reset_in_mid_flight(dut):
    source, sink = stream_pair(dut, idle=0.2)
    await start(dut, source, sink)
    for attempt in range(5):
        frame = Frame(f"windows {attempt}", count=5)
        source.send(frame.planes[: generator(f"cut {attempt}").randrange(1, len(frame.planes))])
        await source.sent()
        await reset(dut, source, sink)
        source.send(frame.planes)
        await frame.check(sink)
