"""Transfer of a frame's bytes to and from memory, one by one."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.axi.signature import ADDRESS_BITS, CACHE, INCREMENTING, SIZE, AxiSignature
from sw_model.spec.hardware.buffers import WORD_BYTES
from sw_model.spec.hardware.registers import FRAME_HEIGHT_MAX, FRAME_WIDTH_MAX
from sw_model.spec.hardware.sdram import BASES
from sw_model.spec.hardware.serial import NOISY_BYTES


class PictureBytes(wiring.Component):
    """Stores a noisy frame, or fetches a denoised one, in the layout of `FrameBuffers`.

    Every byte is a separate access, which takes the memory's latency and three cycles: fast enough
    for a serial line. Rows begin at multiples of eight bytes.

    Members
    -------
    start, fetch : In(1)
        Begin; fetch the denoised frame instead of storing a noisy one. Ignored unless ``idle``.
    cancel : In(1)
        Abort storing; ``idle`` rises when the memory has answered.
    height, width : In
        Of the frame; constant while not ``idle``.
    stored_valid, stored : In
        A byte to store; it must not arrive before the previous one has been stored.
    fetched : Out(stream.Signature(8))
    last : Out(1)
        The offered byte is the frame's last one.
    axi : Out(AxiSignature())
    idle : Out(1)
    failed : Out(1)
        The memory has answered with an error since ``start``.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "start": In(1),
                "fetch": In(1),
                "cancel": In(1),
                "height": In(range(FRAME_HEIGHT_MAX + 1)),
                "width": In(range(FRAME_WIDTH_MAX + 1)),
                "stored_valid": In(1),
                "stored": In(8),
                "fetched": Out(stream.Signature(8)),
                "last": Out(1),
                "axi": Out(AxiSignature()),
                "idle": Out(1),
                "failed": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        axi = self.axi
        address = Signal(ADDRESS_BITS)
        lane = address[:SIZE]
        fetching, given_up = Signal(), Signal()
        x = Signal(range(NOISY_BYTES * FRAME_WIDTH_MAX))
        y = Signal.like(self.height)
        row_end = Signal()
        held = Signal(8)
        m.d.comb += [
            row_end.eq(x == Mux(fetching, self.width, self.width * NOISY_BYTES) - 1),
            self.last.eq(row_end & (y == self.height - 1)),
            self.fetched.payload.eq(held),
            axi.write.awsize.eq(SIZE),
            axi.write.awburst.eq(INCREMENTING),
            axi.write.awcache.eq(CACHE),
            axi.write.awaddr.eq(Cat(lane & 0, address[SIZE:])),
            axi.write.wdata.eq(held.replicate(WORD_BYTES)),
            axi.write.wstrb.eq(1 << lane),
            axi.write.wlast.eq(1),
            axi.write.bready.eq(1),
            axi.read.arsize.eq(SIZE),
            axi.read.arburst.eq(INCREMENTING),
            axi.read.arcache.eq(CACHE),
            axi.read.araddr.eq(axi.write.awaddr),
            axi.read.rready.eq(1),
        ]
        with m.If(self.cancel):
            m.d.sync += given_up.eq(1)
        with m.FSM():
            with m.State("idle"):
                m.d.comb += self.idle.eq(1)
                with m.If(self.start):
                    m.d.sync += [
                        fetching.eq(self.fetch),
                        given_up.eq(0),
                        self.failed.eq(0),
                        address.eq(Mux(self.fetch, BASES["DENOISED"], BASES["NOISY"])),
                        x.eq(0),
                        y.eq(0),
                    ]
                    m.next = "take"
                    with m.If(self.fetch):
                        m.next = "ask"
            with m.State("take"):
                with m.If(given_up):
                    m.next = "idle"
                with m.Elif(self.stored_valid):
                    m.d.sync += [
                        held.eq(self.stored),
                        axi.write.awvalid.eq(1),
                        axi.write.wvalid.eq(1),
                    ]
                    m.next = "store"
            with m.State("store"):
                with m.If(axi.write.awready):
                    m.d.sync += axi.write.awvalid.eq(0)
                with m.If(axi.write.wready):
                    m.d.sync += axi.write.wvalid.eq(0)
                with m.If(axi.write.bvalid):
                    m.d.sync += self.failed.eq(self.failed | axi.write.bresp[1])
                    m.next = "take"
                    self._advance(m, address, x, y, row_end)
            with m.State("ask"):
                m.d.comb += axi.read.arvalid.eq(1)
                with m.If(axi.read.arready):
                    m.next = "fetch"
            with m.State("fetch"), m.If(axi.read.rvalid):
                m.d.sync += [
                    held.eq(axi.read.rdata.word_select(lane, 8)),
                    self.failed.eq(self.failed | axi.read.rresp[1]),
                ]
                m.next = "give"
            with m.State("give"):
                m.d.comb += self.fetched.valid.eq(1)
                with m.If(self.fetched.ready):
                    m.next = "ask"
                    self._advance(m, address, x, y, row_end)
        return m

    def _advance(self, m: Module, address: Signal, x: Signal, y: Signal, row_end: Signal) -> None:
        """Go to the next byte; a row begins in a new word."""
        m.d.sync += [x.eq(x + 1), address.eq(address + 1)]
        with m.If(row_end):
            m.d.sync += [
                x.eq(0),
                y.eq(y + 1),
                address.eq(Cat(address[:SIZE] & 0, address[SIZE:] + 1)),
            ]
        with m.If(self.last):
            m.next = "idle"
