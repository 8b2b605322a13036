"""Tap vectors of input pixels to sums of output pixels, with zero padding at the borders."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive
from rtl.stream.counter import PlaceCounter
from rtl.stream.vectors import lanes
from sw_model.spec import KERNEL, TAPS


class Scatter(wiring.Component):
    """Adds the nine tap vectors of each input pixel to the nine output pixels they belong to.

    The tap (ky, kx) of input pixel (y, x) belongs to output pixel (y - ky + 1, x - kx + 1). The
    sums of a row of taps travel right to left through two columns of partial sums, then down
    through two line buffers. It takes one input word per cycle (the scatter's s = 1).

    The input is the frame in raster order, `timesteps` words per pixel, followed by one row and one
    pixel of zeros that flush the last sums out: ((height + 1) * width + 1) * timesteps words. The
    output is height * width * timesteps words. Latency: three cycles from the input word at one row
    and one pixel after an output pixel. There is no back-pressure: the sender of the words ensures
    that the sums can be taken.

    The line buffers are read when a word arrives and written two cycles later. In a frame whose
    rows have fewer words than that, words need a minimum distance, see
    `sw_model.spec.hardware.cycles.spacing`.

    Partial sums of an earlier row or frame are masked, never cleared: at x = 0 the newest sums of
    the column buffers belong to a pixel beyond the right border, and before the second row the
    line buffers hold no sums of this frame. The masks are synchronous resets of registers that the
    pipeline has anyway, so they take no logic.

    Parameters
    ----------
    channels
        Output channels C.
    lane_bits
        Width of the signed taps.
    sum_bits
        Width of the signed sums, complete and partial.
    max_width
        Widest frame, in pixels.
    max_timesteps
        Most words per pixel.

    Members
    -------
    width, timesteps : In
        Of the frame, constant from ``restart`` to its last output.
    restart : In(1)
        A new frame begins with the next word; only while the pipeline holds no word.
    i : In(stream.Signature(9 * channels * lane_bits, always_ready=True))
        In the lane order of `sw_model.spec.packing.LANE_ORDER`.
    o : Out(stream.Signature(channels * sum_bits, always_ready=True))
        Signed numbers, channel 0 in the least significant bits.
    """

    def __init__(
        self, *, channels: int, lane_bits: int, sum_bits: int, max_width: int, max_timesteps: int
    ):
        check_positive(
            channels=channels,
            lane_bits=lane_bits,
            sum_bits=sum_bits,
            max_width=max_width,
            max_timesteps=max_timesteps,
        )
        self.channels = channels
        self.lane_bits = lane_bits
        self.sum_bits = sum_bits
        self.max_width = max_width
        self.max_timesteps = max_timesteps
        super().__init__(
            {
                "width": In(range(max_width + 1)),
                "timesteps": In(range(max_timesteps + 1)),
                "restart": In(1),
                "i": In(stream.Signature(TAPS * channels * lane_bits, always_ready=True)),
                "o": Out(stream.Signature(channels * sum_bits, always_ready=True)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        # Position of the next word. A row of taps is complete one pixel later, so `slot`, its
        # place in the line buffers, lags by one pixel.
        timestep, x = PlaceCounter(m, self.timesteps, "step"), PlaceCounter(m, self.width, "x")
        step, left = timestep.value, x.first
        slot = Signal(range(self.max_width * self.max_timesteps))
        started = Signal()  # this word completes a row of taps of this frame
        emitting = Signal()  # and that row completes an output pixel above it
        with m.If(self.i.valid):
            m.d.sync += [*timestep.advance(), slot.eq(slot + 1)]
            with m.If(timestep.last):
                m.d.sync += x.advance()
                with m.If(left):
                    m.d.sync += [slot.eq(0), started.eq(1), emitting.eq(started)]
        with m.If(self.restart):
            m.d.sync += [*timestep.restart(), *x.restart(), slot.eq(0)]
            m.d.sync += [started.eq(0), emitting.eq(0)]

        # Flags and slot of a word, in the two cycles after its arrival.
        places = [
            {
                "valid": Signal(name=f"valid_{age}"),
                "started": Signal(name=f"started_{age}"),
                "emitting": Signal(name=f"emitting_{age}"),
                "slot": Signal.like(slot, name=f"slot_{age}"),
            }
            for age in (1, 2)
        ]
        arriving = {
            "valid": self.i.valid,
            "started": started,
            "emitting": emitting,
            "slot": slot,
        }
        for place, before in zip(places, (arriving, places[0]), strict=True):
            m.d.sync += [place[name].eq(before[name]) for name in place]

        rows = self._add_columns(m, left, step, places[0])
        self._add_rows(m, rows, slot, *places)
        return m

    def _add_columns(self, m: Module, left: Value, step: Value, place: dict) -> list[Value]:
        """Return the horizontal sums of rows ky = 0, 1, 2, registered two cycles after the word.

        For each of the three rows and each timestep, the buffers hold the sums of this pixel's
        column so far (one tap) and of the column before it (two taps).
        """
        first, middle, last = (self._tap_column(kx) for kx in range(KERNEL))
        taps = KERNEL * self.channels
        # When the word arrives, its first taps replace those of the pixel before it.
        here, here_write = self._buffer(m, "column_here", len(first), self.max_timesteps, "comb")
        newest, complete, middle_taps = (Signal(len(first), reset_less=True) for _ in range(3))
        step_before = Signal.like(step)
        m.d.sync += [
            newest.eq(Mux(left, 0, here.data)),
            middle_taps.eq(middle),
            complete.eq(Mux(left, 0, last)),
            step_before.eq(step),
        ]
        m.d.comb += [
            here.addr.eq(step),
            here_write.addr.eq(step),
            here_write.data.eq(first),
            here_write.en.eq(self.i.valid),
        ]
        # A cycle later, the sums of two taps do the same.
        two_bits, lane = self._bits(2), self.lane_bits
        before, before_write = self._buffer(
            m, "column_before", taps * two_bits, self.max_timesteps, "comb"
        )
        m.d.comb += [
            before.addr.eq(step_before),
            before_write.addr.eq(step_before),
            before_write.data.eq(self._add(m, middle_taps, lane, newest, lane, two_bits)),
            before_write.en.eq(place["valid"]),
        ]
        rows = Signal(taps * self._bits(3), reset_less=True)
        m.d.sync += rows.eq(self._add(m, before.data, two_bits, complete, lane, self._bits(3)))
        return [rows.word_select(ky, self.channels * self._bits(3)) for ky in range(KERNEL)]

    def _add_rows(
        self, m: Module, rows: list[Value], slot: Value, younger: dict, older: dict
    ) -> None:
        """Add vertically; line buffers hold the sums of this row so far and of the row above."""
        depth = self.max_width * self.max_timesteps
        one, two, three = (self._bits(KERNEL * count) for count in (1, 2, 3))
        below, below_write = self._buffer(m, "line_here", self.channels * one, depth, "sync")
        above, above_write = self._buffer(m, "line_above", self.channels * two, depth, "sync")
        one_row = Signal(self.channels * one, reset_less=True)
        two_rows = Signal(self.channels * two, reset_less=True)
        sums = Signal(self.channels * three, reset_less=True)
        m.d.sync += [
            one_row.eq(Mux(younger["emitting"], below.data, 0)),
            two_rows.eq(above.data),
            self.o.valid.eq(older["valid"] & older["emitting"]),
            sums.eq(self._add(m, two_rows, two, rows[2], one, three)),
        ]
        m.d.comb += [
            self.o.payload.eq(sums),
            below_write.data.eq(rows[0]),
            above_write.data.eq(self._add(m, one_row, one, rows[1], one, two)),
        ]
        for read, write in ((below, below_write), (above, above_write)):
            m.d.comb += [
                read.addr.eq(slot),
                read.en.eq(1),
                write.addr.eq(older["slot"]),
                write.en.eq(older["valid"] & older["started"]),
            ]

    def _bits(self, taps: int) -> int:
        """Width of a sum of some taps, at most that of a complete sum."""
        return min(self.sum_bits, self.lane_bits + (taps - 1).bit_length())

    def _tap_column(self, kx: int) -> Value:
        """The taps of column kx: rows ky = 0, 1, 2 of all channels."""
        taps = self.i.payload
        group = self.lane_bits * self.channels
        return Cat(taps.word_select(ky * KERNEL + kx, group) for ky in range(KERNEL))

    def _buffer(
        self, m: Module, name: str, bits: int, depth: int, domain: str
    ) -> tuple[memory.ReadPort, memory.WritePort]:
        """A memory's read port and its write port."""
        m.submodules[name] = buffer = memory.Memory(shape=unsigned(bits), depth=depth, init=[])
        write = buffer.write_port()
        return buffer.read_port(domain=domain), write

    def _add(self, m: Module, a: Value, a_bits: int, b: Value, b_bits: int, bits: int) -> Value:
        """Add two vectors of signed numbers; each sum is `bits` wide."""
        # Separate nets: a slice of an expression would repeat the expression for every lane.
        left, right = Signal(len(a)), Signal(len(b))
        m.d.comb += [left.eq(a), right.eq(b)]
        sums = []
        for addends in zip(lanes(left, a_bits), lanes(right, b_bits), strict=True):
            total = Signal(signed(bits))
            m.d.comb += total.eq(addends[0] + addends[1])
            sums.append(total)
        return Cat(sums)
