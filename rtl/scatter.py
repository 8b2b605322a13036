"""Tap vectors of input pixels to sums of output pixels, with zero padding at the borders."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, ValueLike, signed
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from sw_model.spec import KERNEL, TAPS

from .checks import check_positive


class Scatter(wiring.Component):
    """Adds each input pixel's nine tap vectors into the nine output pixels that they belong to.

    The tap (ky, kx) of input pixel (y, x) belongs to output pixel (y - ky + 1, x - kx + 1). The
    sums of a row of taps travel right to left through two columns of partial sums, then down
    through two line buffers. All of it moves by one input word a cycle (the scatter's s = 1).

    The input is the frame in raster order, `steps` words a pixel, followed by one row and one
    pixel of zeros that flush the last sums out: ((height + 1) * width + 1) * steps words. The
    output is height * width * steps words. Latency: two cycles from the input word at one row
    and one pixel below an output pixel.

    Partial sums that an earlier row or frame left behind are masked, never cleared:
    at x = 0 the column buffers' newest sums belong to a pixel beyond the right border, and before
    the second row the line buffers hold no sums of this frame.

    Parameters
    ----------
    channels
        Output channels C.
    lane_bits
        Width of the signed taps.
    sum_bits
        Width of the signed sums, whole and partial.
    max_width
        Widest frame, in pixels.
    max_steps
        Most words a pixel.

    Members
    -------
    width, steps : In
        Of the frame, constant from ``restart`` to its last output.
    restart : In(1)
        A new frame begins with the next word; only while no word is on its way.
    taps : In(stream.Signature(ArrayLayout(signed(lane_bits), 9 * channels)))
        In the lane order of `sw_model.spec.packing.LANE_ORDER`.
    sums : Out(stream.Signature(ArrayLayout(signed(sum_bits), channels)))
    """

    def __init__(
        self, *, channels: int, lane_bits: int, sum_bits: int, max_width: int, max_steps: int
    ):
        check_positive(
            channels=channels,
            lane_bits=lane_bits,
            sum_bits=sum_bits,
            max_width=max_width,
            max_steps=max_steps,
        )
        self.channels = channels
        self.sum_bits = sum_bits
        self.max_width = max_width
        self.max_steps = max_steps
        taps = data.ArrayLayout(signed(lane_bits), TAPS * channels)
        super().__init__(
            {
                "width": In(range(max_width + 1)),
                "steps": In(range(max_steps + 1)),
                "restart": In(1),
                "taps": In(stream.Signature(taps)),
                "sums": Out(stream.Signature(data.ArrayLayout(signed(sum_bits), channels))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        vector = data.ArrayLayout(signed(self.sum_bits), self.channels)

        # Position of the word that comes next. A row of taps is complete one pixel later, so
        # `slot`, its place in the line buffers, lags by one pixel.
        step = Signal(range(self.max_steps))
        x = Signal(range(self.max_width))
        slot = Signal(range(self.max_width * self.max_steps))
        started = Signal()  # the row of taps completed by this word is one of the frame
        emitting = Signal()  # and completes an output pixel above it
        left = Signal()
        last_step = Signal()
        m.d.comb += [left.eq(x == 0), last_step.eq(step == self.steps - 1)]

        # Two registered stages: `rows` holds the completed rows of taps, `sums` the output.
        rows = Signal(data.ArrayLayout(vector, KERNEL))
        rows_valid = Signal()
        rows_started = Signal()
        rows_emitting = Signal()
        rows_slot = Signal.like(slot)
        rows_leave = Signal()
        m.d.comb += [
            rows_leave.eq(~rows_emitting | ~self.sums.valid | self.sums.ready),
            self.taps.ready.eq(~rows_valid | rows_leave),
        ]
        taken = Signal()
        m.d.comb += taken.eq(self.taps.valid & self.taps.ready)

        # Horizontal: per tap row, the partial sums of this pixel's column and of the one before.
        columns_shape = data.StructLayout(
            {
                "here": data.ArrayLayout(vector, KERNEL),
                "before": data.ArrayLayout(vector, KERNEL),
            }
        )
        m.submodules.columns = columns = memory.Memory(
            shape=columns_shape, depth=self.max_steps, init=[]
        )
        columns_write = columns.write_port()
        columns_read = columns.read_port(domain="comb")
        here, before, done = [], [], []
        for ky in range(KERNEL):
            for channel in range(self.channels):
                first, middle, last = (
                    self.taps.payload[(ky * KERNEL + kx) * self.channels + channel]
                    for kx in range(KERNEL)
                )
                old = columns_read.data
                done.append(self._sum(m, old.before[ky][channel], Mux(left, 0, last)))
                before.append(self._sum(m, Mux(left, 0, old.here[ky][channel]), middle))
                here.append(self._sum(m, first, 0))
        m.d.comb += [
            columns_read.addr.eq(step),
            columns_write.addr.eq(step),
            columns_write.en.eq(taken),
            columns_write.data.as_value().eq(Cat(*here, *before)),
        ]

        # Vertical: line buffers of the partial sums of the two rows above this one. The read is
        # transparent because in a frame of one word a row it meets the write of the word before.
        m.submodules.lines = lines = memory.Memory(
            shape=data.StructLayout({"above": vector, "here": vector}),
            depth=self.max_width * self.max_steps,
            init=[],
        )
        lines_write = lines.write_port()
        lines_read = lines.read_port(transparent_for=(lines_write,))
        above, sums = [], []
        for channel in range(self.channels):
            first, middle, last = (rows[ky][channel] for ky in range(KERNEL))
            sums.append(self._sum(m, lines_read.data.above[channel], last))
            above.append(self._sum(m, Mux(rows_emitting, lines_read.data.here[channel], 0), middle))
        m.d.comb += [
            lines_read.addr.eq(slot),
            lines_read.en.eq(taken),
            lines_write.addr.eq(rows_slot),
            lines_write.en.eq(rows_valid & rows_leave & rows_started),
            lines_write.data.above.as_value().eq(Cat(above)),
            lines_write.data.here.eq(rows[0]),
        ]

        with m.If(rows_leave):
            m.d.sync += rows_valid.eq(0)
        with m.If(taken):
            m.d.sync += [
                rows_valid.eq(1),
                rows.as_value().eq(Cat(done)),
                rows_started.eq(started),
                rows_emitting.eq(emitting),
                rows_slot.eq(slot),
                step.eq(Mux(last_step, 0, step + 1)),
                slot.eq(slot + 1),
            ]
            with m.If(last_step):
                m.d.sync += x.eq(Mux(x == self.width - 1, 0, x + 1))
                with m.If(left):
                    m.d.sync += [slot.eq(0), started.eq(1), emitting.eq(started)]
        with m.If(self.sums.ready):
            m.d.sync += self.sums.valid.eq(0)
        with m.If(rows_valid & rows_emitting & rows_leave):
            m.d.sync += [self.sums.valid.eq(1), self.sums.payload.as_value().eq(Cat(sums))]
        with m.If(self.restart):
            m.d.sync += [step.eq(0), x.eq(0), slot.eq(0), started.eq(0), emitting.eq(0)]
        return m

    def _sum(self, m: Module, a: ValueLike, b: ValueLike) -> Signal:
        """A named net of exactly the sums' width, so that concatenations line up."""
        total = Signal(signed(self.sum_bits))
        m.d.comb += total.eq(Value.cast(a) + b)
        return total
