"""cocotb bench of the encoder that gives two events a cycle, of several widths."""

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
from tests.rtl.reference import Pair, pairs_of, random_word

VARIANTS = arguments()
LATENCY = 4
SPACINGS = (1, 2, 3)


class Encoder:
    """Ports, words and expected pairs of one of the encoders."""

    def __init__(self, dut, name, idle=0.0):
        self.dut, self.name = dut, name
        self.channels = VARIANTS[name]["channels"]
        self.binary = VARIANTS[name].get("binary", False)
        self.source = StreamSource(dut, f"{name}__i", idle=idle)
        self.sink = StreamSink(dut, f"{name}__o", always_ready=True)
        self.spacing = getattr(dut, f"{name}__spacing")

    def words(self, seed, count=40):
        """Return words with their ``final``, those of one, two and three spikes included."""
        rng = generator(f"{self.name} {seed}")
        full = (1 << self.channels) - 1
        words = [0, 0, full, full, 0, 1, 1 << (self.channels - 1), 0]
        for spikes in (1, 2, 2, 3, 3, 4, 5):
            bits = rng.sample(range(self.channels), min(spikes, self.channels))
            words.append(sum(1 << bit for bit in bits))
        words += [random_word(rng, self.channels) for _ in range(count)]
        return [(word, rng.getrandbits(1)) for word in words]

    def send(self, words):
        self.source.send(word | final << self.channels for word, final in words)

    def expected(self, words):
        return [
            (pair, int(self.binary and index == 0))
            for word, final in words
            for index, pair in enumerate(pairs_of(word, final))
        ]

    def decode(self, payload):
        bits = max(1, (self.channels - 1).bit_length())

        def field(width):
            nonlocal payload
            value, payload = payload & ((1 << width) - 1), payload >> width
            return value

        channel, present, last = field(bits), field(1), field(1)
        first = field(1) if self.binary else 0
        second, second_present = field(bits), field(1)
        pair = Pair(channel if present else None, second if second_present else None, last)
        return pair, first

    async def receive(self, count):
        return [self.decode(payload) for payload in await self.sink.receive(count)]


def encoders(dut, idle=0.0):
    return [Encoder(dut, name, idle) for name in VARIANTS]


async def begin(dut, parts):
    streams = [stream for part in parts for stream in (part.source, part.sink)]
    await start(dut, *streams, **{f"{part.name}__spacing": 1 for part in parts})


# Detects an event lost, doubled or of another word; a second event that is not there; a wrong flag
# of an empty or a last word, or of a word's first events.
@under_idling(cycles=40_000)
async def gives_pairs_from_outside_to_inside(dut, idle):
    parts = encoders(dut, idle)
    await begin(dut, parts)
    for part in parts:
        for spacing in SPACINGS:
            part.spacing.value = spacing
            words = part.words(f"words {idle} {spacing}")
            pairs = part.expected(words)
            part.send(words)
            check_each(f"{part.name}: pair", await part.receive(len(pairs)), pairs)
            await check_quiet(dut, part.sink)


# Detects a bubble: a word takes max(spacing, half its events, rounded up) cycles, the latency is
# four cycles. If a word has fewer pairs than `spacing`, its last one waits.
@bench(cycles=20_000)
async def word_costs_half_its_events(dut):
    parts = encoders(dut)
    await begin(dut, parts)
    for part in parts:
        for spacing in SPACINGS:
            part.spacing.value = spacing
            words = part.words(f"words {spacing}")
            counts = [max(1, (word.bit_count() + 1) // 2) for word, _ in words]
            taken = cocotb.start_soon(transfer_cycles(dut, f"{part.name}__i", len(words)))
            given = cocotb.start_soon(
                transfer_cycles(dut, f"{part.name}__o", sum(counts), always_ready=True)
            )
            part.send(words)
            first, *_ = await taken
            cycles = await given
            check(f"{part.name}: cycles to the first event", cycles[0] - first, LATENCY)
            expected, end = [], cycles[0] - spacing
            for count in counts:
                begins = end + 1 if expected else cycles[0]
                end = max(end + spacing, begins + count - 1)
                expected += [*range(begins, begins + count - 1), end]
            check_each(f"{part.name}, spacing {spacing}: cycle of pair", cycles, expected)
            await part.sink.receive(sum(counts))
            await check_quiet(dut, part.sink)


# Detects a word that survives a reset, or a reset that leaves the encoder stuck.
@bench(cycles=50_000)
async def reset_in_mid_flight(dut):
    parts = encoders(dut, idle=0.2)
    await begin(dut, parts)
    for part in parts:
        for attempt in range(3):
            words = part.words(f"words {attempt}")
            pairs = part.expected(words)
            part.send(words)
            await part.receive(generator(f"cut {attempt}").randrange(1, len(pairs)))
            await reset(dut, part.source, part.sink)
            part.send(words)
            got = await part.receive(len(pairs))
            check_each(f"{part.name}: pair after reset {attempt},", got, pairs)
