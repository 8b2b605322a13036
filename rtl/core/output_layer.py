"""From the last convolution's sums to denoised pixels."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive
from sw_model.spec import GREY_MAX, MULT_BITS, PIXEL_BITS
from sw_model.spec.fixed_point import unsigned_width

from .layouts import FrameWord


class OutputLayer(wiring.Component):
    """Scales the sum over all taps, channels and timesteps to the residual and subtracts it.

    R = sum + offset; residual = (R * mult + 2^(shift - 1)) >> shift;
    denoised = pixel - residual, clamped to 0..255.

    One pixel per cycle. Latency: four cycles, for offset, product, rounding and clamp.

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
        # All four stages move together; they stop while a denoised pixel waits.
        move, taken = Signal(), Signal()
        valid = Signal(3)
        total = Signal(signed(self.total_bits), reset_less=True)
        product = Signal(signed(self.total_bits + MULT_BITS), reset_less=True)
        # One bit more than the product's, which rounding may need.
        residual = Signal(signed(max(1, len(product) + 1 - self.shift)), reset_less=True)
        pixels = [
            Signal(signed(PIXEL_BITS), name=f"pixel_{age}", reset_less=True) for age in (1, 2, 3)
        ]
        m.d.comb += [
            move.eq(~self.denoised.valid | self.denoised.ready),
            taken.eq(self.sums.valid & self.pixels.valid & move),
            self.sums.ready.eq(taken),
            self.pixels.ready.eq(taken),
        ]
        # Two bits more than the wider operand: the subtraction cannot overflow.
        clean = Signal(signed(max(len(residual), PIXEL_BITS) + 2))
        m.d.comb += clean.eq(pixels[2] - residual)
        with m.If(move):
            m.d.sync += [
                Cat(valid, self.denoised.valid).eq(Cat(taken, valid)),
                total.eq(self.sums.payload + self.offset),
                product.eq(total * self.mult),
                residual.eq((product + (1 << (self.shift - 1))) >> self.shift),
                pixels[0].eq(self.pixels.p.word.as_signed()),
                *(old.eq(new) for old, new in zip(pixels[1:], pixels, strict=False)),
                self.denoised.payload.eq(
                    Mux(clean < 0, 0, Mux(clean > GREY_MAX, GREY_MAX, clean[:8]))
                ),
            ]
        return m
