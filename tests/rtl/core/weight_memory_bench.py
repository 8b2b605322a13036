"""cocotb bench of the weight memory."""

import cocotb
from cocotb.triggers import RisingEdge

from sim.simulators.streams import StreamSource, arguments, bench, generator, reset, start
from tests.rtl.bench_tools import check, check_each, cycle, transfer_cycles, under_idling
from tests.rtl.reference import unpack

ROWS = arguments()["rows"]
WEIGHT_BITS = arguments()["weight_bits"]
ROW_BITS = max(1, (len(ROWS) - 1).bit_length())
LANES = len(ROWS[0])
LATENCY = 3
BINARY = arguments().get("binary", False)


def random_requests(name, count=80):
    """Return requests of all rows, then of random rows, as (row, present, last, first)."""
    rng = generator(name)
    rows = [*range(len(ROWS)), *(rng.randrange(len(ROWS)) for _ in range(count))]
    return [(row, *(rng.getrandbits(1) for _ in range(2 + BINARY)), *[0][BINARY:]) for row in rows]


def payloads(requests):
    return [
        row | present << ROW_BITS | last << (ROW_BITS + 1) | first << (ROW_BITS + 2)
        for row, present, last, first in requests
    ]


def answers(requests):
    return [
        (ROWS[row] if present else [0] * LANES, last, first)
        for row, present, last, first in requests
    ]


class Monitor:
    """Records the rows with their cycles, and counts `last` without `take`."""

    def __init__(self, dut):
        self.dut, self.rows, self.cycles, self.clears = dut, [], [], 0
        cocotb.start_soon(self._run())

    async def _run(self):
        dut = self.dut
        while True:
            await RisingEdge(dut.clk)
            weights = unpack(int(dut.weights.value), WEIGHT_BITS, LANES)
            if dut.take.value:
                first = int(dut.first.value) if BINARY else 0
                self.rows.append((weights, int(dut.last.value), first))
                self.cycles.append(cycle())
            elif not dut.rst.value:
                # After a reset `last` clears the accumulators.
                check("weights without take", weights, [0] * LANES)
                self.clears += int(dut.last.value)

    async def receive(self, count):
        while len(self.rows) < count:
            await RisingEdge(self.dut.clk)
        rows, self.rows = self.rows[:count], self.rows[count:]
        return rows


# Detects a wrong weight, a row lost or doubled, flags of another row, weights that are not zero
# where no spike is present.
@under_idling(cycles=10_000)
async def answers_with_rows(dut, idle):
    source = StreamSource(dut, "requests", idle=idle)
    requests = random_requests(f"requests {idle}")
    await start(dut, source)
    monitor = Monitor(dut)
    source.send(payloads(requests))
    check_each("row", await monitor.receive(len(requests)), answers(requests))


# Detects a bubble: a row takes one cycle, latency three cycles.
@bench(cycles=1_000)
async def one_row_a_cycle(dut):
    source = StreamSource(dut, "requests")
    requests = random_requests("requests")
    await start(dut, source)
    monitor = Monitor(dut)
    taken = cocotb.start_soon(transfer_cycles(dut, "requests", len(requests)))
    source.send(payloads(requests))
    first, *_ = await taken
    await monitor.receive(len(requests))
    check_each(
        "cycle of row", monitor.cycles, range(first + LATENCY, first + LATENCY + len(requests))
    )


# Detects a request that survives a reset.
@bench(cycles=5_000)
async def reset_in_mid_flight(dut):
    source = StreamSource(dut, "requests", idle=0.2)
    await start(dut, source)
    monitor = Monitor(dut)
    for attempt in range(4):
        requests = random_requests(f"requests {attempt}")
        source.send(payloads(requests))
        await monitor.receive(10)
        await reset(dut, source)
        monitor.rows.clear()
        monitor.clears = 0
        source.send(payloads(requests))
        got = await monitor.receive(len(requests))
        check_each(f"row after reset {attempt},", got, answers(requests))
        check("the accumulators were cleared", monitor.clears > 0, True)
