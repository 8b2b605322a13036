"""Places in a row, or rows in a frame."""

from amaranth.hdl import Module, Mux, Signal, Value


class PlaceCounter:
    """Counts from 0 to a size less one and knows first and last place from registers.

    A comparison with the size, which comes over long wires, would be at the beginning of long
    paths; here it is at the end of short ones.

    Parameters
    ----------
    m
        Where the logic goes.
    size
        Places, 1 or more; constant from the restart on.
    name
        Of its signals.

    Attributes
    ----------
    value : Signal
        The place.
    first, last : Signal
        It is 0, or the size less one; neither is told before the first restart.
    next_first, next_last : Value
        The same of the place that `advance` goes to.
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
        """Go to the first place; the next step comes a cycle later at the soonest."""
        return [self.value.eq(0), self.first.eq(1), self.last.eq(self._size == 1)]

    def advance(self) -> list:
        """Go to the next place, from the last to the first."""
        return [
            self.value.eq(Mux(self.last, 0, self.value + 1)),
            self.first.eq(self.next_first),
            self.last.eq(self.next_last),
        ]
