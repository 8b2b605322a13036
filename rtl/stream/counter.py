"""Counter of positions in a row, or of rows in a frame."""

from amaranth.hdl import Module, Mux, Signal, Value


class PlaceCounter:
    """Count from 0 to ``size - 1``, with registers that mark the first and the last position.

    The size comes over long wires. Comparing with it directly would start long paths; the
    registers end them.

    Parameters
    ----------
    m
        Module that the logic is added to.
    size
        Number of positions, 1 or more; constant after the restart.
    name
        Prefix of the signals' names.

    Attributes
    ----------
    value : Signal
        The position.
    first, last : Signal
        The position is 0, or ``size - 1``; undefined before the first restart.
    next_first, next_last : Value
        The same for the position that `advance` goes to.
    """

    def __init__(self, m: Module, size: Value, name: str):
        self.value = Signal.like(size, name=name)
        self.first = Signal(name=f"{name}_first")
        self.last = Signal(name=f"{name}_last")
        self._size = size
        self._single = Signal(name=f"{name}_single")
        self._penultimate = Signal.like(size, name=f"{name}_penultimate")
        m.d.sync += [self._single.eq(size == 1), self._penultimate.eq(size - 2)]
        self.next_first: Value = self.last
        self.next_last = Mux(self.last, self._single, self.value == self._penultimate)

    def restart(self) -> list:
        """Go to the first position; the next step must come at least a cycle later."""
        return [self.value.eq(0), self.first.eq(1), self.last.eq(self._size == 1)]

    def advance(self) -> list:
        """Go to the next position; after the last, to the first."""
        return [
            self.value.eq(Mux(self.last, 0, self.value + 1)),
            self.first.eq(self.next_first),
            self.last.eq(self.next_last),
        ]
