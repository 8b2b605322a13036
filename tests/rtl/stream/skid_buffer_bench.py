"""cocotb bench of the skid buffer."""

import cocotb

from sim.simulators.streams import StreamSink, StreamSource, bench, check_quiet, start
from tests.rtl.bench_tools import check_each, transfer_cycles, under_stalls

from .register_slice_bench import elements


def stream_pair(dut, idle=0.0, back_pressure=0.0):
    source = StreamSource(dut, "i", idle=idle)
    return source, StreamSink(dut, "o", back_pressure=back_pressure)


# An element lost, doubled or out of order.
@under_stalls(cycles=5_000)
async def keeps_elements(dut, idle, back_pressure):
    source, sink = stream_pair(dut, idle, back_pressure)
    sent = elements(f"elements {idle} {back_pressure}")
    await start(dut, source, sink)
    source.send(sent)
    check_each("element", await sink.receive(len(sent)), sent)
    await check_quiet(dut, sink)


# A bubble, or latency.
@bench(cycles=1_000)
async def passes_at_once(dut):
    source, sink = stream_pair(dut)
    sent = elements("elements")
    await start(dut, source, sink)
    taken = cocotb.start_soon(transfer_cycles(dut, "i", len(sent)))
    given = cocotb.start_soon(transfer_cycles(dut, "o", len(sent)))
    source.send(sent)
    check_each("cycle of element", await given, await taken)
