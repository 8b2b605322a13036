"""Rows of words, cut into bursts."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from sw_model.spec.hardware.buffers import BURST_WORDS, WORD_ADDRESS_BITS

_OFFSET_BITS = (BURST_WORDS - 1).bit_length()


class BurstCutter:
    """Registers that hold the next burst of a row, and the logic that updates them.

    Bursts end at multiples of `BURST_WORDS`. No adder of address and length is needed: the next
    burst begins at the next multiple.

    Parameters
    ----------
    m
        Module that the logic is added to.
    max_words
        Longest row.

    Attributes
    ----------
    address : Signal
        Of the next burst, in words; one bit more than an address has.
    length : Signal
        Words of the next burst.
    row_done : Signal
        The next burst is the row's last one; a register too.
    """

    def __init__(self, m: Module, max_words: int):
        self.address = Signal(WORD_ADDRESS_BITS + 1)
        # Words from the multiple of BURST_WORDS at or before the address to the row's end.
        self._span = Signal(range(max_words + BURST_WORDS))
        self.length = Signal(range(BURST_WORDS + 1))
        self.row_done = Signal()
        m.d.comb += self.length.eq(
            Mux(self.row_done, self._span[: _OFFSET_BITS + 1], BURST_WORDS)
            - self.address[:_OFFSET_BITS]
        )

    def begin_row(self, address: Value, words: Value) -> list:
        """Go to a row's first burst."""
        span = words + address[:_OFFSET_BITS]
        return [
            self.address.eq(address),
            self._span.eq(span),
            self.row_done.eq(span <= BURST_WORDS),
        ]

    def advance(self) -> list:
        """Go to the row's next burst."""
        return [
            self.address.eq(Cat(Const(0, _OFFSET_BITS), self.address[_OFFSET_BITS:] + 1)),
            self._span.eq(self._span - BURST_WORDS),
            self.row_done.eq(self._span <= 2 * BURST_WORDS),
        ]
