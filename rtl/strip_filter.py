"""A strip's own rows and columns of those that it computes."""

from amaranth.hdl import Module, Mux, ShapeLike, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .checks import check_positive

_SIZES = ("height", "width", "steps")


class StripFilter(wiring.Component):
    """Drops what was computed for columns and rows that overlap the neighbouring strips and bands.

    No latency.

    Parameters
    ----------
    payload
        Shape of what goes through.
    max_height, max_width, max_steps
        Of the strip: rows, columns, payloads a pixel.

    Members
    -------
    restart : In(1)
        The next payload is the strip's first.
    height, width, steps : In
        Constant from ``restart`` on.
    skip_first, skip_last : In(1)
        Drop the first, the last column.
    skip_top, skip_bottom : In(1)
        Drop the first, the last row.
    computed : In(stream.Signature(payload))
    kept : Out(stream.Signature(payload))
    complete : Out(1)
        The whole strip went through.
    """

    def __init__(self, *, payload: ShapeLike, max_height: int, max_width: int, max_steps: int):
        check_positive(max_height=max_height, max_width=max_width, max_steps=max_steps)
        super().__init__(
            {
                "restart": In(1),
                "height": In(range(max_height + 1)),
                "width": In(range(max_width + 1)),
                "steps": In(range(max_steps + 1)),
                "skip_first": In(1),
                "skip_last": In(1),
                "skip_top": In(1),
                "skip_bottom": In(1),
                "computed": In(stream.Signature(payload)),
                "kept": Out(stream.Signature(payload)),
                "complete": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        step, x, y = Signal.like(self.steps), Signal.like(self.width), Signal.like(self.height)
        last_step, last_column, last_row, drop = Signal(), Signal(), Signal(), Signal()
        # Registers: a strip's size is there before its first element.
        last = {name: Signal.like(getattr(self, name), name=f"last_{name}") for name in _SIZES}
        m.d.sync += [last[name].eq(getattr(self, name) - 1) for name in _SIZES]
        m.d.comb += [
            last_step.eq(step == last["steps"]),
            last_column.eq(x == last["width"]),
            last_row.eq(y == last["height"]),
            drop.eq(
                ((x == 0) & self.skip_first)
                | (last_column & self.skip_last)
                | ((y == 0) & self.skip_top)
                | (last_row & self.skip_bottom)
            ),
            self.kept.valid.eq(self.computed.valid & ~drop),
            self.kept.payload.eq(self.computed.payload),
            self.computed.ready.eq(drop | self.kept.ready),
        ]
        with m.If(self.computed.valid & self.computed.ready):
            m.d.sync += step.eq(Mux(last_step, 0, step + 1))
            with m.If(last_step):
                m.d.sync += x.eq(Mux(last_column, 0, x + 1))
                with m.If(last_column):
                    m.d.sync += y.eq(y + 1)
                    with m.If(last_row):
                        m.d.sync += self.complete.eq(1)
        with m.If(self.restart):
            m.d.sync += [step.eq(0), x.eq(0), y.eq(0), self.complete.eq(0)]
        return m
