"""From the last convolution's sum to the denoised pixel."""

from amaranth.hdl import Module, Mux, Signal, signed, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from sw_model.spec import GREY_MAX, MULT_BITS, PIXEL_BITS
from sw_model.spec.fixed_point import unsigned_width

from .checks import check_positive
from .frame_memory import FrameWord


class OutputLayer(wiring.Component):
    """Scales the sum over all taps, channels and timesteps to the residual and takes it away.

    R = sum + offset; residual = (R * mult + 2^(shift - 1)) >> shift;
    denoised = pixel - residual, clamped to 0..255.

    A pixel a cycle. Latency: two cycles.

    Parameters
    ----------
    sum_bits
        Width of the signed sum.
    total_bits
        Width of the signed R.
    shift
        Right shift, 1 or more.

    Members
    -------
    offset : In(signed(total_bits))
        T * bias.
    mult : In(unsigned(16))
    sums : In(stream.Signature(signed(sum_bits)))
    pixels : In(stream.Signature(FrameWord(10)))
        Noisy pixels, signed, in the same order.
    denoised : Out(stream.Signature(8))
    """

    def __init__(self, *, sum_bits: int, total_bits: int, shift: int):
        check_positive(sum_bits=sum_bits, total_bits=total_bits, shift=shift)
        self.total_bits = total_bits
        self.shift = shift
        super().__init__(
            {
                "offset": In(signed(total_bits)),
                "mult": In(unsigned(MULT_BITS)),
                "sums": In(stream.Signature(signed(sum_bits))),
                "pixels": In(stream.Signature(FrameWord(PIXEL_BITS))),
                "denoised": Out(stream.Signature(unsigned_width(GREY_MAX))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        product = Signal(signed(self.total_bits + MULT_BITS))
        pixel = Signal(signed(PIXEL_BITS))
        valid = Signal()

        leave = Signal()
        taken = Signal()
        m.d.comb += [
            leave.eq(~self.denoised.valid | self.denoised.ready),
            taken.eq(self.sums.valid & self.pixels.valid & (~valid | leave)),
            self.sums.ready.eq(taken),
            self.pixels.ready.eq(taken),
        ]
        with m.If(leave):
            m.d.sync += valid.eq(0)
        with m.If(taken):
            m.d.sync += [
                valid.eq(1),
                product.eq((self.sums.payload + self.offset) * self.mult),
                pixel.eq(self.pixels.p.word.as_signed()),
            ]

        residual = (product + (1 << (self.shift - 1))) >> self.shift
        # Two bits more than the wider operand: the rounding and the subtraction cannot overflow.
        clean = Signal(signed(max(len(residual), PIXEL_BITS) + 2))
        m.d.comb += clean.eq(pixel - residual)
        with m.If(leave):
            m.d.sync += [
                self.denoised.valid.eq(valid),
                self.denoised.payload.eq(
                    Mux(clean < 0, 0, Mux(clean > GREY_MAX, GREY_MAX, clean[:8]))
                ),
            ]
        return m
