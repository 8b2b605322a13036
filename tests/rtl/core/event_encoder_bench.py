"""cocotb bench of the event encoder."""

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
from tests.rtl.bench_tools import check, check_each, transfer_cycles, under_idling
from tests.rtl.reference import Event, events_of, random_word

CHANNELS = arguments()["channels"]
BINARY = arguments().get("binary", False)
CHANNEL_BITS = max(1, (CHANNELS - 1).bit_length())
FULL = (1 << CHANNELS) - 1
LATENCY = 4
SPACINGS = (1, 2, 3)


def random_frame(name, count=40):
    """Return words with their ``final``, corner cases included, and the expected events."""
    rng = generator(name)
    words = [0, 0, FULL, FULL, 0, 1, 1 << (CHANNELS - 1), 0]
    words += [random_word(rng, CHANNELS) for _ in range(count)]
    frame = [(word, rng.getrandbits(1)) for word in words]
    return frame, [event for word, final in frame for event in flagged_events(word, final)]


def flagged_events(word, final):
    """Return a word's events with the flag of the first one, which the few-spike code has."""
    return [(e, int(BINARY and index == 0)) for index, e in enumerate(events_of(word, final))]


def payloads(frame):
    return [word | final << CHANNELS for word, final in frame]


def decode(payload):
    present = payload >> CHANNEL_BITS & 1
    channel = payload & ((1 << CHANNEL_BITS) - 1) if present else 0
    flags = payload >> (CHANNEL_BITS + 1)
    return Event(channel, present, flags & 1), flags >> 1


async def receive(sink, count):
    return [decode(payload) for payload in await sink.receive(count)]


def stream_pair(dut, idle=0.0):
    # `o__ready` is a wire inside, of the register slice.
    return StreamSource(dut, "i", idle=idle), StreamSink(dut, "o", always_ready=True)


# Detects an event lost, doubled or not in ascending order; a wrong flag of an empty or a last word,
# or of a word's first event.
@under_idling(cycles=40_000)
async def gives_set_bits_in_ascending_order(dut, idle):
    source, sink = stream_pair(dut, idle)
    await start(dut, source, sink, spacing=1)
    for spacing in SPACINGS:
        dut.spacing.value = spacing
        frame, events = random_frame(f"words {idle} {spacing}")
        source.send(payloads(frame))
        check_each("event", await receive(sink, len(events)), events)
        await check_quiet(dut, sink)


# Detects a bubble between words or events: a word takes max(spacing, its events) cycles, the
# latency is four cycles. If a word has fewer events than `spacing`, its last one waits.
@bench(cycles=20_000)
async def word_costs_its_events(dut):
    source, sink = stream_pair(dut)
    await start(dut, source, sink, spacing=1)
    for spacing in SPACINGS:
        dut.spacing.value = spacing
        frame, events = random_frame(f"words {spacing}")
        taken = cocotb.start_soon(transfer_cycles(dut, "i", len(frame)))
        given = cocotb.start_soon(transfer_cycles(dut, "o", len(events), always_ready=True))
        source.send(payloads(frame))
        first, *_ = await taken
        cycles = await given
        check("cycles from the first word to its first event", cycles[0] - first, LATENCY)
        expected, end = [], cycles[0] - spacing
        for word, final in frame:
            count = len(events_of(word, final))
            begin = end + 1 if expected else cycles[0]
            end = max(end + spacing, begin + count - 1)
            expected += [*range(begin, begin + count - 1), end]
        check_each(f"spacing {spacing}: cycle of event", cycles, expected)
        await sink.receive(len(events))
        await check_quiet(dut, sink)


# Detects a word that survives a reset, or a reset that leaves the encoder stuck.
@bench(cycles=50_000)
async def reset_in_mid_flight(dut):
    source, sink = stream_pair(dut, idle=0.2)
    await start(dut, source, sink, spacing=1)
    for attempt in range(5):
        frame, events = random_frame(f"words {attempt}")
        source.send(payloads(frame))
        await receive(sink, generator(f"cut {attempt}").randrange(1, len(events)))
        await reset(dut, source, sink)
        source.send(payloads(frame))
        check_each(f"event after reset {attempt},", await receive(sink, len(events)), events)
