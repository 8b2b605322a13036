"""cocotb bench of the accelerator with AXI ports: what software and memory can do to it."""

from __future__ import annotations

import itertools
import logging

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.axi import AxiBus, AxiLiteBus, AxiLiteMaster, AxiResp, AxiSlave

from sim.streams import arguments, bench, generator, start
from sw_model import driver
from sw_model.spec.frame_buffers import WORD_BYTES
from sw_model.spec.loading import load_writes
from sw_model.spec.registers import (
    ADDRESS_BITS,
    ERRORS,
    IDENTITY,
    REGISTERS,
    VERSION,
)

from .bench_tools import check
from .networks import NETWORKS, Frame
from .system_networks import COLUMNS, other_deployment, system_frames

NETWORK = NETWORKS[arguments()["network"]]
DEPLOYMENT = NETWORK.deployment
FRAMES = system_frames(NETWORK)
BASE = 0x10000 - 0x20
"""Buffers begin right before a boundary that bursts must not cross."""


class GuardedMemory:
    """Memory that fails the bench when a write leaves the buffers, and answers with errors.

    Parameters
    ----------
    job
        The frame whose buffers may be written.
    failing
        Accesses that touch one of these addresses are answered with an error.
    """

    def __init__(self):
        self.bytes = bytearray()
        self.windows = []
        self.failing = ()
        self.written = 0

    def hold(self, job, pixels):
        """Take a frame: its noisy image, and where writes may go."""
        end = max(job.addresses[name] + size for name, size in job.buffers.sizes.items())
        self.bytes = bytearray(b"\xa5" * (end + 64))
        image = job.buffers.pack_noisy(pixels)
        noisy = job.addresses["NOISY"]
        self.bytes[noisy : noisy + len(image)] = image
        self.windows = [
            (job.addresses[name], job.addresses[name] + job.buffers.sizes[name])
            for name in ("DENOISED", "MAP_A", "MAP_B")
        ]
        self.failing = ()

    async def read(self, address, length):
        self._check(address, length)
        return bytes(self.bytes[address : address + length])

    async def write(self, address, data):
        if not any(low <= address and address + len(data) <= high for low, high in self.windows):
            self.outside = f"{len(data)} bytes at {address:#x}"
            raise ValueError(self.outside)
        self._check(address, len(data))
        self.written += len(data)
        self.bytes[address : address + len(data)] = data

    outside = None

    def _check(self, address, length):
        if address + length > len(self.bytes):
            raise ValueError("beyond memory")
        for place in self.failing:
            if address <= place < address + length:
                raise ValueError(f"error at {place:#x}")

    def buffer(self, job, name):
        address = job.addresses[name]
        return bytes(self.bytes[address : address + job.buffers.sizes[name]])


