"""cocotb bench of synapse arrays that take two events a cycle."""

import cocotb
from cocotb.triggers import RisingEdge

from sim.simulators.streams import (
    StreamSink,
    arguments,
    bench,
    check_quiet,
    generator,
    reset,
    start,
)
from tests.rtl.bench_tools import STALLS, check_each, cycle, transfer_cycles, under_idling
from tests.rtl.reference import Beat, pack, random_signed, signed_limits, sums_of, unpack

VARIANTS = arguments()
LATENCY = 1


class Array:
    """Ports and random rows of one of the arrays."""

    def __init__(self, dut, name):
        variant = VARIANTS[name]
        self.dut, self.name = dut, name
        self.lanes, self.bits = variant["lanes"], variant["weight_bits"]
        self.lane_bits, self.binary = variant["lane_bits"], variant["binary"]
        self.sink = StreamSink(dut, f"{name}__sums")

    def set(self, **values):
        for port, value in values.items():
            if port != "first" or self.binary:
                getattr(self.dut, f"{self.name}__{port}").value = value

    def beats(self, seed, count=40):
        """Return (weights, second weights, beat of their sums), whose sums all fit the lanes."""
        rng = generator(f"{self.name} {seed}")
        found = self._extreme(1) + self._extreme(-1)
        low, high = signed_limits(self.lane_bits)
        for _ in range(count):
            accumulators, length = [0] * self.lanes, rng.randrange(1, 8)
            for index in range(length):
                rows = [
                    [random_signed(rng, self.bits) for _ in range(self.lanes)] for _ in range(2)
                ]
                if rng.random() < 0.3:
                    rows[1] = [0] * self.lanes
                first = int(self.binary and rng.random() < 0.5)
                if not all(low <= v <= high for v in _beat(rows, first).apply(accumulators)):
                    rows, first = [[0] * self.lanes] * 2, 0
                beat = _beat(rows, first)
                accumulators = beat.apply(accumulators)
                found.append((*rows, beat._replace(last=int(index == length - 1))))
        return found

    def _extreme(self, sign):
        """Both weights at their limit, as often as the lanes hold it."""
        weight, limit = (signed_limits(bits)[sign > 0] for bits in (self.bits, self.lane_bits))
        rows = [[weight] * self.lanes] * 2
        times = abs(limit) // abs(2 * weight)
        return [(*rows, _beat(rows, 0)._replace(last=int(i == times - 1))) for i in range(times)]

    async def feed(self, beats, idle=0.0):
        """Send the beats, with random weights during pauses; return the beats' cycles."""
        rng, cycles = generator("feed"), []
        for weights, second, beat in beats:
            while rng.random() < idle:
                junk = (rng.getrandbits(self.bits * self.lanes) for _ in range(2))
                self.set(take=0, last=0, first=rng.getrandbits(1))
                self.set(weights=next(junk), second_weights=next(junk))
                await RisingEdge(self.dut.clk)
            self.set(weights=pack(weights, self.bits), second_weights=pack(second, self.bits))
            self.set(take=1, last=beat.last, first=beat.first)
            await RisingEdge(self.dut.clk)
            cycles.append(cycle())
        self.set(take=0, last=0)
        return cycles

    async def clear(self):
        """Clear the accumulators, as after a reset: ``last`` without ``take``."""
        self.set(last=1)
        await RisingEdge(self.dut.clk)
        self.set(last=0)

    async def check_sums(self, beats, what="sums of word"):
        expected = sums_of([beat for *_, beat in beats])
        got = [
            unpack(sums, self.lane_bits, self.lanes)
            for sums in await self.sink.receive(len(expected))
        ]
        check_each(f"{self.name}: {what}", got, expected)


def _beat(rows, first):
    return Beat([a + b for a, b in zip(*rows, strict=True)], first=first)


async def begin(dut):
    parts = [Array(dut, name) for name in VARIANTS]
    for part in parts:
        part.set(weights=0, second_weights=0, take=0, last=0, first=0)
    await start(dut, *(part.sink for part in parts))
    for part in parts:
        await part.clear()
    return parts


# Detects one of the weights left out, added twice or with the wrong sign; a sum that starts from
# the one before, or does not double at the first weights of a word; an overflow of a pair.
@under_idling(cycles=40_000)
async def adds_both_weights(dut, idle):
    for part in await begin(dut):
        beats = part.beats(f"beats {idle}")
        await part.feed(beats, idle)
        await part.check_sums(beats)
        await check_quiet(dut, part.sink)


# Detects sums that are not valid in the cycle after their last beat, or are valid in another one.
@bench(cycles=10_000)
async def sums_come_a_cycle_after_their_last_beat(dut):
    for part in await begin(dut):
        beats = part.beats("beats", count=20)
        lasts = [index for index, (*_, beat) in enumerate(beats) if beat.last]
        given = cocotb.start_soon(transfer_cycles(dut, f"{part.name}__sums", len(lasts)))
        cycles = await part.feed(beats, STALLS[1])
        check_each(f"{part.name}: cycle of sum", await given, [cycles[i] + LATENCY for i in lasts])


# Detects a sum that survives a reset.
@bench(cycles=50_000)
async def reset_in_mid_flight(dut):
    for part in await begin(dut):
        for attempt in range(3):
            beats = part.beats(f"beats {attempt}", count=10)
            cut = generator(f"cut {attempt}").randrange(1, len(beats))
            await part.feed(beats[:cut], STALLS[1])
            await reset(dut, part.sink)
            await part.clear()
            await part.feed(beats, STALLS[1])
            await part.check_sums(beats, f"sums after reset {attempt}, of word")
