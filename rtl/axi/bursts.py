"""Rows of words, cut into bursts."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from sw_model.spec.hardware.buffers import BURST_WORDS, WORD_ADDRESS_BITS

_OFFSET_BITS = (BURST_WORDS - 1).bit_length()


class BurstCutter:
    """Registers that tell the next burst of a row, and the logic behind them.

    Bursts end at multiples of `BURST_WORDS`, so that no address is ever added to a length: the
    next burst begins with the next multiple.

    Parameters
    ----------
    m
        Where the logic goes.
    max_words
        Longest row.

    Attributes
    ----------
    address : Signal
        Of the next burst, in words; one bit more than addresses have.
    length : Signal
        Its words.
    row_done : Signal
        It is the row's last one; a register too.
    """

    def __init__(self, m: Module, max_words: int):
        self.address = Signal(WORD_ADDRESS_BITS + 1)
        # Words to the row's end, from the multiple of BURST_WORDS before the address on.
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
