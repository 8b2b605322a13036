"""cocotb bench of the serial link alone: an accelerator and a memory that report errors."""

import logging

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge, Timer, with_timeout
from cocotbext.axi import (
    AxiBus,
    AxiLiteBus,
    AxiLiteSlave,
    AxiReadBus,
    AxiSlave,
    AxiWriteBus,
)

from sim.simulators.streams import CLOCK_NS, arguments, bench, start
from sw_model.host import driver
from sw_model.spec.hardware.buffers import FrameBuffers
from sw_model.spec.hardware.registers import REGISTERS
from sw_model.spec.hardware.registers import error_code as register_error
from sw_model.spec.hardware.sdram import BASES
from sw_model.spec.hardware.serial import (
    DENOISE,
    DENOISED,
    ERROR,
    HEADER_BYTES,
    Header,
    error_code,
    message,
    unpack_header,
)
from tests.rtl.bench_tools import check
from tests.rtl.networks import NETWORKS

DIVISOR = arguments()["divisor"]
DEPLOYMENT = NETWORKS[arguments()["network"]].deployment
STEPS = DEPLOYMENT.spec.timesteps[0]
BIT_NS = CLOCK_NS * DIVISOR
LIMIT_NS = 20_000 * CLOCK_NS
STATUS = REGISTERS["STATUS"]
PIXELS = [300, -512, 511, 0, 7, -1]
RESULT = bytes([1, 2, 3, 250, 251, 252])
BUFFERS = FrameBuffers(2, 3, STEPS, DEPLOYMENT.spec.channels)


class Registers:
    """The accelerator's registers: notes what is written, says how the frame ended."""

    def __init__(self, dut):
        self.dut = dut
        self.writes = []
        self.error = 0
        self.refuse = False

    async def write(self, address, data):
        if self.refuse:
            raise ValueError("refused")
        self.writes.append((address, int.from_bytes(data, "little")))
        if self.writes[-1] == (REGISTERS["CONTROL"].offset, driver.control("start")):
            cocotb.start_soon(self._end())
        if self.writes[-1] == (REGISTERS["CONTROL"].offset, driver.control("clear")):
            self.dut.irq.value = 0

    async def _end(self):
        await ClockCycles(self.dut.clk, 40)
        check("the memory's owner", int(self.dut.owner.value), 1)
        self.dut.irq.value = 1

    async def read(self, address, length):
        check("register that is read", address, STATUS.offset)
        return (self.error << STATUS.field("error").low | 2).to_bytes(length, "little")


class Memory:
    """The frame's buffers, and whether accesses fail."""

    def __init__(self):
        self.bytes = {}
        self.failing = False
        self.failing_reads = False

    async def write(self, address, data):
        if self.failing:
            raise ValueError("fails")
        self.bytes |= {address + place: value for place, value in enumerate(data)}

    async def read(self, address, length):
        if self.failing_reads:
            raise ValueError("fails")
        return bytes(self.bytes.get(address + place, 0) for place in range(length))


class Bench:
    """The link, its line and what it is connected to."""

    def __init__(self, dut):
        self.dut = dut
        for name in ("registers", "memory__read", "memory__write"):
            logging.getLogger(f"cocotb.{dut._name}.{name}").setLevel(logging.WARNING)
        self.registers, self.memory = Registers(dut), Memory()
        AxiLiteSlave(
            AxiLiteBus.from_prefix(dut, "registers_"), dut.clk, dut.rst, target=self.registers
        )
        bus = AxiBus(
            write=AxiWriteBus.from_prefix(dut, "memory__write_"),
            read=AxiReadBus.from_prefix(dut, "memory__read_"),
        )
        AxiSlave(bus, dut.clk, dut.rst, target=self.memory)
        # Rows begin with a word of their own.
        for row in range(2):
            for x in range(3):
                place = BASES["DENOISED"] + 8 * row + x
                self.memory.bytes[place] = RESULT[3 * row + x]

    async def ask(self, sequence, spoilt=False):
        """Send a request; the answer's header and payload, whose check must be right or spoilt."""
        dut = self.dut
        header = Header(DENOISE, sequence, STEPS, 2, 3)
        payload = b"".join(pixel.to_bytes(2, "little", signed=True) for pixel in PIXELS)
        answer = cocotb.start_soon(self._receive(spoilt))
        for data in message(header, payload):
            for level in (0, *(data >> index & 1 for index in range(8)), 1):
                dut.receive.value = level
                await Timer(BIT_NS, unit="ns")
        return await with_timeout(answer, LIMIT_NS, "ns")

    async def _receive(self, spoilt):
        content = b""
        while len(content) < HEADER_BYTES:
            content += bytes([await self._byte()])
        header = unpack_header(content)
        payload = bytes([await self._byte() for _ in range(header.payload_bytes)])
        check_bytes = bytes([await self._byte() for _ in range(4 if payload else 0)])
        if payload:
            if spoilt:
                check_bytes = bytes(byte ^ 0xFF for byte in check_bytes)
            check("message", content + payload + check_bytes, message(header, payload))
        return header, payload

    async def _byte(self):
        line = self.dut.transmit
        while line.value:
            await RisingEdge(self.dut.clk)
        await Timer(BIT_NS * 3 // 2, unit="ns")
        data = 0
        for index in range(8):
            data |= int(line.value) << index
            await Timer(BIT_NS, unit="ns")
        return data


# An error of accelerator or memory that is answered with a picture, or that lasts.
@bench(cycles=100_000)
async def tells_errors_of_the_accelerator(dut):
    tester = Bench(dut)
    await start(dut, receive=1, ready=1, irq=0)
    failure = error_code("accelerator")
    good = Header(DENOISED, 1, STEPS, 2, 3)
    check("answer", await tester.ask(1), (good, RESULT))
    written = dict(tester.registers.writes)
    for name, value in (
        ("HEIGHT", 2),
        ("WIDTH", 3),
        ("TIMESTEPS", STEPS),
        *((name, address) for name, address in BASES.items()),
        ("INTERRUPT", 1),
    ):
        check(name, written[REGISTERS[name].offset], value)
    noisy = bytes(tester.memory.bytes.get(place, 0) for place in range(BUFFERS.sizes["NOISY"]))
    expected = [*PIXELS[:3], 0, *PIXELS[3:], 0]
    check("noisy image", noisy, b"".join(p.to_bytes(2, "little", signed=True) for p in expected))
    tester.registers.error = register_error("read")
    check("answer", await tester.ask(2), (Header(ERROR, 2, failure), b""))
    tester.registers.error = 0
    tester.registers.refuse = True
    check("answer", await tester.ask(3), (Header(ERROR, 3, failure), b""))
    tester.registers.refuse = False
    tester.memory.failing = True
    check("answer", await tester.ask(4), (Header(ERROR, 4, failure), b""))
    tester.memory.failing = False
    check("answer", await tester.ask(5), (Header(DENOISED, 5, STEPS, 2, 3), RESULT))
    tester.memory.failing_reads = True
    header, _ = await tester.ask(6, spoilt=True)
    check("answer", header, Header(DENOISED, 6, STEPS, 2, 3))
    tester.memory.failing_reads = False
    check("answer", await tester.ask(7), (Header(DENOISED, 7, STEPS, 2, 3), RESULT))
