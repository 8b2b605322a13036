"""Event words from the memory words of an activation map."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.core.layouts import FrameSignature, FrameWord
from rtl.core.raster import Raster
from rtl.stream.checks import check_positive
from sw_model.spec.hardware.buffers import map_words

from .signature import DATA_BITS


class MapFeeder(wiring.Component):
    """Assembles event words, and appends the zeros that flush `Scatter`.

    An event word takes as many cycles as it has 64-bit words. So does a zero of the flush, so that
    the pipeline's output can be written at the same rate. No latency.

    Parameters
    ----------
    channels
        Bits of an event word.
    max_height, max_width, max_timesteps
        Of the strip: rows, columns, words per pixel.

    Members
    -------
    restart : In(1)
        A strip begins.
    frame : In(FrameSignature(max_height, max_width))
    timesteps : In
        Constant from ``restart`` on.
    merge : In(1)
        One sum takes all words of a pixel; otherwise every word is ``final``.
    i : In(stream.Signature(64))
    o : Out(stream.Signature(FrameWord(channels)))
    waiting : Out(1)
        The feeder waits for a word from memory.
    """

    def __init__(self, *, channels: int, max_height: int, max_width: int, max_timesteps: int):
        check_positive(channels=channels)
        self.channels = channels
        self._size = {
            "max_height": max_height,
            "max_width": max_width,
            "max_timesteps": max_timesteps,
        }
        super().__init__(
            {
                "restart": In(1),
                "frame": In(FrameSignature(max_height, max_width)),
                "timesteps": In(range(max_timesteps + 1)),
                "merge": In(1),
                "i": In(stream.Signature(DATA_BITS)),
                "o": Out(stream.Signature(FrameWord(channels))),
                "waiting": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        parts = map_words(self.channels)
        m.submodules.raster = raster = Raster(**self._size)
        # The first words of an event word are held until its last one arrives.
        held = [Signal(DATA_BITS, name=f"held_{part}") for part in range(parts - 1)]
        part = Signal(range(max(2, parts)))
        pause = Signal(range(max(2, parts)))
        complete, arrived, taken = Signal(), Signal(), Signal()
        m.d.comb += [
            raster.timesteps.eq(self.timesteps),
            raster.restart.eq(self.restart),
            raster.step.eq(taken),
            complete.eq(part == parts - 1),
            self.waiting.eq(raster.inside & ~self.i.valid),
            self.o.valid.eq(
                Mux(raster.inside, self.i.valid & complete, ~raster.done & (pause == 0))
            ),
            self.o.p.word.eq(Mux(raster.inside, Cat(*held, self.i.payload)[: self.channels], 0)),
            self.o.p.final.eq(~self.merge | raster.last_timestep),
            taken.eq(self.o.valid & self.o.ready),
            self.i.ready.eq(raster.inside & (~complete | self.o.ready)),
            arrived.eq(self.i.valid & self.i.ready),
        ]
        wiring.connect(m, wiring.flipped(self.frame), raster.frame)
        with m.If(arrived):
            m.d.sync += part.eq(Mux(complete, 0, part + 1))
            for index, word in enumerate(held):
                with m.If(part == index):
                    m.d.sync += word.eq(self.i.payload)
        with m.If(taken):
            m.d.sync += pause.eq(parts - 1)
        with m.Elif(pause != 0):
            m.d.sync += pause.eq(pause - 1)
        with m.If(self.restart):
            m.d.sync += [part.eq(0), pause.eq(0)]
        return m
