"""cocotb bench of the synapse array."""

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

from .bench_tools import check, check_each, transfer_cycles, under_stalls
from .reference import Beat, pack, random_signed, signed_limits, sums_of, unpack

LANES = arguments()["lanes"]
WEIGHT_BITS = arguments()["weight_bits"]
LANE_BITS = arguments()["lane_bits"]
LOW, HIGH = signed_limits(LANE_BITS)
WEIGHT_LOW, WEIGHT_HIGH = signed_limits(WEIGHT_BITS)
IDLE_BEAT = Beat([0] * LANES, add=0)


def payload(beat):
    flags = beat.add | beat.double << 1 | beat.last << 2
    return pack(beat.weights, WEIGHT_BITS) | flags << (WEIGHT_BITS * LANES)


def random_beat(rng):
    weights = [random_signed(rng, WEIGHT_BITS) for _ in range(LANES)]
    return Beat(weights, rng.random() < 0.8, rng.random() < 0.3)


def random_sum(rng):
    """The beats of one sum whose every partial sum fits the lanes."""
    beats, accumulators = [], [0] * LANES
    for _ in range(rng.randrange(1, 10)):
        beat = random_beat(rng)
        if not all(LOW <= value <= HIGH for value in beat.apply(accumulators)):
            beat = IDLE_BEAT
        accumulators = beat.apply(accumulators)
        beats.append(beat)
    return [*beats[:-1], beats[-1]._replace(last=1)]


def extreme_sum(limit):
    """The beats that bring every lane to ``limit``, with the largest weights there are."""
    step = WEIGHT_HIGH if limit > 0 else WEIGHT_LOW
    count, rest = divmod(abs(limit), abs(step))
    beats = [Beat([step] * LANES)] * count
    return [*beats, Beat([rest if limit > 0 else -rest] * LANES, last=1)]


def bit_serial_sum(rng):
    """A product with a signed number, as the encoding layer forms it: the sign bit takes away."""
    bits = LANE_BITS - WEIGHT_BITS
    number = random_signed(rng, bits)
    weights = [max(random_signed(rng, WEIGHT_BITS), -WEIGHT_HIGH) for _ in range(LANES)]
    negated = [-weight for weight in weights]
    return [
        Beat(negated if bit == bits - 1 else weights, number >> bit & 1, 1, bit == 0)
        for bit in reversed(range(bits))
    ]


def random_beats(name, count=40):
    rng = generator(name)
    beats = [*extreme_sum(HIGH), *extreme_sum(LOW), IDLE_BEAT._replace(last=1)]
    for _ in range(count):
        beats += bit_serial_sum(rng) if rng.random() < 0.2 else random_sum(rng)
    return beats


async def check_sums(sink, beats, what="sums of word"):
    expected = sums_of(beats)
    got = [unpack(sums, LANE_BITS, LANES) for sums in await sink.receive(len(expected))]
    check_each(what, got, expected)


def stream_pair(dut, idle=0.0, back_pressure=0.0):
    source = StreamSource(dut, "beats", idle=idle)
    return source, StreamSink(dut, "sums", back_pressure=back_pressure)


# A weight added twice, not at all or with the wrong sign; a sum that starts from the one before;
# an overflow at the largest sums.
@under_stalls(cycles=40_000)
async def adds_weights(dut, idle, back_pressure):
    source, sink = stream_pair(dut, idle, back_pressure)
    beats = random_beats(f"beats {idle} {back_pressure}")
    await start(dut, source, sink)
    source.send(map(payload, beats))
    await check_sums(sink, beats)
    await check_quiet(dut, sink)


# A bubble: a beat takes one cycle, and its sum is there one cycle after the last one.
@bench(cycles=10_000)
async def one_beat_a_cycle(dut):
    source, sink = stream_pair(dut)
    beats = random_beats("beats")
    lasts = [index for index, beat in enumerate(beats) if beat.last]
    await start(dut, source, sink)
    taken = cocotb.start_soon(transfer_cycles(dut, "beats", len(beats)))
    given = cocotb.start_soon(transfer_cycles(dut, "sums", len(lasts)))
    source.send(map(payload, beats))
    cycles = await taken
    check_each("cycle of beat", cycles, range(cycles[0], cycles[0] + len(beats)))
    check_each("cycle of sum", await given, [cycles[index] + 1 for index in lasts])


# Accumulators that stop, or overwrite the finished sums, while these wait in the shadow registers.
@bench(cycles=1_000)
async def goes_on_while_sums_wait(dut):
    source, sink = stream_pair(dut)
    rng = generator("beats")
    unfinished = random_beat(rng)._replace(double=0)
    beats = [*random_sum(rng), unfinished, unfinished]
    await start(dut, source)
    source.send(map(payload, beats))
    await ClockCycles(dut.clk, len(beats) + 4)
    check("beat still waiting", dut.beats__valid.value, 0)
    final = IDLE_BEAT._replace(last=1)
    source.send([payload(final)])
    await ClockCycles(dut.clk, 5)
    check("last beat accepted before the sums were taken", dut.beats__ready.value, 0)
    sink.begin()
    await check_sums(sink, [*beats, final])


# A sum that survives a reset.
@bench(cycles=50_000)
async def reset_in_mid_flight(dut):
    source, sink = stream_pair(dut, idle=0.2, back_pressure=0.5)
    await start(dut, source, sink)
    for attempt in range(5):
        beats = random_beats(f"beats {attempt}", count=10)
        source.send(map(payload, beats))
        await sink.receive(4)
        await ClockCycles(dut.clk, attempt)
        await reset(dut, source, sink)
        source.send(map(payload, beats))
        await check_sums(sink, beats, f"sums after reset {attempt}, of word")
