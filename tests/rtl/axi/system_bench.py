"""cocotb bench of the accelerator with AXI ports: what software and memory can do to it."""

from __future__ import annotations

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiResp

from sim.simulators.streams import bench, generator
from sw_model.host import driver
from sw_model.spec.hardware.buffers import WORD_BYTES
from sw_model.spec.hardware.loading import load_writes
from sw_model.spec.hardware.registers import (
    ADDRESS_BITS,
    ERRORS,
    IDENTITY,
    REGISTER_BITS,
    REGISTERS,
    VERSION,
)
from tests.rtl.bench_tools import check
from tests.rtl.networks import Frame

from .system_networks import COLUMNS, other_deployment
from .system_tester import BASE, DEPLOYMENT, ENGINES, FRAMES, Bench


# A word or a pixel that is lost, doubled or misplaced when channels pause.
@bench(cycles=400_000)
@cocotb.parametrize(pause=[0.0, 0.3, 0.7])
async def denoises_whatever_pauses(dut, pause):
    tester = Bench(dut, pause)
    await tester.begin()
    for frame in FRAMES:
        await tester.check_frame(frame)


# An error answer or an abort that hangs the accelerator, is not told, or spoils the next frame.
@bench(cycles=800_000)
async def errors_are_told_and_survived(dut):
    tester = Bench(dut, 0.2)
    await tester.begin()
    rng = generator("errors")
    frame = FRAMES[-1]
    for name in ("NOISY", "MAP_A", "MAP_B", "DENOISED", "NOISY", "MAP_A"):
        job = await tester.start_frame(frame)
        # The first byte of a word is never one that pads a row.
        word = rng.randrange(job.buffers.sizes[name] // WORD_BYTES)
        place = job.addresses[name] + word * WORD_BYTES
        tester.memory.failing = (place,)
        reads = name == "NOISY"
        await tester.finish("read" if reads else "write")
        await tester.check_frame(rng.choice(FRAMES))


# An error answer to a read of a layer other than the first.
@bench(cycles=800_000)
async def errors_of_reads_are_told_in_every_layer(dut):
    tester = Bench(dut, 0.2)
    await tester.begin()
    rng = generator("errors of reads")
    frame = FRAMES[-1]

    async def start_frame(name, draw, last=None):
        job = await tester.start_frame(frame)
        word = draw % (job.buffers.sizes[name] // WORD_BYTES)
        tester.memory.watched = job.addresses[name] + word * WORD_BYTES
        tester.memory.last = last

    for name in ("NOISY", "MAP_A", "MAP_B"):
        draw = rng.getrandbits(16)
        await start_frame(name, draw)
        await tester.finish()
        # The output layer reads the noisy image again.
        times = tester.memory.seen
        check(f"{name} is read by several layers", times >= (1 if name == "MAP_B" else 2), True)
        for last in range(1, times + 1):
            await start_frame(name, draw, last)
            await tester.finish("read")
            await tester.check_frame(rng.choice(FRAMES))


# A frame that cannot be ended, or one whose remains get into the next.
@bench(cycles=800_000)
async def aborts_at_any_time(dut):
    tester = Bench(dut, 0.2)
    await tester.begin()
    rng = generator("aborts")
    cycles = (await tester.check_frame(FRAMES[-1]))["CYCLES"]
    for _ in range(6):
        await tester.start_frame(FRAMES[-1])
        await ClockCycles(dut.clk, rng.randrange(cycles))
        await tester.write("CONTROL", driver.control("abort"))
        await tester.finish("aborted")
        await tester.check_frame(rng.choice(FRAMES))
    # Without a frame an abort does nothing.
    await tester.write("CONTROL", driver.control("abort"))
    check("error", (await tester.status()).error, "none")


# A frame that is begun though it cannot be, or an access to memory for it.
@bench(cycles=200_000)
async def refuses_impossible_frames(dut):
    tester = Bench(dut, 0.0)
    await tester.begin()
    steps = DEPLOYMENT.spec.timesteps
    wrong = [("HEIGHT", 0, "size"), ("WIDTH", 0, "size"), ("WIDTH", 4097, "size")]
    wrong += [
        ("TIMESTEPS", t, "size") for t in range(1 << REGISTERS["TIMESTEPS"].bits) if t not in steps
    ][:40:7]
    wrong += [(name, BASE + 4, "address") for name in ("NOISY", "DENOISED", "MAP_A", "MAP_B")]
    for name, value, error in wrong:
        job = driver.frame_job(DEPLOYMENT, 2, 3, steps[0], BASE)
        tester.memory.hold(job, np.zeros((2, 3), dtype=np.int64))
        tester.memory.windows = []
        writes = dict(job.start(interrupt=True)) | {REGISTERS[name].offset: value}
        for offset, content in sorted(writes.items(), key=lambda w: w[0] == 0x08):
            await tester.write(offset, content)
        await tester.finish(error)
    await tester.check_frame(FRAMES[0])


# A buffer that wraps around at the end of the address space.
@bench(cycles=200_000)
@cocotb.parametrize(name=["NOISY", "DENOISED", "MAP_A", "MAP_B"])
async def stops_at_the_end_of_addresses(dut, name):
    tester = Bench(dut, 0.0)
    await tester.begin()
    await tester.check_end_of_addresses(FRAMES[-1], name)
    await tester.check_frame(FRAMES[0])


# A register that is not what the table says, or a locked one that changes under a frame.
@bench(cycles=200_000)
async def registers_are_as_described(dut):
    tester = Bench(dut, 0.2)
    await tester.begin()
    check("identity", await tester.read("IDENTITY"), IDENTITY)
    check("version", await tester.read("VERSION"), VERSION)
    check("columns", await tester.read("COLUMNS"), COLUMNS)
    shape = await tester.read("SHAPE")
    for name, value in (
        ("channels", DEPLOYMENT.spec.channels),
        ("layers", len(DEPLOYMENT.spec.layers)),
        ("timesteps_max", DEPLOYMENT.spec.timesteps_max),
        ("engines", ENGINES),
    ):
        field = REGISTERS["SHAPE"].field(name)
        check(name, shape >> field.low & ((1 << field.bits) - 1), value)
    check("hash", await tester.hash(), DEPLOYMENT.hash)
    offsets = {register.offset: register for register in REGISTERS.values()}
    for offset in range(0, 1 << ADDRESS_BITS, 4):
        register = offsets.get(offset)
        known = AxiResp.OKAY if register else AxiResp.SLVERR
        await tester.read(offset, known)
        if register is None or register.access == "read":
            await tester.write(offset, 0, AxiResp.SLVERR)
        elif register.access == "read-write":
            most = (1 << register.bits) - 1
            await tester.write(offset, most)
            check(register.name, await tester.read(offset), most)
            for bit in range(register.bits, REGISTER_BITS):
                await tester.write(offset, 1 << bit, AxiResp.SLVERR)
            check(register.name, await tester.read(offset), most)
    # Part of a register.
    answer = await tester.registers.write(REGISTERS["HEIGHT"].offset, b"\x01\x02")
    check("answer to half a write", answer.resp, AxiResp.SLVERR)
    await tester.start_frame(FRAMES[-1])
    for name in ("LOAD_ADDRESS", "LOAD_DATA", "HASH_3"):
        await tester.write(name, 0, AxiResp.SLVERR)
    await tester.write("CONTROL", driver.control("start"))  # is ignored
    await tester.finish()


# A weight or constant that loading does not reach, or that lands elsewhere.
@bench(cycles=400_000)
async def loads_another_deployment(dut):
    tester = Bench(dut, 0.0)
    await tester.begin()
    other = other_deployment(DEPLOYMENT)
    for deployment in (other, DEPLOYMENT):
        for offset, value in load_writes(DEPLOYMENT, deployment):
            await tester.write(offset, value)
        for frame in FRAMES[:2]:
            mine = Frame(deployment, frame.pixels, frame.timesteps)
            await tester.check_frame(mine, deployment)
    check("errors have names", "none" in ERRORS, True)


# A hash of a deployment that is not in the memories.
@bench(cycles=400_000)
async def the_hash_is_of_what_is_loaded(dut):
    tester = Bench(dut, 0.0)
    await tester.begin()
    other = other_deployment(DEPLOYMENT)
    writes = list(load_writes(DEPLOYMENT, other))
    digits = REGISTERS["HASH_0"].offset
    for offset, value in writes:
        if offset == digits:
            check("hash before its own writes", await tester.hash(), "0" * 64)
        await tester.write(offset, value)
    check("hash of what was loaded", await tester.hash(), other.hash)
    await tester.reset()
    check("hash after a reset", await tester.hash(), other.hash)
    frame = FRAMES[1]
    await tester.check_frame(Frame(other, frame.pixels, frame.timesteps), other)
    for offset, value in writes[:2]:
        await tester.write(offset, value)
    await tester.reset()
    check("hash after a load that was broken off", await tester.hash(), "0" * 64)
