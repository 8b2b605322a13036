"""cocotb bench of the scatter."""

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge

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
from sw_model.spec import TAPS
from sw_model.spec.hardware.cycles import spacing
from tests.rtl.bench_tools import check_each, pulse, transfer_cycles, under_idling
from tests.rtl.reference import (
    convolved,
    flush_words,
    pack,
    random_signed,
    raster,
    signed_limits,
    unpack,
)

CHANNELS = arguments()["channels"]
LANE_BITS = arguments()["lane_bits"]
SUM_BITS = arguments()["sum_bits"]
WIDTH, STEPS = arguments()["max_width"], arguments()["max_timesteps"]
FRAMES = [
    # Height, width and timesteps; successive frames grow and shrink.
    (1, 1, 1),
    (3, WIDTH, STEPS),
    (1, 1, STEPS),
    (1, WIDTH, 1),
    (4, 1, STEPS),
    (2, min(2, WIDTH), min(2, STEPS)),
    (5, 1, 1),
    (1, min(2, WIDTH), STEPS),
    (5, max(1, WIDTH - 1), 1),
]


class Frame:
    """Random taps and the expected sums."""

    def __init__(self, name, height, width, steps):
        rng = generator(name)
        self.size = height, width, steps
        lanes = TAPS * CHANNELS
        # Some frames have only the largest or smallest taps, whose sums must not overflow.
        extreme = rng.choice([None, None, *signed_limits(LANE_BITS)])
        self.taps = {
            position: [
                random_signed(rng, LANE_BITS) if extreme is None else extreme for _ in range(lanes)
            ]
            for position in raster(*self.size)
        }
        self.positions = list(raster(*self.size))
        self.sums = convolved(self.taps, *self.size, CHANNELS)
        self.words = [pack(taps, LANE_BITS) for taps in self.taps.values()]
        self.words += [0] * flush_words(width, steps)

    async def begin(self, dut, source):
        """Announce the frame and feed its words."""
        _, width, steps = self.size
        dut.width.value, dut.timesteps.value = width, steps
        await pulse(dut, "restart")
        pause = spacing(width, steps) - 1
        if not pause:
            source.send(self.words)
            return
        for word in self.words:
            source.send([word])
            await source.sent()
            await ClockCycles(dut.clk, pause)

    async def check(self, sink):
        got = [unpack(s, SUM_BITS, CHANNELS) for s in await sink.receive(len(self.sums))]
        check_each(f"frame {self.size}: sums at (y, x, t)", got, self.sums, self.positions)


def stream_pair(dut, idle=0.0):
    return StreamSource(dut, "i", idle=idle), StreamSink(dut, "o")


# Detects a tap that goes to the wrong neighbour, a border that is not zero, or sums of one frame in
# the next one, which may have another size and another number of timesteps.
@under_idling(cycles=20_000)
async def sums_neighbours(dut, idle):
    source, sink = stream_pair(dut, idle)
    await start(dut, source, sink, restart=0, width=0, timesteps=0)
    for index, size in enumerate(FRAMES):
        frame = Frame(f"frame {index} {idle}", *size)
        await frame.begin(dut, source)
        await frame.check(sink)
        await source.sent()
    await check_quiet(dut, sink)


async def never_read_while_written(dut):
    """Check what synthesis assumes: no line buffer is read where it is being written."""
    while True:
        await RisingEdge(dut.clk)
        if int(dut.i__valid.value) and int(dut.valid_2.value) and int(dut.started_2.value):
            assert int(dut.slot.value) != int(dut.slot_2.value), "read where it is being written"


# Detects a scatter slower than s cycles per word, or a latency other than three cycles from the
# word one row and one pixel later.
@bench(cycles=5_000)
async def one_word_a_cycle(dut):
    source, sink = stream_pair(dut)
    await start(dut, source, sink, restart=0, width=0, timesteps=0)
    if hasattr(dut, "slot_2"):  # inner signals: in Icarus, not in Verilator
        cocotb.start_soon(never_read_while_written(dut))
    for index, size in enumerate(FRAMES):
        frame = Frame(f"frame {index}", *size)
        taken = cocotb.start_soon(transfer_cycles(dut, "i", len(frame.words)))
        given = cocotb.start_soon(transfer_cycles(dut, "o", len(frame.sums)))
        await frame.begin(dut, source)
        await frame.check(sink)
        cycles = await taken
        pace = spacing(*size[1:])
        check_each("cycle of word", cycles, [cycles[0] + pace * i for i in range(len(cycles))])
        ahead = flush_words(*size[1:])
        check_each("cycle of sums", await given, [at + 3 for at in cycles[ahead:]])


# Detects partial sums or a position that survive a reset.
@bench(cycles=20_000)
async def reset_in_mid_flight(dut):
    source, sink = stream_pair(dut, idle=0.2)
    await start(dut, source, sink, restart=0, width=0, timesteps=0)
    for index, size in enumerate(FRAMES):
        frame = Frame(f"frame {index}", *size)
        beginning = cocotb.start_soon(frame.begin(dut, source))
        await ClockCycles(dut.clk, generator(f"cut {index}").randrange(1, 2 * len(frame.words) + 2))
        beginning.cancel()
        await reset(dut, source, sink)
        await frame.begin(dut, source)
        await frame.check(sink)
        await source.sent()
