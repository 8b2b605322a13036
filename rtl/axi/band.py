"""The band of a frame's rows that one engine processes."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from sw_model.spec.hardware.registers import FRAME_HEIGHT_MAX
from sw_model.spec.hardware.strips import ENGINES_MAX


class RowBand(wiring.Component):
    """The upper or the lower half of a frame's rows; see `sw_model.spec.hardware.strips`.

    Latency: one cycle.

    Parameters
    ----------
    index
        0 for the upper half, which includes the middle row of an odd number; 1 for the lower half.

    Members
    -------
    height : In(16)
        Rows of the frame, 1 or more.
    active : Out(1)
        The band has rows.
    rows, own_rows : Out(16)
        Number of rows that the engine reads, and that it writes.
    above, own_above : Out(16)
        Rows of the frame above the first row that is read, and above the first that is written.
    skip_top, skip_bottom : Out(1)
        The first, or the last, row that is read belongs to the other half (halo).
    """

    def __init__(self, index: int):
        if not 0 <= index < ENGINES_MAX:
            raise ValueError(f"index {index} is not 0..{ENGINES_MAX - 1}")
        self.index = index
        rows = range(FRAME_HEIGHT_MAX + 1)
        super().__init__(
            {
                "height": In(rows),
                "active": Out(1),
                "rows": Out(rows),
                "own_rows": Out(rows),
                "above": Out(rows),
                "own_above": Out(rows),
                "skip_top": Out(1),
                "skip_bottom": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        upper, lower = Signal.like(self.height), Signal.like(self.height)
        both = Signal()
        m.d.comb += [
            lower.eq(self.height >> 1),
            upper.eq(self.height - lower),
            both.eq(lower != 0),
        ]
        if self.index == 0:
            m.d.sync += [
                self.active.eq(1),
                self.rows.eq(upper + both),
                self.own_rows.eq(upper),
                self.skip_bottom.eq(both),
            ]
        else:
            m.d.sync += [
                self.active.eq(both),
                self.rows.eq(Mux(both, lower + 1, 0)),
                self.own_rows.eq(lower),
                self.above.eq(upper - 1),
                self.own_above.eq(upper),
                self.skip_top.eq(1),
            ]
        return m
