"""cocotb bench of the memory controller: AXI on one side, a model of the part on the other."""

import logging
import random
from itertools import pairwise

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.axi import AxiBurstSize, AxiBurstType, AxiBus, AxiMaster, AxiResp

from sim.simulators.streams import CLOCK_NS, arguments, bench, generator
from sw_model.spec.hardware.buffers import BURST_WORDS, PAGE_WORDS, WORD_BYTES
from sw_model.spec.hardware.sdram import BYTES, ROW_WORDS, SdramTiming
from tests.rtl.bench_tools import check, cycle, leading

TIMING = SdramTiming(arguments()["mhz"])
PATTERN = b"\xa5"
WORD_SIZE = AxiBurstSize.SIZE_8


class Bench:
    """The controller, its clocks and its bus."""

    def __init__(self, dut, pause=0.0):
        self.dut = dut
        logging.getLogger(f"cocotb.{dut._name}.axi").setLevel(logging.WARNING)
        self.master = AxiMaster(AxiBus.from_prefix(dut, "axi"), dut.clk, dut.rst)
        if pause:
            read, write = self.master.read_if, self.master.write_if
            channels = (read.ar_channel, read.r_channel)
            channels += (write.aw_channel, write.w_channel, write.b_channel)
            for index, channel in enumerate(channels):
                channel.set_pause_generator(_pauses(generator(f"pauses {index}"), pause))

    async def begin(self):
        dut = self.dut
        dut.rst.value = 1
        dut.lead.value = 0
        Clock(dut.clk, CLOCK_NS, unit="ns").start()
        cocotb.start_soon(leading(dut.lead))
        await ClockCycles(dut.clk, 3)
        dut.rst.value = 0
        await RisingEdge(dut.ready)
        await RisingEdge(dut.clk)

    def check_part(self):
        check("what the part would not stand", int(self.dut.violations.value), 0)

    async def read(self, address, length):
        answer = await self.master.read(address, length)
        check(f"answer to reading at {address:#x}", answer.resp, AxiResp.OKAY)
        return bytes(answer.data)

    async def write(self, address, content):
        answer = await self.master.write(address, content)
        check(f"answer to writing at {address:#x}", answer.resp, AxiResp.OKAY)


def _pauses(rng, probability):
    while True:
        yield rng.random() < probability


def _places(rng):
    """First bytes of a few rows anywhere in the part, the first and the last among them."""
    rows = BYTES // WORD_BYTES // ROW_WORDS
    chosen = {0, 1, rows - 2, rows - 1, *rng.sample(range(rows), 8)}
    return [row * ROW_WORDS * WORD_BYTES for row in sorted(chosen)]


class Shadow:
    """What the memory must hold, byte by byte."""

    def __init__(self):
        self.bytes = {}

    def write(self, address, content):
        self.bytes |= {address + place: value for place, value in enumerate(content)}

    def read(self, address, length):
        return bytes(self.bytes.get(address + place, PATTERN[0]) for place in range(length))


WRITTEN = Shadow()
"""By `keeps_every_byte`, whatever its parameters: the memory outlives a test."""


# A byte that is lost, misplaced or written though its strobe is low, in rows anywhere.
@bench(cycles=300_000)
@cocotb.parametrize(pause=[0.0, 0.5])
async def keeps_every_byte(dut, pause):
    tester, shadow = Bench(dut, pause), WRITTEN
    await tester.begin()
    rng = generator(f"accesses {pause}")
    places = _places(rng)
    for _ in range(20):
        # Bytes at the end of a row go on in the next one, if the part has one.
        address = rng.choice(places) + rng.randrange(ROW_WORDS * WORD_BYTES)
        length = min(rng.choice([1, 3, 8, 60, 300]), BYTES - address)
        if rng.random() < 0.6:
            content = rng.randbytes(length)
            await tester.write(address, content)
            shadow.write(address, content)
            # With what lies around it, which must be what it was.
            length = min(length + 2 * WORD_BYTES, BYTES - address)
            address = max(0, address - WORD_BYTES)
        got = await tester.read(address, length)
        check(f"{length} bytes at {address:#x}", got, shadow.read(address, length))
    tester.check_part()


# A read or a write that starves the other, or overtakes its own kind, when both keep coming.
@bench(cycles=200_000)
async def serves_reads_and_writes_by_turns(dut):
    tester, shadow = Bench(dut), Shadow()
    await tester.begin()
    rng = generator("turns")
    content = rng.randbytes(8 * 64)
    await tester.write(0, content)
    order = []
    cocotb.start_soon(watch_turns(dut, order))
    tasks = []
    for index in range(8):
        part = rng.randbytes(64)
        shadow.write(8192 + 48 * index, part)  # over the end of the one before it
        tasks.append(cocotb.start_soon(tester.write(8192 + 48 * index, part)))
    reads = [cocotb.start_soon(tester.read(64 * index, 64)) for index in range(8)]
    for index, task in enumerate(reads):
        check(f"read {index}", await task, content[64 * index : 64 * (index + 1)])
    for task in tasks:
        await task
    check("kinds that were served", len(order) >= 8, True)
    check("the same kind twice", [a == b for a, b in pairwise(order)], [False] * (len(order) - 1))
    check("what was written", await tester.read(8192, 400), shadow.read(8192, 400))
    tester.check_part()


