"""cocotb bench of the register slice."""

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
from tests.rtl.bench_tools import check_each, transfer_cycles, under_stalls

BITS = arguments()["shape"]


def elements(name, count=100):
    rng = generator(name)
    return [rng.getrandbits(BITS) for _ in range(count)]


def stream_pair(dut, idle=0.0, back_pressure=0.0):
    source = StreamSource(dut, "i", idle=idle)
    return source, StreamSink(dut, "o", back_pressure=back_pressure)


async def check_elements(dut, idle, back_pressure):
    """Fail if an element is lost, doubled or out of order."""
    source, sink = stream_pair(dut, idle, back_pressure)
    sent = elements(f"elements {idle} {back_pressure}")
    await start(dut, source, sink)
    source.send(sent)
    check_each("element", await sink.receive(len(sent)), sent)
    await check_quiet(dut, sink)


@under_stalls(cycles=5_000)
async def keeps_elements(dut, idle, back_pressure):
    await check_elements(dut, idle, back_pressure)


# A bubble: an element takes one cycle, latency one cycle.
@bench(cycles=1_000)
async def one_element_a_cycle(dut):
    source, sink = stream_pair(dut)
    sent = elements("elements")
    await start(dut, source, sink)
    taken = cocotb.start_soon(transfer_cycles(dut, "i", len(sent)))
    given = cocotb.start_soon(transfer_cycles(dut, "o", len(sent)))
    source.send(sent)
    first, *_ = await taken
    check_each("cycle of element", await given, range(first + 1, first + 1 + len(sent)))


# An element that survives a reset.
@bench(cycles=2_000)
async def reset_in_mid_flight(dut):
    source, sink = stream_pair(dut, back_pressure=0.8)
    await start(dut, source, sink)
    for attempt in range(4):
        sent = elements(f"elements {attempt}", count=20)
        source.send(sent)
        await sink.receive(5)
        await reset(dut, source, sink)
        source.send(sent)
        check_each(f"element after reset {attempt},", await sink.receive(len(sent)), sent)
