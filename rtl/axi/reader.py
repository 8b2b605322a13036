"""Rows of words from memory, through AXI4 bursts and a prefetch queue."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive
from sw_model.spec.hardware.buffers import BURST_WORDS, WORD_ADDRESS_BITS

from .bursts import BurstCutter
from .signature import CACHE, DATA_BITS, INCREMENTING, SIZE, AxiReadSignature


class RowsSignature(wiring.Signature):
    """Rows of words at a constant stride, seen from the component that requests them.

    All in words; constant from ``start`` on.

    Members
    -------
    address : Out(30)
        Of the first row. One bit more than an address has: rows beyond 4 GiB are refused.
    words, stride : Out
        Words per row; words from one row's start to the next.
    """

    def __init__(self, max_words: int, max_stride: int):
        super().__init__(
            {
                "address": Out(WORD_ADDRESS_BITS + 1),
                "words": Out(range(max_words + 1)),
                "stride": Out(range(max_stride + 1)),
            }
        )


class BurstReader(wiring.Component):
    """Reads two buffers row by row: a row of the first one, then a row of the second one.

    A burst is issued as soon as the queue has room for all words in flight, so that the memory's
    latency is paid only at the beginning. At most one burst is issued per cycle, or one every
    second cycle while there is room for only one. Memory never waits for the queue.

    Parameters
    ----------
    max_words, max_stride
        Of the rows, in words.
    depth
        Words that the queue holds, `BURST_WORDS` or more.

    Members
    -------
    start : In(1)
        Begin; ignored unless ``idle``.
    abort : In(1)
        Issue no more bursts, and drop the words that still arrive.
    rows : In
        Number of rows.
    first, second : In(RowsSignature(max_words, max_stride))
        Either may have rows of 0 words, not both.
    axi : Out(AxiReadSignature())
    words : Out(stream.Signature(64))
    idle : Out(1)
        All requested words have arrived.
    failed, beyond : Out(1)
        The memory answers with an error; an address lies beyond 4 GiB.
    read : Out(1)
        A word arrives.
    """

    def __init__(self, *, max_rows: int, max_words: int, max_stride: int, depth: int):
        check_positive(max_rows=max_rows, max_words=max_words, max_stride=max_stride)
        if depth < BURST_WORDS:
            raise ValueError(f"depth {depth} is less than a burst's {BURST_WORDS} words")
        self.max_words = max_words
        self.depth = depth
        rows = RowsSignature(max_words, max_stride)
        super().__init__(
            {
                "start": In(1),
                "abort": In(1),
                "rows": In(range(max_rows + 1)),
                "first": In(rows),
                "second": In(rows),
                "axi": Out(AxiReadSignature()),
                "words": Out(stream.Signature(DATA_BITS)),
                "idle": Out(1),
                "failed": Out(1),
                "beyond": Out(1),
                "read": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        m.submodules.queue = queue = fifo.SyncFIFOBuffered(width=DATA_BITS, depth=self.depth)
        axi = self.axi
        m.d.comb += [
            axi.arsize.eq(SIZE),
            axi.arburst.eq(INCREMENTING),
            axi.arcache.eq(CACHE),
            axi.rready.eq(1),
            self.read.eq(axi.rvalid),
            self.failed.eq(axi.rvalid & axi.rresp[1]),
            queue.w_en.eq(axi.rvalid & ~self.abort),
            queue.w_data.eq(axi.rdata),
        ]
        wiring.connect(m, queue.r_stream, wiring.flipped(self.words))

        begin, active, second = Signal(), Signal(), Signal()
        rows_left = Signal.like(self.rows)
        # The next burst, and the addresses of the next rows of both buffers.
        burst = BurstCutter(m, self.max_words)
        buffers = (self.first, self.second)
        following = [Signal.like(burst.address, name=f"following_{buffer}") for buffer in range(2)]

        def begin_buffer(buffer: int) -> list:
            return [
                second.eq(buffer),
                *burst.begin_row(following[buffer], buffers[buffer].words),
                following[buffer].eq(following[buffer] + buffers[buffer].stride),
            ]

        room = Signal(range(self.depth + 1), init=self.depth)
        coming = Signal(range(self.depth + 1))
        # One cycle late: room for the next burst even if one was issued in that cycle.
        issue, roomy = Signal(), Signal()
        m.d.sync += roomy.eq(Mux(issue, room >= 2 * BURST_WORDS, room >= BURST_WORDS))
        m.d.comb += [
            self.beyond.eq(active & burst.address[-1]),
            issue.eq(active & ~self.beyond & ~self.abort & roomy & (~axi.arvalid | axi.arready)),
            self.idle.eq(~begin & ~active & (coming == 0)),
        ]
        taken = self.words.valid & self.words.ready
        issued = Mux(issue, burst.length, 0)
        m.d.sync += [room.eq(room + taken - issued), coming.eq(coming + issued - axi.rvalid)]

        with m.If(issue):
            m.d.sync += [
                axi.arvalid.eq(1),
                axi.araddr.eq(burst.address << SIZE),
                axi.arlen.eq(burst.length - 1),
                *burst.advance(),
            ]
        with m.Elif(axi.arready):
            m.d.sync += axi.arvalid.eq(0)
        # Registers are early enough: the rows are known before a read begins.
        empty = [Signal(name=f"empty_{buffer}") for buffer in range(2)]
        m.d.sync += [
            flag.eq(buffer.words == 0) for flag, buffer in zip(empty, buffers, strict=True)
        ]
        last_buffer = second | empty[1]
        with m.If(begin):
            m.d.sync += begin.eq(0)
        with m.If(issue & burst.row_done & last_buffer):
            m.d.sync += rows_left.eq(rows_left - 1)
        with m.If(issue & burst.row_done & last_buffer & (rows_left == 1)):
            m.d.sync += active.eq(0)
        with m.Elif(begin | (issue & burst.row_done)):
            m.d.sync += active.eq(1)
            with m.If((begin | last_buffer) & ~empty[0]):
                m.d.sync += begin_buffer(0)
            with m.Else():
                m.d.sync += begin_buffer(1)
        with m.If(self.start):
            m.d.sync += [
                begin.eq(1),
                rows_left.eq(self.rows),
                *(following[buffer].eq(buffers[buffer].address) for buffer in range(2)),
            ]
        with m.If(self.abort):
            m.d.sync += [begin.eq(0), active.eq(0)]
        return m
