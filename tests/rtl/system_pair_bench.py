"""cocotb bench of the accelerator with two engines: what one of them can do to the other."""

from __future__ import annotations

import cocotb
from cocotb.triggers import ClockCycles

from sim.streams import bench, generator
from sw_model import driver
from sw_model.spec.bands import bands
from sw_model.spec.frame_buffers import WORD_BYTES
from sw_model.spec.registers import REGISTERS

from .bench_tools import check
from .system_tester import ENGINES, FRAMES, Bench


# A row that neither engine writes or both do, or a strip that begins before both have ended.
@bench(cycles=400_000)
async def denoises_whatever_pauses(dut):
    tester = Bench(dut, 0.4)
    await tester.begin()
    field = REGISTERS["SHAPE"].field("engines")
    check("engines", await tester.read("SHAPE") >> field.low & ((1 << field.bits) - 1), ENGINES)
    for frame in FRAMES:
        await tester.check_frame(frame)


# An error on one engine's port, or an abort, after which the other one goes on, hangs, or brings
# what it still holds into the next frame.
@bench(cycles=800_000)
async def what_ends_one_engine_ends_both(dut):
    tester = Bench(dut, 0.2)
    await tester.begin()
    rng = generator("errors")
    frame = FRAMES[-1]
    height = len(frame.pixels)
    upper, lower = bands(height, ENGINES)
    for band in (lower, upper):
        for name in ("MAP_A", "NOISY"):
            job = await tester.start_frame(frame)
            # In a row that only this engine writes, or reads.
            row = band.output_start if name == "MAP_A" else 0 if band.first else height - 1
            stride = job.buffers.sizes[name] // height
            word = rng.randrange(stride // WORD_BYTES)
            tester.memory.failing = (job.addresses[name] + row * stride + word * WORD_BYTES,)
            await tester.finish("read" if name == "NOISY" else "write")
            await tester.check_frame(rng.choice(FRAMES))
    cycles = (await tester.check_frame(frame))["CYCLES"]
    for _ in range(3):
        await tester.start_frame(frame)
        await ClockCycles(dut.clk, rng.randrange(cycles))
        await tester.write("CONTROL", driver.control("abort"))
        await tester.finish("aborted")
        await tester.check_frame(rng.choice(FRAMES))


# A lower half whose addresses wrap around to where they may not be.
@bench(cycles=200_000)
@cocotb.parametrize(name=["NOISY", "DENOISED", "MAP_A", "MAP_B"])
async def stops_at_the_end_of_addresses(dut, name):
    tester = Bench(dut, 0.0)
    await tester.begin()
    await tester.check_end_of_addresses(FRAMES[-1], name)
    await tester.check_frame(FRAMES[-2])