async def watch_turns(dut, order):
    """Which kind was taken, each time that both were there."""
    while True:
        await RisingEdge(dut.clk)
        if dut.axi_awvalid.value and dut.axi_arvalid.value:
            if dut.axi_awready.value:
                order.append("write")
            elif dut.axi_arready.value:
                order.append("read")


# An access beyond the part or of a kind that is not served, which wraps, hangs or is not told.
@bench(cycles=100_000)
async def refuses_other_accesses(dut):
    tester = Bench(dut)
    await tester.begin()
    master = tester.master
    await tester.write(0, bytes(range(64)))
    for address in (BYTES, BYTES + 0x100, (1 << 32) - 64):
        answer = await master.write(address, b"\xff" * 64)
        check("answer to a write beyond", answer.resp, AxiResp.SLVERR)
        answer = await master.read(address, 64)
        check("answer to a read beyond", answer.resp, AxiResp.SLVERR)
    answer = await master.write(0, b"\xff" * 8, burst=AxiBurstType.FIXED)
    check("answer to a fixed burst", answer.resp, AxiResp.SLVERR)
    answer = await master.write(0, b"\xff" * 8, size=AxiBurstSize.SIZE_4)
    check("answer to a narrow burst", answer.resp, AxiResp.SLVERR)
    check("contents", await tester.read(0, 64), bytes(range(64)))
    tester.check_part()


# A burst that takes longer than predicted, so that the board's figures are wrong.
@bench(cycles=200_000)
async def bursts_take_the_predicted_cycles(dut):
    tester = Bench(dut)
    await tester.begin()
    rng = random.Random(1)
    cases = [(0, BURST_WORDS), (ROW_WORDS - 3, BURST_WORDS), (5, 1), (7, 12), (PAGE_WORDS - 1, 1)]
    cases += [(rng.randrange(1 << 20), rng.randrange(1, 40)) for _ in range(4)]
    for read in (True, False):
        for word, words in cases:
            words = min(words, PAGE_WORDS - word % PAGE_WORDS)
            predicted = TIMING.burst_cycles(word, words)
            got = await back_to_back(tester, word, words, read, predicted)
            check(f"cycles of {words} words at {word}, read {read}", got, predicted)
    tester.check_part()


async def back_to_back(tester, word, words, read, predicted):
    """Fewest cycles from one address to the next: a refresh may come between."""
    dut = tester.dut
    content = bytes(words * WORD_BYTES)
    channel = "ar" if read else "aw"
    ready, valid = (getattr(dut, f"axi_{channel}{name}") for name in ("ready", "valid"))
    gaps = []
    for _ in range(4):
        for _ in range(3):
            address = word * WORD_BYTES
            if read:
                tester.master.init_read(address, words * WORD_BYTES)
            else:
                tester.master.init_write(address, content)
        taken = []
        while len(taken) < 3:
            await RisingEdge(dut.clk)
            if ready.value and valid.value:
                taken.append(cycle())
        await ClockCycles(dut.clk, predicted + 30)
        gaps += [second - first for first, second in pairwise(taken)]
    return min(gaps)


# Refreshes that a burst which pauses holds up, or that are too few.
@bench(cycles=100_000)
async def refreshes_whatever_pauses(dut):
    tester = Bench(dut)
    await tester.begin()
    write = tester.master.write_if.w_channel
    write.pause = True
    tester.master.init_write(0x1230, bytes(range(200)))
    intervals = 6
    before = int(dut.refreshes.value)
    await ClockCycles(dut.clk, intervals * TIMING.refresh_interval)
    check("refreshes", int(dut.refreshes.value) - before in (intervals, intervals + 1), True)
    write.pause = False
    check("contents", await tester.read(0x1230, 200), bytes(range(200)))
    read = tester.master.read_if.r_channel
    read.pause = True
    task = cocotb.start_soon(tester.read(0x1200, 512))
    before = int(dut.refreshes.value)
    await ClockCycles(dut.clk, intervals * TIMING.refresh_interval)
    check("refreshes", int(dut.refreshes.value) - before in (intervals, intervals + 1), True)
    read.pause = False
    expected = PATTERN * 0x30 + bytes(range(200)) + PATTERN * (512 - 0x30 - 200)
    check("what was read", await task, expected)
    tester.check_part()
