"""Single-data-rate SDRAM behind an AXI4 port."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, fifo, wiring
from amaranth.lib.wiring import In, Out

from rtl.axi.signature import DATA_BITS as WORD_BITS
from rtl.axi.signature import INCREMENTING, OKAY, SIZE, SLAVE_ERROR, AxiSignature
from rtl.stream.checks import check_positive
from sw_model.spec.hardware.sdram import (
    BANK_BITS,
    BURST,
    BYTES,
    CAS_LATENCY,
    DATA_BITS,
    DATA_BYTES,
    MODE,
    POWER_UP_MICROSECONDS,
    REFRESHES,
    ROW_BITS,
    ROW_WORDS,
    SdramTiming,
)

COMMANDS = {
    # RAS#, CAS#, WE# with CS# low; RAS# is the lowest bit.
    "nothing": 0b111,
    "activate": 0b110,
    "read": 0b101,
    "write": 0b001,
    "precharge": 0b010,
    "refresh": 0b100,
    "mode": 0b000,
}
ALL_BANKS = 1 << 10
"""Address bit that makes a precharge apply to all banks."""
READ_LATENCY = CAS_LATENCY + 2
"""Cycles from a read on ``pins`` to its first data there: the part's latency, one cycle for the
output registers and one for the input registers, which sample at the edge after the part's."""
READ_WORDS = 8
"""Words in flight or queued: enough for one every four cycles."""


