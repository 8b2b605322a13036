"""cocotb bench of the weight memory."""

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

from .bench_tools import check_each, transfer_cycles, under_stalls
from .reference import unpack

ROWS = arguments()["rows"]
WEIGHT_BITS = arguments()["weight_bits"]
ROW_BITS = max(1, (len(ROWS) - 1).bit_length())
LANES = len(ROWS[0])


def random_requests(name, count=80):
    """Requests, every row among them, as (row, present, last)."""
    rng = generator(name)
    rows = [*range(len(ROWS)), *(rng.randrange(len(ROWS)) for _ in range(count))]
    return [(row, rng.getrandbits(1), rng.getrandbits(1)) for row in rows]


def payloads(requests):
    return [row | present << ROW_BITS | last << (ROW_BITS + 1) for row, present, last in requests]


def answers(requests):
    return [(ROWS[row], present, last) for row, present, last in requests]


def decode(payload):
    flags = payload >> (WEIGHT_BITS * LANES)
    return unpack(payload, WEIGHT_BITS, LANES), flags & 1, flags >> 1


async def receive(sink, count):
    return [decode(payload) for payload in await sink.receive(count)]


def stream_pair(dut, idle=0.0, back_pressure=0.0):
    source = StreamSource(dut, "requests", idle=idle)
    return source, StreamSink(dut, "responses", back_pressure=back_pressure)


# A wrong weight, a row lost or doubled while it waits, or marks that do not go along with it.
@under_stalls(cycles=10_000)
async def answers_with_rows(dut, idle, back_pressure):
    source, sink = stream_pair(dut, idle, back_pressure)
    requests = random_requests(f"requests {idle} {back_pressure}")
    await start(dut, source, sink)
    source.send(payloads(requests))
    check_each("row", await receive(sink, len(requests)), answers(requests))
    await check_quiet(dut, sink)


# A bubble: a row takes one cycle, latency one cycle.
@bench(cycles=1_000)
async def one_row_a_cycle(dut):
    source, sink = stream_pair(dut)
    requests = random_requests("requests")
    await start(dut, source, sink)
    taken = cocotb.start_soon(transfer_cycles(dut, "requests", len(requests)))
    given = cocotb.start_soon(transfer_cycles(dut, "responses", len(requests)))
    source.send(payloads(requests))
    first, *_ = await taken
    check_each("cycle of row", await given, range(first + 1, first + 1 + len(requests)))


# A request that survives a reset.
@bench(cycles=5_000)
async def reset_in_mid_flight(dut):
    source, sink = stream_pair(dut, idle=0.2, back_pressure=0.5)
    await start(dut, source, sink)
    for attempt in range(4):
        requests = random_requests(f"requests {attempt}")
        source.send(payloads(requests))
        await sink.receive(10)
        await reset(dut, source, sink)
        source.send(payloads(requests))
        got = await receive(sink, len(requests))
        check_each(f"row after reset {attempt},", got, answers(requests))
