"""cocotb bench of the frame memory."""

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
from tests.rtl.bench_tools import check, check_each, cycle, pulse, transfer_cycles, under_stalls
from tests.rtl.reference import flush_words, random_word, raster

WORD_BITS = arguments()["word_bits"]
HEIGHT, WIDTH = arguments()["max_height"], arguments()["max_width"]
STEPS = arguments()["max_timesteps"]
FRAMES = [
    (height, width, steps)
    for height, width, steps in (
        (1, 1, 1),
        (HEIGHT, WIDTH, STEPS),
        (1, WIDTH, 1),
        (HEIGHT, 1, STEPS),
        (1, 1, STEPS),
        (2, 2, min(2, STEPS)),
    )
    if height <= HEIGHT and width <= WIDTH
]


class Frame:
    """Random words, and what reading them must give: the words, then zeros, with `final`."""

    def __init__(self, name, height, width, steps, merge):
        rng = generator(name)
        self.size, self.merge = (height, width, steps), merge
        self.words = [random_word(rng, WORD_BITS) for _ in raster(*self.size)]
        self.ahead = flush_words(width, steps)
        self.reads = [
            word | (not merge or index % steps == steps - 1) << WORD_BITS
            for index, word in enumerate(self.words + [0] * self.ahead)
        ]

    def announce(self, dut):
        dut.frame__height.value, dut.frame__width.value, dut.timesteps.value = self.size
        dut.merge.value = self.merge

    async def write(self, dut, source):
        """Write all words; `complete` must tell when they are in."""
        await pulse(dut, "restart_write")
        source.send(self.words[:-1])
        await source.sent()
        await ClockCycles(dut.clk, 2)
        check(f"frame {self.size}: complete without the last word", int(dut.complete.value), 0)
        source.send(self.words[-1:])
        await source.sent()
        await ClockCycles(dut.clk, 1)
        check(f"frame {self.size}: complete after the last word", int(dut.complete.value), 1)

    async def check_reads(self, sink):
        check_each(f"frame {self.size}: word", await sink.receive(len(self.reads)), self.reads)


def frames(name):
    for index, size in enumerate(FRAMES):
        for merge in (0, 1):
            yield Frame(f"{name} {index} {merge}", *size, merge)


def stream_pair(dut, idle=0.0, back_pressure=0.0):
    source = StreamSource(dut, "i", idle=idle)
    return source, StreamSink(dut, "o", back_pressure=back_pressure)


async def begin(dut, *streams):
    inputs = (
        "frame__height",
        "frame__width",
        "timesteps",
        "merge",
        "restart_write",
        "restart_read",
    )
    await start(dut, *streams, **dict.fromkeys(inputs, 0))


# A word at the wrong place, one lost while it waits, a flush that is not zeros or not one row and
# one pixel long, a wrong `final` or `complete`, also for a frame after one of another size.
@under_stalls(cycles=20_000)
async def gives_back_what_was_written(dut, idle, back_pressure):
    source, sink = stream_pair(dut, idle, back_pressure)
    await begin(dut, source, sink)
    for frame in frames(f"frame {idle} {back_pressure}"):
        frame.announce(dut)
        await frame.write(dut, source)
        await pulse(dut, "restart_read")
        await frame.check_reads(sink)
        await check_quiet(dut, sink, cycles=3)


# A layer that reads its own output: words written one row and one pixel behind the reading, as
# early as the scatter allows, must not be read before the next layer.
@under_stalls(cycles=20_000)
async def one_memory_serves_input_and_output(dut, idle, back_pressure):
    source, sink = stream_pair(dut, idle, back_pressure)
    await begin(dut, source, sink)
    for frame in frames(f"frame {idle} {back_pressure}"):
        frame.announce(dut)
        await frame.write(dut, source)
        following = Frame(f"following {idle} {back_pressure}", *frame.size, frame.merge)
        await pulse(dut, "restart_write", "restart_read")
        reads = await sink.receive(frame.ahead)
        for word in following.words:
            reads += await sink.receive(1)
            source.send([word])
        check_each(f"frame {frame.size}: old word", reads, frame.reads)
        await source.sent()
        await pulse(dut, "restart_read")
        await following.check_reads(sink)


# A bubble: a word takes one cycle both ways; the first one is offered two cycles after the restart.
@bench(cycles=5_000)
async def one_word_a_cycle(dut):
    source, sink = stream_pair(dut)
    await begin(dut, source, sink)
    for frame in frames("frame"):
        frame.announce(dut)
        written = cocotb.start_soon(transfer_cycles(dut, "i", len(frame.words)))
        await pulse(dut, "restart_write")
        source.send(frame.words)
        cycles = await written
        check_each("cycle of write", cycles, range(cycles[0], cycles[0] + len(cycles)))
        given = cocotb.start_soon(transfer_cycles(dut, "o", len(frame.reads)))
        await pulse(dut, "restart_read")
        first = cycle() + 2
        check_each("cycle of read", await given, range(first, first + len(frame.reads)))
        await frame.check_reads(sink)


# A position that survives a reset in the middle of writing or reading.
@bench(cycles=20_000)
async def reset_in_mid_flight(dut):
    source, sink = stream_pair(dut, idle=0.2, back_pressure=0.3)
    await begin(dut, source, sink)
    for index, frame in enumerate(frames("frame")):
        frame.announce(dut)
        await pulse(dut, "restart_write", "restart_read")
        source.send(frame.words)
        await ClockCycles(dut.clk, generator(f"cut {index}").randrange(1, len(frame.reads) + 1))
        await reset(dut, source, sink)
        await check_quiet(dut, sink, cycles=5)
        await frame.write(dut, source)
        await pulse(dut, "restart_read")
        await frame.check_reads(sink)
