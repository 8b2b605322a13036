"""Rows of words to memory, through a queue and AXI4 bursts."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive
from sw_model.spec.hardware.buffers import BURST_WORDS, WORD_BYTES

from .bursts import BurstCutter
from .reader import RowsSignature
from .signature import CACHE, DATA_BITS, INCREMENTING, SIZE, AxiWriteSignature

BURSTS = 32
"""Most bursts whose data have not been sent; a power of two."""
ANSWERS = 1 << 10
"""Most bursts without a response."""


class StrobedWord(data.StructLayout):
    """A word, and the strobes that select the bytes to write."""

    def __init__(self) -> None:
        super().__init__({"data": DATA_BITS, "strobe": WORD_BYTES})


class BurstWriter(wiring.Component):
    """Writes rows of words.

    A burst is issued when all of its words are in the queue, so that the bus never waits for the
    array, and at least two cycles after the one before it. While the queue holds enough words,
    one word goes out per cycle, or one every second cycle where bursts have a single word.

    Parameters
    ----------
    max_rows, max_words, max_stride
        Of the rows, in words.
    depth
        Words that the queue holds, `BURST_WORDS` or more.

    Members
    -------
    start : In(1)
        Begin; ignored unless ``idle``.
    abort : In(1)
        Finish the issued bursts and issue no more.
    rows : In
        Number of rows.
    place : In(RowsSignature(max_words, max_stride))
    words : In(stream.Signature(StrobedWord()))
    axi : Out(AxiWriteSignature())
    idle : Out(1)
        The memory has confirmed all writes.
    failed, beyond : Out(1)
        The memory answers with an error; an address lies beyond 4 GiB.
    written : Out(1)
        A word goes out.
    """

    def __init__(self, *, max_rows: int, max_words: int, max_stride: int, depth: int):
        check_positive(max_rows=max_rows, max_words=max_words, max_stride=max_stride)
        if depth < BURST_WORDS:
            raise ValueError(f"depth {depth} is less than a burst's {BURST_WORDS} words")
        self.max_words = max_words
        self.depth = depth
        super().__init__(
            {
                "start": In(1),
                "abort": In(1),
                "rows": In(range(max_rows + 1)),
                "place": In(RowsSignature(max_words, max_stride)),
                "words": In(stream.Signature(StrobedWord())),
                "axi": Out(AxiWriteSignature()),
                "idle": Out(1),
                "failed": Out(1),
                "beyond": Out(1),
                "written": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        layout = StrobedWord()
        m.submodules.queue = queue = fifo.SyncFIFOBuffered(width=layout.size, depth=self.depth)
        m.submodules.bursts = bursts = fifo.SyncFIFO(width=BURST_WORDS.bit_length(), depth=BURSTS)
        axi = self.axi
        m.d.comb += [
            axi.awsize.eq(SIZE),
            axi.awburst.eq(INCREMENTING),
            axi.awcache.eq(CACHE),
            axi.bready.eq(1),
            self.failed.eq(axi.bvalid & axi.bresp[1]),
        ]
        wiring.connect(m, wiring.flipped(self.words), queue.w_stream)

        # Addresses: issued when the queue holds all words of the burst.
        active = Signal()
        rows_left = Signal.like(self.rows)
        burst = BurstCutter(m, self.max_words)
        following = Signal.like(burst.address)
        issue, enough, accepted = Signal(), Signal(), Signal()
        waiting = Signal(range(self.depth + 1))
        answers = Signal(range(ANSWERS + 1))
        m.d.comb += [
            self.beyond.eq(active & burst.address[-1]),
            issue.eq(
                active
                & ~self.beyond
                & ~self.abort
                & enough
                & accepted
                & (answers < ANSWERS)
                & (~axi.awvalid | axi.awready)
            ),
            bursts.w_en.eq(issue),
            bursts.w_data.eq(burst.length),
            self.idle.eq(~active & (answers == 0)),
        ]
        arrived = self.words.valid & self.words.ready
        # One cycle late, so there must be room for one more burst.
        m.d.sync += accepted.eq(bursts.level < BURSTS - 1)
        # Computed a cycle ahead, when the word arrives; 0 in the cycle after a burst is issued,
        # because the next burst's length is only then known.
        m.d.sync += enough.eq(
            ~issue
            & ~self.start
            & Mux(arrived, waiting + 1 >= burst.length, waiting >= burst.length)
        )
        m.d.sync += [
            waiting.eq(waiting + arrived - Mux(issue, burst.length, 0)),
            answers.eq(answers + issue - axi.bvalid),
        ]
        with m.If(issue):
            m.d.sync += [
                axi.awvalid.eq(1),
                axi.awaddr.eq(burst.address << SIZE),
                axi.awlen.eq(burst.length - 1),
            ]
            with m.If(burst.row_done):
                m.d.sync += [
                    rows_left.eq(rows_left - 1),
                    active.eq(rows_left != 1),
                    following.eq(following + self.place.stride),
                    *burst.begin_row(following, self.place.words),
                ]
            with m.Else():
                m.d.sync += burst.advance()
        with m.Elif(axi.awready):
            m.d.sync += axi.awvalid.eq(0)
        with m.If(self.start):
            m.d.sync += [
                active.eq(1),
                rows_left.eq(self.rows),
                following.eq(self.place.address + self.place.stride),
                *burst.begin_row(self.place.address, self.place.words),
            ]
        with m.If(self.abort):
            m.d.sync += active.eq(0)

        # Data: bursts follow each other without a gap.
        left = Signal(range(BURST_WORDS + 1))
        word = data.View(layout, queue.r_data)
        sent = Signal()
        m.d.comb += [
            axi.wvalid.eq((left != 0) & queue.r_rdy),
            axi.wdata.eq(word.data),
            axi.wstrb.eq(word.strobe),
            axi.wlast.eq(left == 1),
            sent.eq(axi.wvalid & axi.wready),
            queue.r_en.eq((left != 0) & axi.wready),
            self.written.eq(sent),
            bursts.r_en.eq((left == 0) | (sent & axi.wlast)),
        ]
        with m.If(bursts.r_en):
            m.d.sync += left.eq(Mux(bursts.r_rdy, bursts.r_data, 0))
        with m.Elif(sent):
            m.d.sync += left.eq(left - 1)
        return m
