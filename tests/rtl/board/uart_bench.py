"""cocotb bench of the serial line's receiver and transmitter."""

import cocotb
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge, Timer

from sim.simulators.streams import CLOCK_NS, StreamSource, arguments, bench, generator, start
from sw_model.spec.hardware.serial import BYTE_BITS
from tests.rtl.bench_tools import STALLS, check, check_each

DIVISOR = arguments()["divisor"]
COUNT = 30


async def begin(dut, *streams):
    await start(dut, *streams, receive=1)


async def drive(dut, level, bits=1.0):
    dut.receive.value = level
    await Timer(round(1000 * CLOCK_NS * DIVISOR * bits), unit="ps")


async def send(dut, data, *, rate=1.0, stop=1):
    """A byte, its bits longer or shorter than they should be."""
    for level in (0, *(data >> index & 1 for index in range(8)), stop):
        await drive(dut, level, rate)


async def collect(dut, found):
    while True:
        await RisingEdge(dut.clk)
        if dut.valid.value:
            found.append((int(dut.data.value), int(dut.faulty.value)))


# A byte that is misread because the other end's clock is a little faster or slower.
@bench(cycles=400_000)
@cocotb.parametrize(rate=[0.98, 1.0, 1.02])
async def takes_bytes_at_rates_that_differ(dut, rate):
    await begin(dut)
    rng = generator(f"bytes {rate}")
    found = []
    cocotb.start_soon(collect(dut, found))
    sent = [rng.getrandbits(8) for _ in range(COUNT)]
    for data in sent:
        await send(dut, data, rate=rate)
        if rng.random() < 0.3:
            await drive(dut, 1, 3 * rng.random())
    await drive(dut, 1, 2)
    check_each("byte", found, [(data, 0) for data in sent])


# A spike taken for a byte, many bytes from a line held low, or a byte after them that is lost.
@bench(cycles=100_000)
async def faults_of_the_line(dut):
    await begin(dut)
    found = []
    cocotb.start_soon(collect(dut, found))
    await drive(dut, 0, 0.2)
    await drive(dut, 1, 12)
    check("bytes of a spike", found, [])
    await send(dut, 0x5A, stop=0)
    await drive(dut, 0, 40)
    check("bytes of a line held low", found, [(0x5A, 1)])
    await drive(dut, 1, 1)
    await send(dut, 0xA7)
    await drive(dut, 1, 1)
    check("bytes", found, [(0x5A, 1), (0xA7, 0)])


# A bit that is too long or too short, out of order, or a pause between bytes that wait.
@bench(cycles=200_000)
@cocotb.parametrize(idle=STALLS)
async def sends_bytes_in_ten_bits(dut, idle):
    source = StreamSource(dut, "sent", idle=idle)
    await begin(dut, source)
    rng = generator(f"sent {idle}")
    sent = [rng.getrandbits(8) for _ in range(COUNT)]
    source.send(sent)
    await FallingEdge(dut.transmit)
    for number, data in enumerate(sent):
        await Timer(1, unit="ns")
        if dut.transmit.value:
            check("a pause", bool(idle), True)
            await FallingEdge(dut.transmit)
        levels = []
        for _ in range(BYTE_BITS):
            await ClockCycles(dut.clk, DIVISOR)
            levels.append(int(dut.transmit.value))  # sampled before the edge takes effect
        bits = [0, *(data >> index & 1 for index in range(8)), 1]
        check(f"bits of byte {number}", levels, bits)
