"""cocotb bench of the output layer."""

from collections import Counter

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
from sw_model.spec import GREY_MAX, MULT_BITS, PIXEL_BITS
from tests.rtl.bench_tools import check, check_each, transfer_cycles, under_stalls
from tests.rtl.reference import random_signed, rounding_shift, signed_limits

SUM_BITS, TOTAL_BITS = arguments()["sum_bits"], arguments()["total_bits"]
SHIFT = arguments()["shift"]
PIXEL_LOW, PIXEL_HIGH = signed_limits(PIXEL_BITS)
TOTAL_LOW, TOTAL_HIGH = signed_limits(TOTAL_BITS)
MULT_HIGH = (1 << MULT_BITS) - 1
EDGES = (-1, 0, 1, GREY_MAX - 1, GREY_MAX, GREY_MAX + 1)
"""Values before the clamp that must occur."""


class Frame:
    """An offset, a multiplier, random sums and pixels, and the expected denoised pixels."""

    def __init__(self, name, count=40):
        rng = generator(name)
        # The typical multiplier spreads the residuals over the grey levels; `half` leaves one half
        # of every odd sum.
        typical = max(1, min(MULT_HIGH, 2 ** (SHIFT + 9 - TOTAL_BITS)))
        half = 2 ** min(MULT_BITS - 1, SHIFT - 1)
        self.mult = rng.choice([1, half, typical, rng.randint(1, MULT_HIGH), MULT_HIGH])
        self.offset = random_signed(rng, TOTAL_BITS) // 2
        self.sums, self.pixels, self.denoised, self.seen = [], [], [], Counter()
        for _ in range(count):
            self._add_pixel(rng)

    def _add_pixel(self, rng):
        weighted = random_signed(rng, SUM_BITS)
        total = max(TOTAL_LOW, min(TOTAL_HIGH, weighted + self.offset))
        product = total * self.mult
        residual = rounding_shift(product, SHIFT)
        pixel = rng.choice([random_signed(rng, PIXEL_BITS), residual + rng.choice(EDGES)])
        pixel = max(PIXEL_LOW, min(PIXEL_HIGH, pixel))
        self.seen[pixel - residual] += 1
        self.seen["half"] += product % 2**SHIFT == 2**SHIFT // 2
        self.sums.append(total - self.offset)
        self.pixels.append(pixel)
        self.denoised.append(max(0, min(GREY_MAX, pixel - residual)))

    def announce(self, dut):
        dut.offset.value, dut.mult.value = self.offset, self.mult

    def send(self, sums, pixels):
        sums.send(self.sums)
        # The word's `final` is not used here, so it is random.
        final = generator("final")
        pixels.send(p % (1 << PIXEL_BITS) | final.getrandbits(1) << PIXEL_BITS for p in self.pixels)

    async def check(self, sink, what="denoised pixel"):
        check_each(what, await sink.receive(len(self.denoised)), self.denoised)


def streams(dut, idle=0.0, back_pressure=0.0):
    sources = [StreamSource(dut, name, idle=idle) for name in ("sums", "pixels")]
    return [*sources, StreamSink(dut, "denoised", back_pressure=back_pressure)]


# Detects a residual that is not rounded half up, has a wrong offset or multiplier, or is added
# instead of subtracted; a clamp that is missing or off by one; sums matched to wrong pixels.
@under_stalls(cycles=20_000)
async def subtracts_the_residual(dut, idle, back_pressure):
    sums, pixels, sink = streams(dut, idle, back_pressure)
    await start(dut, sums, pixels, sink, offset=0, mult=0)
    seen = Counter()
    for index in range(12):
        frame = Frame(f"frame {index} {idle} {back_pressure}")
        frame.announce(dut)
        frame.send(sums, pixels)
        await frame.check(sink, f"frame {index}: denoised pixel")
        seen += frame.seen
    for level in EDGES:
        check(f"grey level {level} before the clamp occurred", seen[level] > 0, True)
    check("a residual was half-way", seen["half"] > 0, True)
    await check_quiet(dut, sink)


# Detects a bubble: a pixel takes one cycle, latency four cycles.
@bench(cycles=1_000)
async def one_pixel_a_cycle(dut):
    sums, pixels, sink = streams(dut)
    await start(dut, sums, pixels, sink, offset=0, mult=0)
    frame = Frame("frame")
    frame.announce(dut)
    taken = cocotb.start_soon(transfer_cycles(dut, "sums", len(frame.sums)))
    given = cocotb.start_soon(transfer_cycles(dut, "denoised", len(frame.sums)))
    frame.send(sums, pixels)
    first, *_ = await taken
    check_each("cycle of pixel", await given, range(first + 4, first + 4 + len(frame.sums)))


# Detects a pixel that survives a reset.
@bench(cycles=5_000)
async def reset_in_mid_flight(dut):
    sums, pixels, sink = streams(dut, idle=0.2, back_pressure=0.5)
    await start(dut, sums, pixels, sink, offset=0, mult=0)
    for attempt in range(5):
        frame = Frame(f"frame {attempt}")
        frame.announce(dut)
        frame.send(sums, pixels)
        await sink.receive(3 + attempt)
        await reset(dut, sums, pixels, sink)
        frame.send(sums, pixels)
        await frame.check(sink, f"after reset {attempt}: denoised pixel")
