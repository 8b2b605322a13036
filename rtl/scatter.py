"""Tap vectors of input pixels to sums of output pixels, with zero padding at the borders."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from sw_model.spec import KERNEL, TAPS

from .checks import check_positive
from .netlist import lanes


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
    taps : In(stream.Signature(9 * channels * lane_bits))
        In the lane order of `sw_model.spec.packing.LANE_ORDER`.
    sums : Out(stream.Signature(channels * sum_bits))
        Signed numbers, channel 0 in the least significant bits.
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
        self.lane_bits = lane_bits
        self.sum_bits = sum_bits
        self.max_width = max_width
        self.max_steps = max_steps
        super().__init__(
            {
                "width": In(range(max_width + 1)),
                "steps": In(range(max_steps + 1)),
                "restart": In(1),
                "taps": In(stream.Signature(TAPS * channels * lane_bits)),
                "sums": Out(stream.Signature(channels * sum_bits)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
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
        rows = Signal(KERNEL * self.channels * self.sum_bits)
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

        # Horizontal: for all three rows of taps, the sums of this pixel's column so far (one tap)
        # and of the column before it (two taps), each timestep's read and written in one cycle.
        first, middle, last = (self._tap_column(kx) for kx in range(KERNEL))
        here_bits, sum_bits = len(first), self.sum_bits * self.channels
        here, here_write = self._buffer(m, "column_here", here_bits, self.max_steps, "comb")
        before, before_write = self._buffer(
            m, "column_before", KERNEL * sum_bits, self.max_steps, "comb"
        )
        done = self._add(m, before.data, self.sum_bits, Mux(left, 0, last), self.lane_bits)
        m.d.comb += [
            here_write.data.eq(first),
            before_write.data.eq(
                self._add(m, middle, self.lane_bits, Mux(left, 0, here.data), self.lane_bits)
            ),
        ]
        for read, write in ((here, here_write), (before, before_write)):
            m.d.comb += [read.addr.eq(step), write.addr.eq(step), write.en.eq(taken)]

        # Vertical: line buffers of the sums of this row so far and of the row above it. Reading
        # is transparent because in a frame of one word a row it meets the word before's write.
        depth = self.max_width * self.max_steps
        below, below_write = self._buffer(m, "line_here", sum_bits, depth, "sync")
        above, above_write = self._buffer(m, "line_above", sum_bits, depth, "sync")
        row = [rows.word_select(ky, sum_bits) for ky in range(KERNEL)]
        masked = Mux(rows_emitting, below.data, 0)
        sums = self._add(m, above.data, self.sum_bits, row[2], self.sum_bits)
        m.d.comb += [
            below_write.data.eq(row[0]),
            above_write.data.eq(self._add(m, masked, self.sum_bits, row[1], self.sum_bits)),
        ]
        for read, write in ((below, below_write), (above, above_write)):
            m.d.comb += [
                read.addr.eq(slot),
                read.en.eq(taken),
                write.addr.eq(rows_slot),
                write.en.eq(rows_valid & rows_leave & rows_started),
            ]

        with m.If(rows_leave):
            m.d.sync += rows_valid.eq(0)
        with m.If(taken):
            m.d.sync += [
                rows_valid.eq(1),
                rows.eq(done),
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
            m.d.sync += [self.sums.valid.eq(1), self.sums.payload.eq(sums)]
        with m.If(self.restart):
            m.d.sync += [step.eq(0), x.eq(0), slot.eq(0), started.eq(0), emitting.eq(0)]
        return m

    def _tap_column(self, kx: int) -> Value:
        """The taps of column kx: rows ky = 0, 1, 2 of all channels."""
        taps = self.taps.payload
        group = self.lane_bits * self.channels
        return Cat(taps.word_select(ky * KERNEL + kx, group) for ky in range(KERNEL))

    def _buffer(
        self, m: Module, name: str, bits: int, depth: int, domain: str
    ) -> tuple[memory.ReadPort, memory.WritePort]:
        """A memory's read port, transparent if it is clocked, and its write port."""
        m.submodules[name] = buffer = memory.Memory(shape=unsigned(bits), depth=depth, init=[])
        write = buffer.write_port()
        transparent_for = (write,) if domain == "sync" else ()
        return buffer.read_port(domain=domain, transparent_for=transparent_for), write

    def _add(self, m: Module, a: Value, a_bits: int, b: Value, b_bits: int) -> Value:
        """Sums, each `sum_bits` wide, of two vectors of signed numbers."""
        # Nets of their own: a slice of an expression would repeat the expression for every lane.
        left, right = Signal(len(a)), Signal(len(b))
        m.d.comb += [left.eq(a), right.eq(b)]
        sums = []
        for addends in zip(lanes(left, a_bits), lanes(right, b_bits), strict=True):
            total = Signal(signed(self.sum_bits))
            m.d.comb += total.eq(addends[0] + addends[1])
            sums.append(total)
        return Cat(sums)
