"""The 3×3 pixels around each pixel, one bit plane at a time."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive
from rtl.stream.counter import PlaceCounter
from sw_model.spec import KERNEL, PIXEL_BITS

from .layouts import FrameSignature, Plane
from .raster import Raster


class PixelWindow(wiring.Component):
    """Keeps two rows of pixels and gives the 3×3 pixels around each, most significant bits first.

    A pixel takes max(10, timesteps) cycles: ten planes, then a pause where the neurons need more
    cycles for their timesteps. Before the first window, one row and one pixel go in, one pixel per
    cycle, without any output. Pixels beyond the borders are zero. Latency: two cycles from the last
    pixel of a window to its first plane.

    Parameters
    ----------
    max_height, max_width
        Of a frame, in pixels.
    max_timesteps
        Largest T.
    inputs
        Input planes: pixels side by side in a word, all treated alike.

    Members
    -------
    frame : In(FrameSignature(max_height, max_width))
    timesteps : In
        Constant while a frame is under way.
    restart : In(1)
        A new frame begins.
    hold : In(1)
        Do not begin another window.
    i : In(stream.Signature(signed(10 * inputs)))
    o : Out(stream.Signature(Plane(inputs), always_ready=True))
    """

    def __init__(self, *, max_height: int, max_width: int, max_timesteps: int, inputs: int = 1):
        check_positive(max_height=max_height, max_width=max_width, max_timesteps=max_timesteps)
        self.max_height = max_height
        self.max_width = max_width
        self.max_timesteps = max_timesteps
        self.inputs = inputs
        self._word_bits = inputs * PIXEL_BITS
        super().__init__(
            {
                "frame": In(FrameSignature(max_height, max_width)),
                "timesteps": In(range(max_timesteps + 1)),
                "restart": In(1),
                "hold": In(1),
                "i": In(stream.Signature(signed(self._word_bits))),
                "o": Out(stream.Signature(Plane(inputs), always_ready=True)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        m.submodules.raster = raster = Raster(
            max_height=self.max_height, max_width=self.max_width, max_timesteps=1
        )
        m.d.comb += [
            raster.timesteps.eq(1),
            raster.restart.eq(self.restart),
        ]
        wiring.connect(m, wiring.flipped(self.frame), raster.frame)
        # Cycles until the next window may begin, and pixels missing before the first window.
        rest = Signal(range(max(PIXEL_BITS, self.max_timesteps)))
        missing = Signal(range(self.max_width + 2))
        free, step, begins = Signal(), Signal(), Signal()
        m.d.comb += [
            free.eq((rest == 0) & ~self.hold),
            self.i.ready.eq(free & raster.inside),
            step.eq(free & Mux(raster.inside, self.i.valid, ~raster.done)),
            raster.step.eq(step),
            begins.eq(step & (missing == 0)),
        ]
        with m.If(rest != 0):
            m.d.sync += rest.eq(rest - 1)
        with m.If(step & (missing != 0)):
            m.d.sync += missing.eq(missing - 1)
        with m.If(begins):
            pace = Mux(self.timesteps > PIXEL_BITS, self.timesteps, PIXEL_BITS)
            m.d.sync += rest.eq(pace - 1)
        with m.If(self.restart):
            m.d.sync += [rest.eq(0), missing.eq(self.frame.width + 1)]

        window = self._keep_pixels(m, step, Mux(raster.inside, self.i.payload, 0))
        outside = self._find_borders(m, begins)
        self._give_planes(m, begins, window, outside)
        return m

    def _keep_pixels(self, m: Module, step: Value, pixel: Value) -> list[list[Signal]]:
        """Return the window, row ky and column kx, which moves with each pixel."""
        # The two rows above, the older one first; read and written in the cycle of the pixel.
        m.submodules.rows = rows = memory.Memory(
            shape=unsigned((KERNEL - 1) * self._word_bits), depth=self.max_width, init=[]
        )
        read, write = rows.read_port(domain="comb"), rows.write_port()
        x = PlaceCounter(m, self.frame.width, "x")
        bits = self._word_bits
        column = Signal(KERNEL * bits)
        m.d.comb += [
            read.addr.eq(x.value),
            write.addr.eq(x.value),
            write.en.eq(step),
            column.eq(Cat(read.data, pixel[:bits])),
            write.data.eq(column[bits:]),
        ]
        with m.If(step):
            m.d.sync += x.advance()
        with m.If(self.restart):
            m.d.sync += x.restart()
        window = [
            [Signal(bits, name=f"pixel_{ky}{kx}", reset_less=True) for kx in range(KERNEL)]
            for ky in range(KERNEL)
        ]
        for ky, row in enumerate(window):
            newest = column.word_select(ky, bits)
            with m.If(step):
                m.d.sync += [old.eq(new) for old, new in zip(row, (*row[1:], newest), strict=True)]
        return window

    def _find_borders(self, m: Module, begins: Value) -> list[list[Value]]:
        """Return flags of the window's pixels beyond the top, the left or the right border.

        Pixels below the bottom need none: they are the zeros that follow the frame.
        """
        x, top = PlaceCounter(m, self.frame.width, "window"), Signal()  # of the next window
        above, left, right = Signal(), Signal(), Signal()
        with m.If(begins):
            m.d.sync += [above.eq(top), left.eq(x.first), right.eq(x.last), *x.advance()]
            with m.If(x.last):
                m.d.sync += top.eq(0)
        with m.If(self.restart):
            m.d.sync += [*x.restart(), top.eq(1)]
        rows, columns = (above, Const(0, 1), Const(0, 1)), (left, Const(0, 1), right)
        return [[row | column for column in columns] for row in rows]

    def _give_planes(
        self, m: Module, begins: Value, window: list[list[Signal]], outside: list[list[Value]]
    ) -> None:
        position = Signal(range(PIXEL_BITS))
        running = Signal()
        with m.If(begins):
            m.d.sync += [running.eq(1), position.eq(0)]
        with m.Elif(position == PIXEL_BITS - 1):
            m.d.sync += running.eq(0)
        with m.Else():
            m.d.sync += position.eq(position + 1)
        first = position == 0
        bits = [
            # Most significant first.
            (pixel[low : low + PIXEL_BITS][::-1].bit_select(position, 1) & ~beyond) ^ first
            for low in range(0, self._word_bits, PIXEL_BITS)
            for pixels, beyonds in zip(window, outside, strict=True)
            for pixel, beyond in zip(pixels, beyonds, strict=True)
        ]
        m.d.sync += [
            self.o.valid.eq(running),
            self.o.p.bits.eq(Cat(bits)),
            self.o.p.first.eq(first),
            self.o.p.last.eq(position == PIXEL_BITS - 1),
        ]
