"""What the components must give, in plain integers, from the texts in `sw_model.spec`.

Nothing here is shared with the golden model or with the RTL, so that a mistake in either cannot
hide: shifts are written as floor divisions, sums as loops over taps.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sw_model.spec import KERNEL, TAPS, NeuronSpec

Position = tuple[int, int, int]
"""y, x and timestep."""


def signed(value: int, bits: int) -> int:
    """The two's-complement number that the low ``bits`` of ``value`` stand for."""
    value %= 1 << bits
    return value - (1 << bits) if value >> (bits - 1) else value


def signed_limits(bits: int) -> tuple[int, int]:
    """Smallest and largest two's-complement number."""
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


def pack(values: Sequence[int], bits: int) -> int:
    """Values side by side, the first in the least significant bits."""
    return sum((value % (1 << bits)) << (bits * index) for index, value in enumerate(values))


def unpack(word: int, bits: int, count: int) -> list[int]:
    """Inverse of `pack` for signed values."""
    return [signed(word >> (bits * index), bits) for index in range(count)]


def raster(height: int, width: int, steps: int) -> Iterator[Position]:
    """The order in which words travel: rows, then columns, time innermost."""
    return ((y, x, t) for y in range(height) for x in range(width) for t in range(steps))


def flush_words(width: int, steps: int) -> int:
    """Words of zeros behind a frame: one row and one pixel."""
    return (width + 1) * steps


class Event(NamedTuple):
    """A channel number, or the beat of a zero word, whose channel says nothing."""

    channel: int
    present: int
    last: int


def events_of(word: int, final: int) -> list[Event]:
    """A word's set bits in ascending order; a zero word costs a beat as well."""
    channels = [channel for channel in range(word.bit_length()) if word & (1 << channel)]
    if not channels:
        return [Event(0, 0, final)]
    return [Event(c, 1, int(c == channels[-1]) & final) for c in channels]


class Beat(NamedTuple):
    """A row of weights that the synapse array adds."""

    weights: list[int]
    last: int = 0
    first: int = 0  # of a word that counts half of those before it

    def apply(self, accumulators: Sequence[int]) -> list[int]:
        """The accumulators after this beat."""
        worth = 2 if self.first else 1
        pairs = zip(accumulators, self.weights, strict=True)
        return [worth * old + weight for old, weight in pairs]


def sums_of(beats: Sequence[Beat]) -> list[list[int]]:
    """What the accumulators hold after every last beat, having started from zero."""
    sums, accumulators = [], None
    for beat in beats:
        accumulators = beat.apply(accumulators or [0] * len(beat.weights))
        if beat.last:
            sums.append(accumulators)
            accumulators = None
    return sums


def convolved(
    taps: dict[Position, list[int]], height: int, width: int, steps: int, channels: int
) -> list[list[int]]:
    """Sums over the nine taps that reach each pixel; what lies outside of the frame is zero."""
    sums = []
    for y, x, t in raster(height, width, steps):
        total = [0] * channels
        for tap in range(TAPS):
            ky, kx = divmod(tap, KERNEL)
            source = taps.get((y + ky - 1, x + kx - 1, t))
            if source is not None and y + ky - 1 < height:
                for channel in range(channels):
                    total[channel] += source[tap * channels + channel]
        sums.append(total)
    return sums


def rounding_shift(value: int, shift: int) -> int:
    """A division by 2^shift that rounds to the nearest integer, halves upwards."""
    return (2 * value + 2**shift) // 2 ** (shift + 1) if shift else value


class Step(NamedTuple):
    """A neuron's timestep: the membrane before the comparison, its result, the new membrane."""

    charged: int
    spike: int
    membrane: int


def charge(neuron: NeuronSpec, membrane: int, weighted: int) -> int:
    """The membrane after leak and current; ``weighted`` is the weighted sum plus bias."""
    leak = 0 if neuron.leak is None else membrane // 2**neuron.leak
    return membrane - leak + weighted * 2**neuron.fractional_bits


def neuron_step(neuron: NeuronSpec, membrane: int, weighted: int, threshold: int) -> Step:
    """One timestep of `sw_model.spec.neuron.EQUATION`."""
    charged = charge(neuron, membrane, weighted)
    if charged < threshold:
        return Step(charged, 0, charged)
    return Step(charged, 1, 0 if neuron.reset == "hard" else charged - threshold)


def random_word(rng: random.Random, bits: int) -> int:
    """An event word: empty, full, a single spike, or spikes of any density."""
    density = rng.choice([0.0, 1.0, None, rng.random()])
    if density is None:
        return 1 << rng.randrange(bits)
    return sum(1 << bit for bit in range(bits) if rng.random() < density)


def random_signed(rng: random.Random, bits: int) -> int:
    """A number of ``bits`` bits, often one of the largest or smallest."""
    low, high = signed_limits(bits)
    return rng.choice([low, high, 0, -1, rng.randint(low, high), rng.randint(low, high)])
