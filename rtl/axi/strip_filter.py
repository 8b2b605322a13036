"""Removal of the halo rows and columns of a strip."""

from amaranth.hdl import Module, ShapeLike, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.core.layouts import FrameSignature
from rtl.stream.checks import check_positive
from rtl.stream.counter import PlaceCounter


class StripFilter(wiring.Component):
    """Drops the results of columns and rows that belong to the neighbouring strips and bands.

    No latency.

    Parameters
    ----------
    payload
        Shape of the results.
    max_height, max_width, max_timesteps
        Of the strip: rows, columns, payloads per pixel.

    Members
    -------
    restart : In(1)
        The next payload is the strip's first.
    frame : In(FrameSignature(max_height, max_width))
    timesteps : In
        Constant from ``restart`` on.
    skip_first, skip_last : In(1)
        Drop the first, or the last, column. Constant from ``restart`` on.
    skip_top, skip_bottom : In(1)
        Drop the first, or the last, row. Constant from ``restart`` on.
    i : In(stream.Signature(payload))
    o : Out(stream.Signature(payload))
    complete : Out(1)
        The whole strip has passed.
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
        # Registers beside the counters: ``skip_first`` and the others come over long wires.
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
