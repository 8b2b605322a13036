"""cocotb bench of the LIF array with the neurons of the few-spike code."""

from fractions import Fraction
from math import floor

import cocotb
from cocotb.triggers import ClockCycles

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
from tests.rtl.bench_tools import check, check_each, transfer_cycles
from tests.rtl.reference import pack, random_signed, rounding_shift, signed_limits

CHANNELS, STEPS, SHIFT = (
    arguments()[name] for name in ("channels", "max_timesteps", "encoding_shift")
)
WIDTHS = arguments()["widths"]
CONSTANT_BITS = WIDTHS["bias"] + WIDTHS["threshold"] + WIDTHS["membrane"]
CURRENT_LOW, CURRENT_HIGH = signed_limits(WIDTHS["current"])
LATENCY = 3


class Layer:
    """Random constants, sums of pixels, and the expected event words."""

    def __init__(self, name, constant, pixels=25):
        self.rng, self.constant = generator(name), constant
        high = (1 << WIDTHS["threshold"]) - 1
        self.biases = [random_signed(self.rng, WIDTHS["bias"]) for _ in range(CHANNELS)]
        self.thresholds = [self.rng.randint(1, high) for _ in range(CHANNELS)]
        self.inits = [threshold // 2 for threshold in self.thresholds]
        self.sums = [[self._sum(c) for c in range(CHANNELS)] for _ in range(pixels)]
        self.words = [word for sums in self.sums for word in self._words(sums)]

    def _weighted(self, value):
        return rounding_shift(value, SHIFT) if self.constant else value

    def _sum(self, channel):
        while True:
            value = random_signed(self.rng, WIDTHS["sum"])
            if CURRENT_LOW <= self._weighted(value) + self.biases[channel] <= CURRENT_HIGH:
                return value

    def _words(self, sums):
        """Return T words, the one of the most significant spikes first."""
        values = []
        for total, bias, threshold, init in zip(
            sums, self.biases, self.thresholds, self.inits, strict=True
        ):
            reached = floor(Fraction(self._weighted(total) + bias + init, threshold))
            values.append(max(0, min(2**STEPS - 1, reached)))
        return [
            sum((value // 2**digit % 2) << c for c, value in enumerate(values))
            for digit in reversed(range(STEPS))
        ]

    def announce(self, dut):
        dut.kind.value, dut.timesteps.value, dut.constant.value = 0, STEPS, self.constant
        constants = [
            pack([bias], WIDTHS["bias"])
            | threshold << WIDTHS["bias"]
            | pack([init], WIDTHS["membrane"]) << (WIDTHS["bias"] + WIDTHS["threshold"])
            for bias, threshold, init in zip(self.biases, self.thresholds, self.inits, strict=True)
        ]
        dut.constants.value = pack(constants, CONSTANT_BITS)

    async def feed(self, dut, source):
        """Send the sums, T cycles apart or more."""
        for sums in self.sums:
            source.send([pack(sums, WIDTHS["sum"])])
            await source.sent()
            if STEPS > 1:
                await ClockCycles(dut.clk, STEPS - 1)

    def check(self, words):
        positions = [divmod(index, STEPS) for index in range(len(words))]
        check_each(f"constant {self.constant}: word at (pixel, t)", words, self.words, positions)


async def begin(dut, source, sink):
    await start(dut, source, sink, kind=0, timesteps=STEPS, constant=0, constants=0)


def stream_pair(dut, idle=0.0):
    return StreamSource(dut, "i", idle=idle), StreamSink(dut, "o")


# Detects spikes of the wrong order or number, another channel's constants, a sum shifted in the
# wrong layer or not rounded half up; a bubble, or another latency than three cycles.
@bench(cycles=20_000)
async def gives_event_words(dut):
    source, sink = stream_pair(dut)
    await begin(dut, source, sink)
    seen = set()
    for index, constant in enumerate((0, 1, 0, 1)):
        layer = Layer(f"layer {index}", constant)
        layer.announce(dut)
        taken = cocotb.start_soon(transfer_cycles(dut, "i", len(layer.sums)))
        given = cocotb.start_soon(transfer_cycles(dut, "o", len(layer.words)))
        await layer.feed(dut, source)
        layer.check(await sink.receive(len(layer.words)))
        cycles, takes = await given, await taken
        check_each("cycle of first word", cycles[::STEPS], [at + LATENCY for at in takes])
        for at, place in zip(cycles, range(len(cycles)), strict=True):
            check(f"cycle of word {place}", at, cycles[place // STEPS * STEPS] + place % STEPS)
        seen |= set(layer.words)
    check("words with and without spikes occurred", len(seen) > 1, True)
    await check_quiet(dut, sink)


# Detects a membrane or a timestep that survives a reset.
@bench(cycles=20_000)
async def reset_in_mid_flight(dut):
    source, sink = stream_pair(dut)
    await begin(dut, source, sink)
    for attempt in range(4):
        layer = Layer(f"layer {attempt}", attempt % 2)
        layer.announce(dut)
        feeding = cocotb.start_soon(layer.feed(dut, source))
        cut = generator(f"cut {attempt}").randrange(1, len(layer.words))
        await ClockCycles(dut.clk, cut)
        feeding.cancel()
        await reset(dut, source, sink)
        await layer.feed(dut, source)
        layer.check(await sink.receive(len(layer.words)))
