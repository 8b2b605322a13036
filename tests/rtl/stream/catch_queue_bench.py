"""cocotb bench of the catch queue."""

import cocotb
from cocotb.triggers import RisingEdge

from sim.simulators.streams import (
    StreamSink,
    StreamSource,
    arguments,
    bench,
    check_quiet,
    generator,
    start,
)
from tests.rtl.bench_tools import check, check_each, transfer_cycles, under_idling

WIDTH, RESERVE = arguments()["width"], arguments()["reserve"]
LATENCY = 2


def elements(name, count=300):
    rng = generator(name)
    return [rng.getrandbits(WIDTH) for _ in range(count)]


async def run_pipeline(dut, sent):
    """Elements set out unless `hold` is high, and arrive `RESERVE` cycles later whatever it is.

    Returns the number of cycles in which nothing set out.
    """
    waiting, held = list(sent), 0
    pipeline = [None] * RESERVE
    while waiting or any(element is not None for element in pipeline):
        arriving = pipeline.pop(0)
        dut.i__valid.value = arriving is not None
        dut.i__payload.value = arriving or 0
        await RisingEdge(dut.clk)
        held += bool(dut.hold.value)
        setting_out = waiting and not dut.hold.value
        pipeline.append(waiting.pop(0) if setting_out else None)
    dut.i__valid.value = 0
    return held


# An element lost, doubled or out of order, though all that set out before `hold` rose arrives.
@under_idling(cycles=20_000)
async def keeps_what_is_on_its_way(dut, idle):
    sink = StreamSink(dut, "o", back_pressure=idle)
    sent = elements(f"elements {idle}")
    await start(dut, sink, i__valid=0, i__payload=0)
    held = cocotb.start_soon(run_pipeline(dut, sent))
    check_each("element", await sink.receive(len(sent)), sent)
    check("the queue held at times", await held > 0, idle > 0)
    await check_quiet(dut, sink)


# A queue that overflows where nobody takes anything for long.
@bench(cycles=5_000)
async def waits_for_whoever_takes(dut):
    sink = StreamSink(dut, "o")
    sent = elements("elements")
    await start(dut, i__valid=0, i__payload=0)
    cocotb.start_soon(run_pipeline(dut, sent))
    for _ in range(len(sent)):
        await RisingEdge(dut.clk)
    check("hold", int(dut.hold.value), 1)
    sink.begin()
    check_each("element", await sink.receive(len(sent)), sent)


# Another pace than an element a cycle, another latency than two cycles, or a queue that holds
# although everything is taken at once.
@bench(cycles=2_000)
async def one_element_a_cycle(dut):
    source, sink = StreamSource(dut, "i"), StreamSink(dut, "o")
    sent = elements("elements")
    await start(dut, source, sink)
    taken = cocotb.start_soon(transfer_cycles(dut, "i", len(sent)))
    given = cocotb.start_soon(transfer_cycles(dut, "o", len(sent)))
    source.send(sent)
    first, *_ = await taken
    check_each("element", await sink.receive(len(sent)), sent)
    check_each("cycle of element", await given, range(first + LATENCY, first + LATENCY + len(sent)))
    check("hold", int(dut.hold.value), 0)
