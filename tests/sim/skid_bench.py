"""cocotb bench of the skid buffer."""

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

ARGUMENTS = arguments()


def stream_pair(dut):
    source = StreamSource(dut, "i", idle=ARGUMENTS.get("idle", 0.0))
    sink = StreamSink(dut, "o", back_pressure=ARGUMENTS.get("back_pressure", 0.0))
    return source, sink


@bench(cycles=5_000)
async def passes_everything_on(dut):
    # A payload lost, doubled, changed or out of order.
    source, sink = stream_pair(dut)
    await start(dut, source, sink)
    width = len(dut.i__payload)
    sent = [generator("payloads").getrandbits(width) for _ in range(ARGUMENTS.get("count", 300))]
    source.send(sent)
    assert await sink.receive(len(sent)) == sent
    await source.sent()
    await check_quiet(dut, sink)


@bench(cycles=1_000)
async def full_throughput(dut):
    # A bubble of bench or design: 100 payloads take 100 cycles.
    source, sink = stream_pair(dut)
    await start(dut, source, sink)
    source.send(range(100))
    # One more edge for the register in between, one that is only seen after the wait.
    await ClockCycles(dut.clk, 102)
    assert sink.waiting == 100


@bench(cycles=1_000)
async def reset_in_mid_flight(dut):
    # A payload that survives the reset.
    source, sink = stream_pair(dut)
    await start(dut, source, sink)
    source.send([1, 2, 3, 4, 5, 6])
    await sink.receive(2)
    await reset(dut, source, sink)
    source.send([7, -1])
    assert await sink.receive(2) == [7, (1 << len(dut.i__payload)) - 1]
    await check_quiet(dut, sink)
