"""Raster order of a layer's input."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive
from rtl.stream.counter import PlaceCounter

from .layouts import FrameSignature


class Raster(wiring.Component):
    """Counts the words of a frame in raster order, then those of the flush.

    A frame has height * width pixels, the flush width + 1, each of `timesteps` words.

    Parameters
    ----------
    max_height, max_width
        Of a frame, in pixels.
    max_timesteps
        Most words per pixel.

    Members
    -------
    frame : In(FrameSignature(max_height, max_width))
    timesteps : In
        Constant from ``restart`` on.
    restart : In(1)
        Go back to the first word.
    step : In(1)
        Go to the next word.
    inside : Out(1)
        The word belongs to the frame; otherwise to the flush, or `done` is set.
    last_timestep : Out(1)
        The word is the last one of its pixel.
    done : Out(1)
        No word is left. Set until the first ``restart``.
    """

    def __init__(self, *, max_height: int, max_width: int, max_timesteps: int):
        check_positive(max_height=max_height, max_width=max_width, max_timesteps=max_timesteps)
        self.max_height = max_height
        self.max_width = max_width
        self.max_timesteps = max_timesteps
        super().__init__(
            {
                "frame": In(FrameSignature(max_height, max_width)),
                "timesteps": In(range(max_timesteps + 1)),
                "restart": In(1),
                "step": In(1),
                "inside": Out(1),
                "last_timestep": Out(1),
                "done": Out(1, init=1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        step = PlaceCounter(m, self.timesteps, "step")
        x = PlaceCounter(m, self.frame.width, "x")
        y = PlaceCounter(m, self.frame.height, "y")
        second_row = Signal()  # of the flush
        m.d.comb += self.last_timestep.eq(step.last)
        with m.If(self.step):
            m.d.sync += step.advance()
            with m.If(step.last):
                m.d.sync += x.advance()
                with m.If(x.last):
                    m.d.sync += [
                        *y.advance(),
                        self.inside.eq(self.inside & ~y.last),
                        second_row.eq(~self.inside),
                    ]
                # The flush ends with the first pixel of the second row below the frame.
                with m.If(second_row):
                    m.d.sync += self.done.eq(1)
        with m.If(self.restart):
            m.d.sync += [*step.restart(), *x.restart(), *y.restart()]
            m.d.sync += [self.inside.eq(1), second_row.eq(0), self.done.eq(0)]
        return m
