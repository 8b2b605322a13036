"""Software and memory around the accelerator with AXI ports, for its cocotb benches."""

from __future__ import annotations

import itertools
import logging

from cocotb.triggers import RisingEdge
from cocotbext.axi import AxiBus, AxiLiteBus, AxiLiteMaster, AxiResp, AxiSlave

from rtl.axi.accelerator import memory_ports
from sim.simulators.streams import arguments, generator, reset, start
from sw_model.host import driver
from sw_model.spec.hardware.buffers import WORD_BYTES
from sw_model.spec.hardware.registers import REGISTERS
from tests.rtl.bench_tools import check
from tests.rtl.networks import NETWORKS

from .system_networks import system_frames

NETWORK = NETWORKS[arguments()["network"]]
ENGINES = arguments()["engines"]
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
    watched, seen, last
        Reads of an address are counted; the one with the number ``last`` is answered with an error.
    """

    def __init__(self):
        self.bytes = bytearray()
        self.windows = []
        self.failing = ()
        self.watched = self.last = None
        self.seen = 0
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
        self.watched = self.last = None
        self.seen = 0

    async def read(self, address, length):
        self._check(address, length)
        if self.watched is not None and address <= self.watched < address + length:
            self.seen += 1
            if self.seen == self.last:
                raise ValueError(f"error at {self.watched:#x}, the {self.seen}th time")
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
        ports = memory_ports(ENGINES)
        for name in ("s_axi", *ports):
            logging.getLogger(f"cocotb.{dut._name}.{name}").setLevel(logging.WARNING)
        self.memory = GuardedMemory()
        self.registers = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.clk, dut.rst)
        masters = self.registers.read_if, self.registers.write_if
        channels = []
        for name in ports:
            slave = AxiSlave(AxiBus.from_prefix(dut, name), dut.clk, dut.rst, target=self.memory)
            read, write = slave.read_if, slave.write_if
            channels += [
                read.ar_channel,
                read.r_channel,
                write.aw_channel,
                write.w_channel,
                write.b_channel,
            ]
        channels += [
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

    async def reset(self):
        await reset(self.dut)

    async def hash(self):
        return "".join([f"{await self.read(f'HASH_{index}'):08x}" for index in range(8)])

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
        total = ENGINES * counters["CYCLES"]
        check("sum of the shares", sum(counters[name] for name in parts), total)
        return counters

    async def check_end_of_addresses(self, frame, name):
        """A buffer whose first word is the last one below 4 GiB; what follows would wrap around."""
        job = driver.frame_job(DEPLOYMENT, *frame.pixels.shape, frame.timesteps, BASE)
        self.memory.hold(job, frame.pixels)
        original = self.memory.read, self.memory.write
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
        self.memory.read, self.memory.write = read, write
        writes = dict(job.start(interrupt=True)) | {REGISTERS[name].offset: top}
        for offset, content in sorted(writes.items(), key=lambda w: w[0] == 0x08):
            await self.write(offset, content)
        await self.finish("address")
        self.memory.read, self.memory.write = original


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