class SdramSignature(wiring.Signature):
    """The part as the controller sees it, through the registers of the pins.

    Members
    -------
    command : Out(3)
        One of `COMMANDS`.
    bank, address : Out
    mask : Out(2)
        Bytes that are not written.
    drive, written : Out
        Enable for the data to the part; the data.
    read : In(16)
        Data from the part.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "command": Out(3, init=COMMANDS["nothing"]),
                "bank": Out(BANK_BITS),
                "address": Out(ROW_BITS),
                "mask": Out(DATA_BYTES),
                "drive": Out(1),
                "written": Out(DATA_BITS),
                "read": In(DATA_BITS),
            }
        )


class _Tag(data.StructLayout):
    """Sideband data of a word that is read."""

    def __init__(self) -> None:
        super().__init__({"valid": 1, "id": 1, "last": 1, "failed": 1})


class SdramController(wiring.Component):
    """Serves one AXI4 burst at a time, alternating reads and writes when both wait.

    Bursts have 64-bit words at ascending addresses; others, and those beyond the part's 32 MiB,
    change nothing and get error responses. A word takes four cycles; a burst takes
    `SdramTiming.burst_cycles`. Rows are closed after each burst. Refreshes come between words, so
    that a stalled burst does not delay them.

    Parameters
    ----------
    mhz
        Clock frequency in MHz, up to that of the part's slower grade.
    power_up_microseconds
        Wait before the first command; shorter than the part needs only in simulations.

    Members
    -------
    bus : In(AxiSignature())
    pins : Out(SdramSignature())
    ready : Out(1)
        The part is initialised; accesses wait until then.
    """

    def __init__(self, *, mhz: int, power_up_microseconds: int = POWER_UP_MICROSECONDS):
        check_positive(mhz=mhz, power_up_microseconds=power_up_microseconds)
        self.timing = SdramTiming(mhz)
        self.power_up = mhz * power_up_microseconds
        super().__init__(
            {"bus": In(AxiSignature()), "pins": Out(SdramSignature()), "ready": Out(1)}
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        write, read, pins, cycles = self.bus.write, self.bus.read, self.pins, self.timing.cycles
        pause = Signal(range(self.power_up + 1), init=self.power_up)
        free = Signal()
        m.d.comb += free.eq(pause == 0)
        with m.If(~free):
            m.d.sync += pause.eq(pause - 1)

        since_refresh = Signal(range(self.timing.refresh_interval))
        due = Signal()
        with m.If(since_refresh == self.timing.refresh_interval - 1):
            m.d.sync += [since_refresh.eq(0), due.eq(1)]
        with m.Else():
            m.d.sync += since_refresh.eq(since_refresh + 1)

        # The burst in progress, in words.
        writing, failed = Signal(), Signal()
        burst_id = Signal()
        word = Signal((BYTES - 1).bit_length() - SIZE)
        left = Signal(range((1 << len(write.awlen)) + 1))
        column_bits = (ROW_WORDS - 1).bit_length()
        column, bank = word[:column_bits], word[column_bits : column_bits + BANK_BITS]
        row = word[column_bits + BANK_BITS :]
        beat = Signal(range(BURST))
        refreshes = Signal(range(REFRESHES + 1), init=REFRESHES)
        tag = Signal(_Tag())
        room = self._read_data(m, tag)

        def command(name: str, following: int) -> None:
            """Issue a command; the next one follows at least `following` cycles later."""
            m.d.comb += pins.command.eq(COMMANDS[name])
            m.d.sync += pause.eq(following - 1)

        turn_of_reads = Signal()
        take_write, take_read = Signal(), Signal()
        m.d.comb += [
            take_write.eq(write.awvalid & ~write.bvalid & ~(read.arvalid & turn_of_reads)),
            take_read.eq(read.arvalid & ~take_write),
            pins.bank.eq(bank),
            pins.written.eq(write.wdata.word_select(beat, DATA_BITS)),
        ]
        with m.If(write.bready):
            m.d.sync += write.bvalid.eq(0)

        with m.FSM() as states:
            with m.State("power up"), m.If(free):
                m.d.comb += pins.address.eq(ALL_BANKS)
                command("precharge", cycles("RP"))
                m.next = "first refreshes"
            with m.State("first refreshes"), m.If(free):
                command("refresh", cycles("RFC"))
                m.d.sync += [refreshes.eq(refreshes - 1), due.eq(0)]
                with m.If(refreshes == 1):
                    m.next = "mode"
            with m.State("mode"), m.If(free):
                m.d.comb += [pins.address.eq(MODE), pins.bank.eq(0)]
                command("mode", cycles("MRD"))
                m.next = "idle"
            with m.State("idle"), m.If(free):
                with m.If(due):
                    command("refresh", cycles("RFC"))
                    m.d.sync += due.eq(0)
                with m.Else():
                    m.d.comb += [write.awready.eq(take_write), read.arready.eq(take_read)]
                    self._sample_burst(m, take_write, writing, failed, burst_id, word, left)
                    with m.If(take_write | take_read):
                        m.d.sync += turn_of_reads.eq(take_write)
                        m.next = "activate"
            with m.State("activate"), m.If(free):
                m.d.comb += pins.address.eq(row)
                command("activate", cycles("RCD"))
                m.next = "word"
            with m.State("word"), m.If(free):
                m.d.comb += pins.address.eq(column << (BURST - 1).bit_length())
                with m.If(due):
                    m.d.sync += pause.eq(self.timing.settle)
                    m.next = "close"
                with m.Elif(writing & write.wvalid):
                    m.d.comb += pins.drive.eq(1)
                    command("write", 1)
                    m.d.sync += beat.eq(1)
                    m.next = "rest of word"
                with m.Elif(~writing & room):
                    m.d.comb += [
                        tag.valid.eq(1),
                        tag.id.eq(burst_id),
                        tag.last.eq(left == 1),
                        tag.failed.eq(failed),
                    ]
                    command("read", 1)
                    m.d.sync += beat.eq(1)
                    m.next = "rest of word"
            with m.State("rest of word"):
                m.d.comb += pins.drive.eq(writing)
                m.d.sync += beat.eq(beat + 1)
                with m.If(beat == BURST - 1):
                    m.d.comb += write.wready.eq(writing)
                    m.d.sync += [word.eq(word + 1), left.eq(left - 1)]
                    m.next = "word"
                    with m.If((left == 1) | column.all()):
                        m.d.sync += pause.eq(self.timing.settle)
                        m.next = "close"
            with m.State("close"), m.If(free):
                m.d.comb += pins.address.eq(ALL_BANKS)
                command("precharge", cycles("RP"))
                m.next = "activate"
                with m.If(left == 0):
                    m.next = "idle"
                    with m.If(writing):
                        m.d.sync += [
                            write.bvalid.eq(1),
                            write.bid.eq(burst_id),
                            write.bresp.eq(Mux(failed, SLAVE_ERROR, OKAY)),
                        ]
                with m.Elif(due):
                    m.next = "refresh"
            with m.State("refresh"), m.If(free):
                command("refresh", cycles("RFC"))
                m.d.sync += due.eq(0)
                m.next = "activate"
        starting = (
            states.ongoing("power up") | states.ongoing("first refreshes") | states.ongoing("mode")
        )
        m.d.comb += self.ready.eq(~starting)
        strobes = write.wstrb.word_select(beat, DATA_BYTES)
        with m.If(starting | (pins.drive & failed)):
            m.d.comb += pins.mask.eq((1 << DATA_BYTES) - 1)
        with m.Elif(pins.drive):
            m.d.comb += pins.mask.eq(~strobes)
        return m

    def _sample_burst(
        self,
        m: Module,
        take_write: Signal,
        writing: Signal,
        failed: Signal,
        burst_id: Signal,
        word: Signal,
        left: Signal,
    ) -> None:
        """Sample address and length of the chosen burst."""
        bus = self.bus
        chosen = {
            name: Mux(take_write, getattr(bus.write, f"aw{name}"), getattr(bus.read, f"ar{name}"))
            for name in ("addr", "len", "id", "size", "burst")
        }
        m.d.sync += [
            writing.eq(take_write),
            burst_id.eq(chosen["id"]),
            word.eq(chosen["addr"] >> SIZE),
            left.eq(chosen["len"] + 1),
            failed.eq(
                (chosen["addr"] >> (BYTES - 1).bit_length()).any()
                | (chosen["size"] != SIZE)
                | (chosen["burst"] != INCREMENTING)
            ),
        ]

    def _read_data(self, m: Module, tag: data.View) -> Signal:
        """Assemble and queue words from the part's data; return whether one more has room."""
        bus = self.bus
        m.submodules.queue = queue = fifo.SyncFIFOBuffered(
            width=WORD_BITS + _Tag().size, depth=READ_WORDS
        )
        tags = [tag]
        for stage in range(READ_LATENCY + BURST - 1):
            tags.append(Signal(_Tag(), name=f"tag_{stage}"))
            m.d.sync += tags[-1].eq(tags[-2])
        gathered = Signal(WORD_BITS - DATA_BITS)
        word = Cat(gathered, self.pins.read)
        m.d.sync += gathered.eq(word[DATA_BITS:])
        arrived = Cat(word, tags[-1].as_value())
        taken = Signal()
        read_tag = data.View(_Tag(), queue.r_data[WORD_BITS:])
        m.d.comb += [
            queue.w_en.eq(tags[-1].valid),
            queue.w_data.eq(arrived),
            bus.read.rvalid.eq(queue.r_rdy),
            bus.read.rdata.eq(queue.r_data[:WORD_BITS]),
            bus.read.rid.eq(read_tag.id),
            bus.read.rlast.eq(read_tag.last),
            bus.read.rresp.eq(Mux(read_tag.failed, SLAVE_ERROR, OKAY)),
            queue.r_en.eq(bus.read.rready),
            taken.eq(bus.read.rvalid & bus.read.rready),
        ]
        free_words = Signal(range(READ_WORDS + 1), init=READ_WORDS)
        m.d.sync += free_words.eq(free_words + taken - tag.valid)
        room = Signal()
        m.d.comb += room.eq(free_words != 0)
        return room
