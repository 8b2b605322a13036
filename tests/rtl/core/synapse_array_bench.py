"""cocotb bench of the synapse array."""

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

LANES = arguments()["lanes"]
WEIGHT_BITS = arguments()["weight_bits"]
LANE_BITS = arguments()["lane_bits"]
BINARY = arguments().get("binary", False)
LOW, HIGH = signed_limits(LANE_BITS)
WEIGHT_LOW, WEIGHT_HIGH = signed_limits(WEIGHT_BITS)
ZERO_BEAT = Beat([0] * LANES)


def random_sum(rng):
    """Return the beats of one sum, of which every partial sum fits the lanes."""
    beats, accumulators = [], [0] * LANES
    for _ in range(rng.randrange(1, 10)):
        first = int(BINARY and rng.random() < 0.5)
        beat = Beat([random_signed(rng, WEIGHT_BITS) for _ in range(LANES)], first=first)
        if not all(LOW <= value <= HIGH for value in beat.apply(accumulators)):
            beat = ZERO_BEAT
        accumulators = beat.apply(accumulators)
        beats.append(beat)
    return [*beats[:-1], beats[-1]._replace(last=1)]


def extreme_sum(limit):
    """Return the beats that bring every lane to ``limit`` with extreme weights."""
    step = WEIGHT_HIGH if limit > 0 else WEIGHT_LOW
    count, rest = divmod(abs(limit), abs(step))
    beats = [Beat([step] * LANES)] * count
    return [*beats, Beat([rest if limit > 0 else -rest] * LANES, last=1)]


def random_beats(name, count=40):
    rng = generator(name)
    beats = [*extreme_sum(HIGH), *extreme_sum(LOW), ZERO_BEAT._replace(last=1)]
    for _ in range(count):
        beats += random_sum(rng)
    return beats


async def feed(dut, beats, idle=0.0):
    """Send the beats, with random weights during pauses; return the beats' cycles."""
    rng, cycles = generator("feed"), []
    for beat in beats:
        while rng.random() < idle:
            dut.weights.value = rng.getrandbits(WEIGHT_BITS * LANES)
            dut.take.value = dut.last.value = 0
            if BINARY:
                dut.first.value = rng.getrandbits(1)
            await RisingEdge(dut.clk)
        dut.weights.value = pack(beat.weights, WEIGHT_BITS)
        dut.take.value, dut.last.value = 1, beat.last
        if BINARY:
            dut.first.value = beat.first
        await RisingEdge(dut.clk)
        cycles.append(cycle())
    dut.take.value = dut.last.value = 0
    return cycles


async def clear(dut):
    """Clear the accumulators, as after a reset: ``last`` without ``take``."""
    dut.last.value = 1
    await RisingEdge(dut.clk)
    dut.last.value = 0


async def begin(dut, sink):
    first = {"first": 0} if BINARY else {}
    await start(dut, sink, weights=0, take=0, last=0, **first)
    await clear(dut)


async def check_sums(sink, beats, what="sums of word"):
    expected = sums_of(beats)
    got = [unpack(sums, LANE_BITS, LANES) for sums in await sink.receive(len(expected))]
    check_each(what, got, expected)


# Detects a weight added twice, not at all or with the wrong sign; a sum that starts from the one
# before, or does not double at the first weight of a word or at another one; an overflow at the
# largest sums.
@under_idling(cycles=40_000)
async def adds_weights(dut, idle):
    sink = StreamSink(dut, "sums")
    beats = random_beats(f"beats {idle}")
    await begin(dut, sink)
    await feed(dut, beats, idle)
    await check_sums(sink, beats)
    await check_quiet(dut, sink)


# Detects sums that are not valid in the cycle of their last beat, or are valid in another one.
@bench(cycles=10_000)
async def sums_come_with_their_last_beat(dut):
    sink = StreamSink(dut, "sums")
    beats = random_beats("beats")
    lasts = [index for index, beat in enumerate(beats) if beat.last]
    await begin(dut, sink)
    given = cocotb.start_soon(transfer_cycles(dut, "sums", len(lasts)))
    cycles = await feed(dut, beats, STALLS[1])
    check_each("cycle of sum", await given, [cycles[index] for index in lasts])


# Detects a sum that survives a reset.
@bench(cycles=50_000)
async def reset_in_mid_flight(dut):
    sink = StreamSink(dut, "sums")
    await begin(dut, sink)
    for attempt in range(5):
        beats = random_beats(f"beats {attempt}", count=10)
        cut = generator(f"cut {attempt}").randrange(1, len(beats))
        await feed(dut, beats[:cut], STALLS[1])
        await reset(dut, sink)
        await clear(dut)
        await feed(dut, beats, STALLS[1])
        await check_sums(sink, beats, f"sums after reset {attempt}, of word")
