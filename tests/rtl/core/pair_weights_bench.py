"""cocotb bench of weight memories that give two rows a cycle, constant and loadable ones."""

import random

import cocotb
from cocotb.triggers import RisingEdge

from sim.simulators.streams import StreamSource, arguments, bench, generator, reset, start
from sw_model.spec.hardware.registers import REGISTERS, load_memory
from tests.rtl.bench_tools import check, check_each, cycle, transfer_cycles, under_idling
from tests.rtl.reference import pack, random_signed, unpack

VARIANTS = arguments()
LATENCY = 3
CHUNK_BITS = 32
LOAD_NAME = "hidden"


class Memory:
    """Ports and contents of one of the memories; records its rows and their cycles."""

    def __init__(self, dut, name, idle=0.0):
        variant = VARIANTS[name]
        self.dut, self.name = dut, name
        self.rows, self.bits = variant["rows"], variant["weight_bits"]
        self.binary, self.loadable = variant["binary"], variant["loadable"]
        self.row_bits = max(1, (len(self.rows) - 1).bit_length())
        self.lanes = len(self.rows[0])
        self.source = StreamSource(dut, f"{name}__requests", idle=idle)
        self.load = StreamSource(dut, f"{name}__load") if self.loadable else None
        self.streams = [stream for stream in (self.source, self.load) if stream is not None]
        self.got, self.cycles, self.clears = [], [], 0

    def watch(self):
        cocotb.start_soon(self._watch())

    def port(self, name):
        return getattr(self.dut, f"{self.name}__{name}").value

    def row(self, name):
        return unpack(int(self.port(name)), self.bits, self.lanes)

    async def _watch(self):
        zeros = [0] * self.lanes
        while True:
            await RisingEdge(self.dut.clk)
            rows = self.row("weights"), self.row("second_weights")
            if self.port("take"):
                first = int(self.port("first")) if self.binary else 0
                self.got.append((*rows, int(self.port("last")), first))
                self.cycles.append(cycle())
            elif not self.dut.rst.value:
                check(f"{self.name}: weights without take", rows, (zeros, zeros))
                self.clears += int(self.port("last"))

    def requests(self, seed, count=60):
        """Return (row, present, second row, second present, last, first) of random rows."""
        rng = generator(f"{self.name} {seed}")
        found = []
        for index in range(len(self.rows) + count):
            row = index if index < len(self.rows) else rng.randrange(len(self.rows))
            flags = [rng.getrandbits(1) for _ in range(4)]
            found.append((row, flags[0], rng.randrange(len(self.rows)), *flags[1:]))
        return found

    def send(self, requests):
        def payload(row, present, second, second_present, last, first):
            fields = [(row, self.row_bits), (present, 1), (last, 1)]
            fields += [(first, 1)] * self.binary
            fields += [(second, self.row_bits), (second_present, 1)]
            return _packed(fields)

        self.source.send(payload(*request) for request in requests)

    def expected(self, requests):
        zeros = [0] * self.lanes
        return [
            (
                self.rows[row] if present else zeros,
                self.rows[second] if second_present else zeros,
                last,
                first * self.binary,
            )
            for row, present, second, second_present, last, first in requests
        ]

    async def receive(self, count):
        while len(self.got) < count:
            await RisingEdge(self.dut.clk)
        rows, self.got = self.got[:count], self.got[count:]
        return rows

    async def load_rows(self, rows, rng):
        """Load rows in chunks of any order, among chunks that are not for this memory."""
        name = load_memory(LOAD_NAME)
        chunks = -(-self.lanes * self.bits // CHUNK_BITS)
        loads = []
        for number, row in enumerate(rows):
            word = pack(row, self.bits)
            for chunk in range(chunks):
                part = word >> (chunk * CHUNK_BITS) & ((1 << CHUNK_BITS) - 1)
                loads.append({"memory": name, "row": number, "chunk": chunk, "data": part})
        junk = {"memory": name, "row": 0, "chunk": 0, "data": rng.getrandbits(CHUNK_BITS)}
        others = ({"memory": name ^ 1}, {"row": len(rows)}, {"chunk": chunks})
        loads += [{**junk, **other} for other in others]
        rng.shuffle(loads)
        fields = [(field.name, field.bits) for field in REGISTERS["LOAD_ADDRESS"].fields]
        fields.append(("data", CHUNK_BITS))
        self.load.send(_packed([(load[key], bits) for key, bits in fields]) for load in loads)
        await self.load.sent()
        for _ in range(5):
            await RisingEdge(self.dut.clk)
        self.rows = rows


def _packed(fields):
    word = position = 0
    for value, bits in fields:
        word |= value << position
        position += bits
    return word


async def begin(dut, idle=0.0):
    parts = [Memory(dut, name, idle) for name in VARIANTS]
    await start(dut, *(stream for part in parts for stream in part.streams))
    for part in parts:
        part.watch()
    return parts


# Detects a wrong weight, a row lost or doubled or exchanged with the other one, flags of another
# request, weights that are not zero where no event is present.
@under_idling(cycles=10_000)
async def answers_with_two_rows(dut, idle):
    for part in await begin(dut, idle):
        requests = part.requests(f"requests {idle}")
        part.send(requests)
        check_each(f"{part.name}: rows", await part.receive(len(requests)), part.expected(requests))


# Detects a bubble: two rows take one cycle, latency three cycles.
@bench(cycles=5_000)
async def two_rows_a_cycle(dut):
    for part in await begin(dut):
        requests = part.requests("requests")
        taken = cocotb.start_soon(transfer_cycles(dut, f"{part.name}__requests", len(requests)))
        part.send(requests)
        begins = (await taken)[0] + LATENCY
        await part.receive(len(requests))
        check_each(
            f"{part.name}: cycle of rows", part.cycles, range(begins, begins + len(requests))
        )


# Detects a request that survives a reset.
@bench(cycles=10_000)
async def reset_in_mid_flight(dut):
    for part in await begin(dut, idle=0.2):
        for attempt in range(2):
            requests = part.requests(f"requests {attempt}")
            part.send(requests)
            await part.receive(5)
            await reset(dut, *part.streams)
            part.got.clear()
            part.clears = 0
            part.send(requests)
            got = await part.receive(len(requests))
            check_each(f"{part.name}: rows after reset {attempt},", got, part.expected(requests))
            check(f"{part.name}: the accumulators were cleared", part.clears > 0, True)


# Detects a chunk written to another row or place, or not at all, and a chunk for another memory
# that is written; old weights on the second port. It runs last: memories keep what is loaded.
@bench(cycles=20_000)
async def loaded_rows_are_read_on_both_ports(dut):
    rng = random.Random(cocotb.RANDOM_SEED)
    for part in await begin(dut):
        for attempt in range(2 if part.loadable else 0):
            rows = [[random_signed(rng, part.bits) for _ in row] for row in part.rows]
            await part.load_rows(rows, rng)
            # Every row on each of the ports.
            count = len(rows)
            requests = [(row, 1, count - 1 - row, 1, 0, 0) for row in range(count)]
            requests += part.requests(f"requests {attempt}")
            part.send(requests)
            got = await part.receive(len(requests))
            check_each(f"{part.name}, load {attempt}: rows", got, part.expected(requests))
