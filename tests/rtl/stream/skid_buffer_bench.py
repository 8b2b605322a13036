"""cocotb bench of the skid buffer."""

import cocotb

from sim.simulators.streams import bench, start
from tests.rtl.bench_tools import check_each, transfer_cycles, under_stalls

from .register_slice_bench import check_elements, elements, stream_pair


@under_stalls(cycles=5_000)
async def keeps_elements(dut, idle, back_pressure):
    await check_elements(dut, idle, back_pressure)


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
