"""cocotb bench of the event encoder."""

import cocotb

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
from .reference import Event, events_of, random_word

CHANNELS = arguments()["channels"]
CHANNEL_BITS = max(1, (CHANNELS - 1).bit_length())
FULL = (1 << CHANNELS) - 1


def random_frame(name, count=40):
    """Words with their ``final``, the awkward ones among them, and the events they must give."""
    rng = generator(name)
    words = [0, 0, FULL, FULL, 0, 1, 1 << (CHANNELS - 1), 0]
    words += [random_word(rng, CHANNELS) for _ in range(count)]
    frame = [(word, rng.getrandbits(1)) for word in words]
    return frame, [event for word, final in frame for event in events_of(word, final)]


def payloads(frame):
    return [word | final << CHANNELS for word, final in frame]


def decode(payload):
    present = payload >> CHANNEL_BITS & 1
    channel = payload & ((1 << CHANNEL_BITS) - 1) if present else 0
    return Event(channel, present, payload >> (CHANNEL_BITS + 1))


async def receive(sink, count):
    return [decode(payload) for payload in await sink.receive(count)]


def stream_pair(dut, idle=0.0, back_pressure=0.0):
    source = StreamSource(dut, "words", idle=idle)
    return source, StreamSink(dut, "events", back_pressure=back_pressure)


# An event lost, doubled or out of its ascending order; a wrong mark of an empty or a last word.
@under_stalls(cycles=40_000)
async def gives_set_bits_in_ascending_order(dut, idle, back_pressure):
    source, sink = stream_pair(dut, idle, back_pressure)
    frame, events = random_frame(f"words {idle} {back_pressure}")
    await start(dut, source, sink)
    source.send(payloads(frame))
    check_each("event", await receive(sink, len(events)), events)
    await check_quiet(dut, sink)


# A bubble between words or events: a word costs max(1, its events) cycles, latency one cycle.
@bench(cycles=10_000)
async def word_costs_its_events(dut):
    source, sink = stream_pair(dut)
    frame, events = random_frame("words")
    await start(dut, source, sink)
    taken = cocotb.start_soon(transfer_cycles(dut, "words", len(frame)))
    given = cocotb.start_soon(transfer_cycles(dut, "events", len(events)))
    source.send(payloads(frame))
    first, *_ = await taken
    cycles = await given
    check("cycles from the first word to its first event", cycles[0] - first, 1)
    check_each("cycle of event", cycles, range(cycles[0], cycles[0] + len(events)))


# A word that survives a reset, or a reset that leaves the encoder stuck.
@bench(cycles=50_000)
async def reset_in_mid_flight(dut):
    source, sink = stream_pair(dut, idle=0.2, back_pressure=0.5)
    await start(dut, source, sink)
    for attempt in range(5):
        frame, events = random_frame(f"words {attempt}")
        source.send(payloads(frame))
        await receive(sink, generator(f"cut {attempt}").randrange(1, len(events)))
        await reset(dut, source, sink)
        source.send(payloads(frame))
        check_each(f"event after reset {attempt},", await receive(sink, len(events)), events)
