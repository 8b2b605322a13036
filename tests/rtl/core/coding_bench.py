"""cocotb bench of the LIF processing element under constant currents: the paper's section 2."""

from cocotb.triggers import RisingEdge

from sim.simulators.streams import arguments, bench, start
from tests.paper import TABLE_1, spikes_of
from tests.rtl.bench_tools import check

KINDS = arguments()["kinds"]
"""Name, threshold and cases of each kind of neuron; a case is a current and its spikes."""
UNITS = arguments()["units"]
"""Units of current for x = 1: the threshold of the paper's neuron is 2 x UNITS."""


async def code_of(dut, kind, threshold, current, timesteps):
    """Return the spikes of a pixel whose current is the same in every timestep."""
    dut.kind.value, dut.threshold.value, dut.sum.value = kind, threshold, current
    # The current takes two cycles to the membrane.
    for _ in range(2):
        await RisingEdge(dut.clk)
    spikes = []
    for step in range(timesteps):
        dut.first.value = int(step == 0)
        await RisingEdge(dut.clk)
        spikes.append(int(dut.spike.value))
    return spikes


# Detects a row of the paper's Table 1 that the hardware does not give, at the row's smallest
# current, in its middle, or two units below the next row (the leak's rounding takes one).
@bench(cycles=1_000)
async def gives_table_1(dut):
    await start(dut, take=1, enable=1, first=1, sum=0, carry=0, bias=0, kind=0, threshold=1, init=0)
    for k in TABLE_1:
        # The closed form, rounded up to whole units: x >= 2^p / (2^p - 1).
        low = 0 if k == 8 else -(-UNITS * 2 ** (k + 1) // (2 ** (k + 1) - 1))
        end = 3 * UNITS if k == 0 else -(-UNITS * 2**k // (2**k - 1))
        for current in (low, (low + end) // 2, end - 2):
            spikes = await code_of(dut, 0, 2 * UNITS, current, 8)
            check(f"row {k} of Table 1 at current {current} of {UNITS}", spikes, spikes_of(k))


# Detects a code that differs from exact arithmetic at some grey level, also on thresholds, with
# hard or soft reset, with or without leak.
@bench(cycles=20_000)
async def gives_the_exact_codes_of_a_sweep(dut):
    await start(dut, take=1, enable=1, first=1, sum=0, carry=0, bias=0, kind=0, threshold=1, init=0)
    for kind, (name, threshold, cases) in enumerate(KINDS):
        for current, expected in cases:
            spikes = await code_of(dut, kind, threshold, current, len(expected))
            check(f"code of {name} at current {current} of {UNITS}", spikes, expected)
