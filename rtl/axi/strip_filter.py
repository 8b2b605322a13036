"""A strip's own rows and columns of those that it computes."""

from amaranth.hdl import Module, ShapeLike, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.core.layouts import FrameSignature
from rtl.stream.checks import check_positive
from rtl.stream.counter import PlaceCounter


class StripFilter(wiring.Component):
    """Drops what was computed for columns and rows that overlap the neighbouring strips and bands.

    No latency.

    Parameters
    ----------
    payload
        Shape of what goes through.
    max_height, max_width, max_timesteps
        Of the strip: rows, columns, payloads a pixel.

    Members
    -------
    restart : In(1)
        The next payload is the strip's first.
    frame : In(FrameSignature(max_height, max_width))
    timesteps : In
        Constant from ``restart`` on.
    skip_first, skip_last : In(1)
        Drop the first, the last column. Constant from ``restart`` on, like the next.
    skip_top, skip_bottom : In(1)
        Drop the first, the last row.
    i : In(stream.Signature(payload))
    o : Out(stream.Signature(payload))
    complete : Out(1)
        The whole strip went through.
    """

    def __init__(self, *, payload: ShapeLike, max_height: int, max_width: int, max_timesteps: int):
        check_positive(max_height=max_height, max_width=max_width, max_timesteps=max_timesteps)
        super().__init__(
            {
                "restart": In(1),
                "frame": In(FrameSignature(max_height, max_width)),
                "timesteps": In(range(max_timesteps + 1)),
                "skip_first": In(1),
                "skip_last": In(1),
                "skip_top": In(1),
                "skip_bottom": In(1),
                "i": In(stream.Signature(payload)),
                "o": Out(stream.Signature(payload)),
                "complete": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        step = PlaceCounter(m, self.timesteps, "step")
        column, row = (
            PlaceCounter(m, self.frame.width, "column"),
            PlaceCounter(m, self.frame.height, "row"),
        )
        # Registers, beside the places: which columns are skipped is known far away from here.
        drop_column, drop_row = Signal(), Signal()
        drop = drop_column | drop_row
        m.d.comb += [
            self.o.valid.eq(self.i.valid & ~drop),
            self.o.payload.eq(self.i.payload),
            self.i.ready.eq(drop | self.o.ready),
        ]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += step.advance()
            with m.If(step.last):
                m.d.sync += column.advance()
                m.d.sync += drop_column.eq(
                    (column.next_first & self.skip_first) | (column.next_last & self.skip_last)
                )
                with m.If(column.last):
                    m.d.sync += row.advance()
                    m.d.sync += drop_row.eq(row.next_last & self.skip_bottom)
                    with m.If(row.last):
                        m.d.sync += self.complete.eq(1)
        with m.If(self.restart):
            m.d.sync += [*step.restart(), *column.restart(), *row.restart(), self.complete.eq(0)]
            m.d.sync += [
                drop_column.eq(self.skip_first | ((self.frame.width == 1) & self.skip_last)),
                drop_row.eq(self.skip_top | ((self.frame.height == 1) & self.skip_bottom)),
            ]
        return m
