"""cocotb bench of the accelerator with two engines: what one of them can do to the other."""

from __future__ import annotations

import cocotb
from cocotb.triggers import ClockCycles

from sim.simulators.streams import bench, generator
from sw_model.host import driver
from sw_model.spec.hardware.buffers import WORD_BYTES
from sw_model.spec.hardware.registers import REGISTERS
from sw_model.spec.hardware.strips import bands
from tests.rtl.bench_tools import check

from .system_tester import ENGINES, FRAMES, Bench


# An error on one engine's port, or an abort, after which the other one goes on, hangs, or brings
# what it still holds into the next frame.
@bench(cycles=400_000)
async def what_ends_one_engine_ends_both(dut):
    tester = Bench(dut, 0.2)
    await tester.begin()
    field = REGISTERS["SHAPE"].field("engines")
    check("engines", await tester.read("SHAPE") >> field.low & ((1 << field.bits) - 1), ENGINES)
    rng = generator("errors")
    frame, small = FRAMES[-1], FRAMES[1]
    height = len(frame.pixels)
    upper, lower = bands(height, ENGINES)
    # A row that only one engine reads, or writes.
    for name, error, row in (
        ("NOISY", "read", 0),
        ("NOISY", "read", height - 1),
        ("MAP_A", "write", upper.output_start),
        ("MAP_B", "write", lower.output_start),
    ):
        job = await tester.start_frame(frame)
        stride = job.buffers.sizes[name] // height
        word = rng.randrange(stride // WORD_BYTES)
        tester.memory.failing = (job.addresses[name] + row * stride + word * WORD_BYTES,)
        await tester.finish(error)
        await tester.check_frame(small)
    await tester.start_frame(frame)
    await ClockCycles(dut.clk, rng.randrange(200, 600))
    await tester.write("CONTROL", driver.control("abort"))
    await tester.finish("aborted")
    await tester.check_frame(frame)


# A lower half whose addresses wrap around to where they may not be.
@bench(cycles=200_000)
@cocotb.parametrize(name=["NOISY", "MAP_B"])
async def stops_at_the_end_of_addresses(dut, name):
    tester = Bench(dut, 0.0)
    await tester.begin()
    await tester.check_end_of_addresses(FRAMES[-1], name)
