"""The encoding layer's multiplication by pixels, bit by bit on the synapse array."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, ValueLike, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from sw_model.spec import PIXEL_BITS

from .checks import check_positive
from .loading import LoadableMemory, LoadSignature
from .netlist import memory_row, whole
from .raster import Raster
from .synapse_array import SynapseBeat


class EncodingLayer(wiring.Component):
    """Gives each pixel to the synapse array bit by bit, most significant first.

    Ten beats a pixel: each doubles the accumulators and adds the weights where the bit is set;
    the sign bit, which goes first, adds their negatives. After the frame's pixels come a row and a
    pixel of zeros, as `Scatter` wants them. A pixel takes max(10, steps) cycles, so that the
    neurons, which need `steps` cycles for it, never hold it up. Latency: one cycle from a pixel
    to its first beat.

    Parameters
    ----------
    weights
        One row, in lane order.
    weight_bits
        Width of the array's signed weights.
    max_height, max_width
        Of a frame, in pixels.
    max_steps
        Largest T.
    load_index
        Number among the memories that can be loaded; None for constant weights.

    Members
    -------
    height, width, steps : In
        Constant while a frame is under way.
    restart : In(1)
        A new frame begins.
    pixels : In(stream.Signature(signed(10)))
    beats : Out(stream.Signature(SynapseBeat(len(weights), weight_bits)))
    load : In(LoadSignature())
        Absent where ``load_index`` is None.

    Attributes
    ----------
    row_bits, rows
        Width of the weights side by side; they, and their negatives.
    """

    def __init__(
        self,
        *,
        weights: list[int],
        weight_bits: int,
        max_height: int,
        max_width: int,
        max_steps: int,
        load_index: int | None = None,
    ):
        check_positive(
            weight_bits=weight_bits, max_height=max_height, max_width=max_width, max_steps=max_steps
        )
        self.weights = weights
        self.weight_bits = weight_bits
        self.max_height = max_height
        self.max_width = max_width
        self.max_steps = max_steps
        self.load_index = load_index
        layout = data.ArrayLayout(signed(weight_bits), len(weights))
        self.row_bits = layout.size
        negated = [-weight for weight in weights]
        self.rows = [memory_row(layout, row) for row in (weights, negated)]
        super().__init__(
            {
                "height": In(range(max_height + 1)),
                "width": In(range(max_width + 1)),
                "steps": In(range(max_steps + 1)),
                "restart": In(1),
                "pixels": In(stream.Signature(signed(PIXEL_BITS))),
                "beats": Out(stream.Signature(SynapseBeat(len(weights), weight_bits))),
                **({} if load_index is None else {"load": In(LoadSignature())}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        m.submodules.raster = raster = Raster(
            max_height=self.max_height, max_width=self.max_width, max_steps=1
        )
        m.d.comb += [
            raster.height.eq(self.height),
            raster.width.eq(self.width),
            raster.steps.eq(1),
            raster.restart.eq(self.restart),
        ]

        bits = Signal(PIXEL_BITS)
        position = Signal(range(PIXEL_BITS))
        # Cycles that a pixel must still take after its last beat; none unless T is above ten.
        idle = Signal(range(max(2, self.max_steps)))
        final = Signal()
        ready = Signal()
        weights: ValueLike
        if self.load_index is None:
            weights = Mux(position == 0, *(Const(row, self.row_bits) for row in self.rows[::-1]))
        else:
            m.submodules.memory = memory = LoadableMemory(
                rows=self.rows, row_bits=self.row_bits, read="comb", index=self.load_index
            )
            wiring.connect(m, wiring.flipped(self.load), memory.load)
            m.d.comb += memory.address.eq(position == 0)
            weights = memory.data
        m.d.comb += [
            final.eq(position == PIXEL_BITS - 1),
            ready.eq(~self.beats.valid | (self.beats.ready & final)),
            self.pixels.ready.eq(ready & (idle == 0) & raster.inside),
            raster.step.eq(
                ready & (idle == 0) & Mux(raster.inside, self.pixels.valid, ~raster.done)
            ),
            # In the order of the fields of `SynapseBeat`: weights, add, double, last.
            self.beats.payload.as_value().eq(whole(Cat(weights, bits[-1], Const(1, 1), final))),
        ]
        with m.If(self.beats.ready):
            m.d.sync += [bits.eq(bits << 1), position.eq(position + 1)]
        with m.If(ready):
            m.d.sync += self.beats.valid.eq(0)
        with m.If(ready & (idle != 0)):
            m.d.sync += idle.eq(idle - 1)
        with m.If(raster.step):
            m.d.sync += [
                self.beats.valid.eq(1),
                bits.eq(Mux(raster.inside, self.pixels.payload, 0)),
                position.eq(0),
                idle.eq(Mux(self.steps > PIXEL_BITS, self.steps - PIXEL_BITS, 0)),
            ]
        return m
