"""A picture in on-chip memory, whose pixels are read as words of several planes."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.core.layouts import FrameSignature
from rtl.core.raster import Raster
from rtl.stream.checks import check_positive
from rtl.stream.counter import PlaceCounter
from sw_model.spec import GREY_MAX, PIXEL_BITS
from sw_model.spec.fixed_point import unsigned_width

SIDE = 2
"""r: a position has r * r planes."""
PLANES = SIDE * SIDE
GREY_BITS = unsigned_width(GREY_MAX)


class PlaneMemory(wiring.Component):
    """Pixels in and out in raster order of the picture, in between as positions of four planes.

    The word of position (Y, X) holds the pixels (2 * Y + dy, 2 * X + dx), plane 2 * dy + dx. The
    last row and column of a picture of odd size are written twice, as
    `sw_model.spec.NetworkSpec` says, and their copies never read out.

    Parameters
    ----------
    max_height, max_width
        Largest picture, in pixels.

    Members
    -------
    picture : In(FrameSignature(max_height, max_width))
    positions : In(FrameSignature(...))
        Half the picture's sides, rounded up.
    restart_write : In(1)
        A new picture begins: its pixels are written, and then read as words.
    restart_read : In(1)
        The words are read once more, and each is replaced by denoised pixels; then those are read
        out.
    pixels : In(stream.Signature(signed(10)))
    words : Out(stream.Signature(40))
        Plane 0 in the least significant bits.
    replaced : In(stream.Signature(32, always_ready=True))
        Denoised pixels of a position, in the order of ``words``.
    denoised : Out(stream.Signature(8))
    """

    def __init__(self, *, max_height: int, max_width: int):
        check_positive(max_height=max_height, max_width=max_width)
        self.max_height = max_height
        self.max_width = max_width
        self._half = -(-max_height // SIDE), -(-max_width // SIDE)
        super().__init__(
            {
                "picture": In(FrameSignature(max_height, max_width)),
                "positions": In(FrameSignature(*self._half)),
                "restart_write": In(1),
                "restart_read": In(1),
                "pixels": In(stream.Signature(signed(PIXEL_BITS))),
                "words": Out(stream.Signature(PLANES * PIXEL_BITS)),
                "replaced": In(stream.Signature(PLANES * GREY_BITS, always_ready=True)),
                "denoised": Out(stream.Signature(GREY_BITS)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        m.submodules.memory = pixels = memory.Memory(
            shape=unsigned(PLANES * PIXEL_BITS), depth=self._half[0] * self._half[1], init=[]
        )
        write, read = pixels.write_port(granularity=PIXEL_BITS), pixels.read_port()
        loading, unloading = Signal(), Signal()
        taken, given = Signal(), Signal()  # a pixel goes in, a denoised one is read
        complete, replaced = Signal(), Signal()  # pulses: all pixels are in, all are replaced
        place = self._place(m, taken | given, self.restart_write | replaced)
        word, fetched = self._give_words(m, complete | self.restart_read)
        position = self._count_replaced(m, replaced)

        m.d.comb += [
            self.pixels.ready.eq(loading),
            taken.eq(self.pixels.valid & loading),
            write.addr.eq(Mux(loading, place["word"], position)),
            write.data.eq(
                Mux(
                    loading,
                    self.pixels.payload.as_unsigned().replicate(PLANES),
                    Cat(
                        Cat(
                            self.replaced.payload.word_select(plane, GREY_BITS),
                            Const(0, PIXEL_BITS - GREY_BITS),
                        )
                        for plane in range(PLANES)
                    ),
                )
            ),
            write.en.eq(
                Mux(
                    loading,
                    place["planes"] & taken.replicate(PLANES),
                    self.replaced.valid.replicate(PLANES),
                )
            ),
        ]
        m.d.sync += complete.eq(taken & place["last"])
        with m.If(self.restart_write):
            m.d.sync += loading.eq(1)
        with m.Elif(taken & place["last"]):
            m.d.sync += loading.eq(0)

        free = ~self.denoised.valid | self.denoised.ready
        chosen = Signal(range(PLANES))
        m.d.comb += [
            given.eq(unloading & free),
            read.addr.eq(Mux(unloading, place["word"], word)),
            read.en.eq(given | fetched),
            self.words.payload.eq(read.data),
            self.denoised.payload.eq(read.data.word_select(chosen, PIXEL_BITS)[:GREY_BITS]),
        ]
        with m.If(free):
            m.d.sync += [self.denoised.valid.eq(unloading), chosen.eq(place["plane"])]
        with m.If(replaced):
            m.d.sync += unloading.eq(1)
        with m.Elif(given & place["last"]):
            m.d.sync += unloading.eq(0)
        return m

    def _place(self, m: Module, step: Value, restart: Value) -> dict[str, Value]:
        """Return where the next pixel of the picture is: its word and plane.

        ``planes`` are those that it is written to, with the copies behind an odd last row or
        column; ``last`` marks the picture's last pixel.
        """
        x = PlaceCounter(m, self.picture.width, "x")
        y = PlaceCounter(m, self.picture.height, "y")
        base = Signal(range(max(2, self._half[0] * self._half[1])))  # word of the row's first pixel
        word = Signal.like(base)
        with m.If(step):
            m.d.sync += [*x.advance(), word.eq(word + x.value[0])]
            with m.If(x.last):
                m.d.sync += [*y.advance(), word.eq(base)]
                with m.If(y.value[0]):
                    following = base + self.positions.width
                    m.d.sync += [base.eq(following), word.eq(following)]
        with m.If(restart):
            m.d.sync += [*x.restart(), *y.restart(), base.eq(0), word.eq(0)]
        rows, columns = ((~place.value[0], place.value[0] | place.last) for place in (y, x))
        return {
            "word": word,
            "plane": Cat(x.value[0], y.value[0]),
            "planes": Cat(row & column for row in rows for column in columns),
            "last": x.last & y.last,
        }

    def _give_words(self, m: Module, restart: Value) -> tuple[Value, Value]:
        """Send all words of the frame; return the address to read, and whether it is read."""
        m.submodules.raster_read = raster = self._raster(m, restart)
        address = Signal(range(max(2, self._half[0] * self._half[1])))
        free = ~self.words.valid | self.words.ready
        m.d.comb += raster.step.eq(free & raster.inside)
        with m.If(free):
            m.d.sync += self.words.valid.eq(raster.step)
        with m.If(raster.step):
            m.d.sync += address.eq(address + 1)
        with m.If(restart):
            m.d.sync += address.eq(0)
        return address, raster.step

    def _count_replaced(self, m: Module, replaced: Signal) -> Value:
        """Return the address of the next position to replace; set ``replaced`` after the last."""
        m.submodules.raster_replace = raster = self._raster(m, self.restart_read)
        address = Signal(range(max(2, self._half[0] * self._half[1])))
        before = Signal()
        m.d.comb += [
            raster.step.eq(self.replaced.valid),
            replaced.eq(before & ~raster.inside),
        ]
        m.d.sync += before.eq(raster.inside)
        with m.If(raster.step):
            m.d.sync += address.eq(address + 1)
        with m.If(self.restart_read):
            m.d.sync += address.eq(0)
        return address

    def _raster(self, m: Module, restart: Value) -> Raster:
        raster = Raster(max_height=self._half[0], max_width=self._half[1], max_timesteps=1)
        m.d.comb += [
            raster.timesteps.eq(1),
            raster.restart.eq(restart),
            raster.frame.height.eq(self.positions.height),
            raster.frame.width.eq(self.positions.width),
        ]
        return raster
