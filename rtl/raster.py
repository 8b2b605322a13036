"""The order in which a layer's input goes through the array."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .checks import check_positive


class Raster(wiring.Component):
    """Counts the words of a frame in raster order, then those of the flush.

    A frame has height * width pixels, the flush width + 1, each of `steps` words.

    Parameters
    ----------
    max_height, max_width
        Of a frame, in pixels.
    max_steps
        Most words a pixel.

    Members
    -------
    height, width, steps : In
        Constant from ``restart`` on.
    restart : In(1)
        Back to the first word.
    step : In(1)
        On to the next word.
    inside : Out(1)
        The word belongs to the frame; otherwise to the flush, or `done` is set.
    last_step : Out(1)
        It is the last word of its pixel.
    done : Out(1)
        No word is left. Set until the first ``restart``.
    """

    def __init__(self, *, max_height: int, max_width: int, max_steps: int):
        check_positive(max_height=max_height, max_width=max_width, max_steps=max_steps)
        self.max_height = max_height
        self.max_width = max_width
        self.max_steps = max_steps
        super().__init__(
            {
                "height": In(range(max_height + 1)),
                "width": In(range(max_width + 1)),
                "steps": In(range(max_steps + 1)),
                "restart": In(1),
                "step": In(1),
                "inside": Out(1),
                "last_step": Out(1),
                "done": Out(1, init=1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        step = Signal(range(self.max_steps))
        x = Signal(range(self.max_width))
        y = Signal(range(self.max_height + 2))
        m.d.comb += [
            self.inside.eq((y < self.height) & ~self.done),
            self.last_step.eq(step == self.steps - 1),
        ]
        with m.If(self.step):
            m.d.sync += step.eq(step + 1)
            with m.If(self.last_step):
                m.d.sync += [step.eq(0), x.eq(x + 1)]
                with m.If(x == self.width - 1):
                    m.d.sync += [x.eq(0), y.eq(y + 1)]
                # The flush ends with the first pixel of the second row below the frame.
                with m.If(y == self.height + 1):
                    m.d.sync += self.done.eq(1)
        with m.If(self.restart):
            m.d.sync += [step.eq(0), x.eq(0), y.eq(0), self.done.eq(0)]
        return m
