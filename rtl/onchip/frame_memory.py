"""A frame's words in on-chip memory, written and read in raster order."""

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.core.layouts import FrameSignature, FrameWord
from rtl.core.raster import Raster
from rtl.stream.checks import check_positive


class FrameMemory(wiring.Component):
    """Holds one activation map (or the pixels, as a map of one word per pixel).

    One memory serves input and output of a layer: a layer writes an output pixel only after it
    has read the input pixel one row and one pixel further on.

    One word per cycle in, always ready, and one out. After the frame's words come the zeros that
    flush `Scatter`. Latency: two cycles from ``restart_read`` to the first word.

    Parameters
    ----------
    word_bits
        Width of a word.
    max_height, max_width
        Largest frame, in pixels.
    max_timesteps
        Most words per pixel.

    Members
    -------
    frame : In(FrameSignature(max_height, max_width))
    timesteps : In
        Constant while a frame is in progress.
    merge : In(1)
        One sum takes all words of a pixel; otherwise every word is ``final``.
    restart_write, restart_read : In(1)
        A new frame begins.
    i : In(stream.Signature(word_bits))
    o : Out(stream.Signature(FrameWord(word_bits)))
    complete : Out(1)
        All words of the frame have been written.
    """

    def __init__(self, *, word_bits: int, max_height: int, max_width: int, max_timesteps: int):
        check_positive(
            word_bits=word_bits,
            max_height=max_height,
            max_width=max_width,
            max_timesteps=max_timesteps,
        )
        self.word_bits = word_bits
        self.max_height = max_height
        self.max_width = max_width
        self.max_timesteps = max_timesteps
        super().__init__(
            {
                "frame": In(FrameSignature(max_height, max_width)),
                "timesteps": In(range(max_timesteps + 1)),
                "merge": In(1),
                "restart_write": In(1),
                "restart_read": In(1),
                "i": In(stream.Signature(word_bits)),
                "o": Out(stream.Signature(FrameWord(word_bits))),
                "complete": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        depth = self.max_height * self.max_width * self.max_timesteps
        m.submodules.memory = words = memory.Memory(
            shape=unsigned(self.word_bits), depth=depth, init=[]
        )
        write, read = words.write_port(), words.read_port()
        rasters = {}
        for name, restart in (("write", self.restart_write), ("read", self.restart_read)):
            rasters[name] = m.submodules[f"raster_{name}"] = Raster(
                max_height=self.max_height,
                max_width=self.max_width,
                max_timesteps=self.max_timesteps,
            )
            m.d.comb += [
                rasters[name].timesteps.eq(self.timesteps),
                rasters[name].restart.eq(restart),
            ]
            wiring.connect(m, wiring.flipped(self.frame), rasters[name].frame)

        writing = rasters["write"]
        m.d.comb += [
            self.i.ready.eq(1),
            write.en.eq(self.i.valid),
            write.data.eq(self.i.payload),
            writing.step.eq(self.i.valid),
            self.complete.eq(~writing.inside),
        ]
        with m.If(writing.step):
            m.d.sync += write.addr.eq(write.addr + 1)
        with m.If(self.restart_write):
            m.d.sync += write.addr.eq(0)

        # The read port holds its last word until it is taken.
        reading = rasters["read"]
        flushing = Signal()
        address = Signal(range(depth))
        advance = Signal()
        m.d.comb += [
            advance.eq(~self.o.valid | self.o.ready),
            reading.step.eq(advance & ~reading.done),
            read.en.eq(reading.step),
            read.addr.eq(address),
            self.o.p.word.eq(Mux(flushing, 0, read.data)),
        ]
        with m.If(advance):
            m.d.sync += [
                self.o.valid.eq(reading.step),
                self.o.p.final.eq(~self.merge | reading.last_timestep),
                flushing.eq(~reading.inside),
            ]
        with m.If(reading.step & reading.inside):
            m.d.sync += address.eq(address + 1)
        with m.If(self.restart_read):
            m.d.sync += [address.eq(0), self.o.valid.eq(0)]
        return m