class Bench:
    """The accelerator between a register port and memory, with pauses on all channels."""

    def __init__(self, dut, pause):
        self.dut = dut
        for name in ("s_axi", "m_axi"):
            logging.getLogger(f"cocotb.{dut._name}.{name}").setLevel(logging.WARNING)
        self.memory = GuardedMemory()
        self.registers = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.clk, dut.rst)
        self.slave = AxiSlave(
            AxiBus.from_prefix(dut, "m_axi"), dut.clk, dut.rst, target=self.memory
        )
        read, write = self.slave.read_if, self.slave.write_if
        masters = self.registers.read_if, self.registers.write_if
        channels = [
            read.ar_channel,
            read.r_channel,
            write.aw_channel,
            write.w_channel,
            write.b_channel,
            masters[0].ar_channel,
            masters[0].r_channel,
            masters[1].aw_channel,
            masters[1].w_channel,
            masters[1].b_channel,
        ]
        if pause:
            for index, channel in enumerate(channels):
                channel.set_pause_generator(_pauses(index, pause))

    async def begin(self):
        await start(self.dut)

    async def write(self, name, value, expected=AxiResp.OKAY):
        offset = name if isinstance(name, int) else REGISTERS[name].offset
        answer = await self.registers.write(offset, value.to_bytes(4, "little"))
        check(f"answer to writing {name}", answer.resp, expected)

    async def read(self, name, expected=AxiResp.OKAY):
        offset = name if isinstance(name, int) else REGISTERS[name].offset
        answer = await self.registers.read(offset, 4)
        check(f"answer to reading {name}", answer.resp, expected)
        return int.from_bytes(answer.data, "little")

    async def status(self):
        return driver.status(await self.read("STATUS"))

    async def start_frame(self, frame, deployment=DEPLOYMENT):
        job = driver.frame_job(deployment, *frame.pixels.shape, frame.timesteps, BASE)
        self.memory.hold(job, frame.pixels)
        for offset, value in job.start(interrupt=True):
            await self.write(offset, value)
        return job

    async def finish(self, error="none"):
        """Wait for the interrupt; the end must be the expected one."""
        if not self.dut.irq.value:
            await RisingEdge(self.dut.irq)
        status = await self.status()
        check("error", status.error, error)
        check("(busy, done)", (status.busy, status.done), (False, True))
        check("write outside of the buffers", self.memory.outside, None)
        await self.write("CONTROL", driver.control("clear"))
        check("done after clear", (await self.status()).done, False)
        check("irq after clear", int(self.dut.irq.value), 0)

    async def check_frame(self, frame, deployment=DEPLOYMENT):
        """Denoise a frame; its pixels and the last two maps must be the golden model's."""
        job = await self.start_frame(frame, deployment)
        await self.finish()
        check_results(self.memory, job, frame)
        counters = {
            name: driver.counter(await self.read(low), await self.read(high))
            for name, (low, high) in driver.counter_offsets().items()
        }
        parts = ("BUSY", "EMPTY", "STALL_INPUT", "STALL_OUTPUT", "STALL_CHANGE")
        check("sum of the shares", sum(counters[name] for name in parts), counters["CYCLES"])
        return counters


def check_results(memory, job, frame):
    denoised = job.buffers.unpack_denoised(memory.buffer(job, "DENOISED"))
    check(f"{frame}: denoised", denoised.tolist(), frame.golden.denoised.tolist())
    layers = len(frame.maps)
    for layer in range(max(0, layers - 2), layers):
        name = "MAP_B" if layer % 2 else "MAP_A"
        got = job.buffers.unpack_map(memory.buffer(job, name))
        check(f"{frame}: map of layer {layer}", got.tolist(), frame.maps[layer].tolist())


def _pauses(index, probability):
    rng = generator(f"pauses {index}")
    return (rng.random() < probability for _ in itertools.count())


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
    frame = FRAMES[-1]
    job = driver.frame_job(DEPLOYMENT, *frame.pixels.shape, frame.timesteps, BASE)
    tester.memory.hold(job, frame.pixels)
    original = tester.memory.read, tester.memory.write
    size = job.buffers.sizes[name]
    top = (1 << 32) - WORD_BYTES
    inside = job.addresses[name]

    def place(address):
        return inside + address - top if address >= top else address

    async def read(address, length):
        check("read wraps", address + length <= 1 << 32, True)
        return await original[0](place(address), length)

    async def write(address, data):
        check("write wraps", address + len(data) <= 1 << 32, True)
        await original[1](place(address), data)

    check("the buffer is larger than a word", size > WORD_BYTES, True)
    tester.memory.read, tester.memory.write = read, write
    writes = dict(job.start(interrupt=True)) | {REGISTERS[name].offset: top}
    for offset, content in sorted(writes.items(), key=lambda w: w[0] == 0x08):
        await tester.write(offset, content)
    await tester.finish("address")
    tester.memory.read, tester.memory.write = original
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
    ):
        field = REGISTERS["SHAPE"].field(name)
        check(name, shape >> field.low & ((1 << field.bits) - 1), value)
    digest = [f"{await tester.read(f'HASH_{index}'):08x}" for index in range(8)]
    check("hash", "".join(digest), DEPLOYMENT.hash)
    offsets = {register.offset: register for register in REGISTERS.values()}
    for offset in range(0, 1 << ADDRESS_BITS, 4):
        register = offsets.get(offset)
        known = AxiResp.OKAY if register else AxiResp.SLVERR
        await tester.read(offset, known)
        if register is None or register.access == "read":
            await tester.write(offset, 0, AxiResp.SLVERR)
        elif register.access == "read-write":
            await tester.write(offset, 0xFFFFFFFF)
            check(register.name, await tester.read(offset), (1 << register.bits) - 1)
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
