"""Compares a target's results with the golden model, word by word, outside the simulator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sw_model.spec.packing import WORD_BITS

Words = npt.NDArray[np.uint64]
_NIBBLES_PER_WORD = WORD_BITS // 4
_UNKNOWN, _INVALID = 16, 17
_NIBBLE = np.full(256, _INVALID, dtype=np.uint8)
_NIBBLE[list(b"0123456789abcdef")] = range(16)
_NIBBLE[list(b"xXzZ")] = _UNKNOWN


@dataclass(frozen=True, kw_only=True)
class Trace:
    """Event words in the order in which a target wrote them.

    Attributes
    ----------
    layers
        (N,) int64: the layer of each word, -1 if it has unknown bits (x or z).
    words
        (N, ceil(C / 64)) uint64, unknown bits 0.
    unknown
        (N, ceil(C / 64)) uint64: 1 for each unknown bit.
    """

    layers: npt.NDArray[np.int64]
    words: Words
    unknown: Words


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """The first difference between golden model and target.

    Attributes
    ----------
    layer
        Spiking layer, 0 the encoding layer; None for a denoised pixel.
    y, x, t, channel
        Its position; None for a coordinate that it does not have.
    golden, target
        Both values: 0 or 1, "x" if unknown; a grey level; "no word" on one side if a word is
        missing or unexpected.
    """

    layer: int | None
    y: int | None
    x: int | None
    t: int | None
    channel: int | None
    golden: int | str
    target: int | str

    def __str__(self) -> str:
        parts = [
            f"{name} {value}"
            for name, value in (
                ("layer", self.layer),
                ("y", self.y),
                ("x", self.x),
                ("t", self.t),
                ("channel", self.channel),
            )
            if value is not None
        ]
        if self.layer is None:
            parts.insert(0, "denoised pixel")
        return f"{', '.join(parts)}: golden {self.golden}, target {self.target}"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Numbers of compared values and mismatches, and the first difference.

    Attributes
    ----------
    words, pixels
        Number of event words of all spiking layers, and of denoised pixels, in the golden model.
    mismatches
        Number of words and pixels that differ, are missing or are unexpected.
    """

    words: int
    pixels: int
    mismatches: int
    first: Mismatch | None


def trace_line_length(*, channels: int, layer_bits: int) -> int:
    """Number of characters in a line of a trace: layer, space, word, newline."""
    return -(-layer_bits // 4) + 1 + -(-channels // 4) + 1


def parse_trace(lines: bytes, *, channels: int, layer_bits: int) -> Trace:
    """Parse one frame's lines ``layer word``, both hexadecimal with leading zeros.

    An incomplete last line, from a simulator that was stopped, is ignored.

    Raises
    ------
    ValueError
        A line has another format.
    """
    length = trace_line_length(channels=channels, layer_bits=layer_bits)
    layer_digits = -(-layer_bits // 4)
    count = len(lines) // length
    text = np.frombuffer(lines, dtype=np.uint8, count=count * length).reshape(count, length)
    if (text[:, layer_digits] != ord(" ")).any() or (text[:, -1] != ord("\n")).any():
        raise ValueError(f"the trace's lines are not a layer and a word of {channels} channels")
    layers, layers_unknown = _hexadecimal(text[:, :layer_digits])
    words, unknown = _hexadecimal(text[:, layer_digits + 1 : -1])
    return Trace(
        layers=np.where(layers_unknown[:, 0] != 0, -1, layers[:, 0].astype(np.int64)),
        words=words,
        unknown=unknown,
    )


def compare(
    golden: Sequence[Words],
    denoised: npt.NDArray[np.integer],
    trace: Trace,
    pixels: npt.NDArray[np.integer],
) -> Comparison:
    """Compare a frame.

    Parameters
    ----------
    golden
        The golden model's event words of each spiking layer, (H, W, T, ceil(C / 64)).
    denoised
        (H, W): the golden model's picture.
    trace
        The target's event words.
    pixels
        (N,): the target's denoised pixels, -1 where unknown; H * W of them if complete.
    """
    mismatches, first = 0, None
    for layer, expected in enumerate(golden):
        selected = trace.layers == layer
        count, found = _compare_layer(
            layer, expected, trace.words[selected], trace.unknown[selected]
        )
        mismatches += count
        first = first or found
    unexpected = ~np.isin(trace.layers, range(len(golden)))
    if unexpected.any():
        mismatches += int(unexpected.sum())
        layer = int(trace.layers[unexpected][0])
        first = first or Mismatch(
            layer=layer, y=None, x=None, t=None, channel=None, golden="no word", target="a word"
        )
    count, found = _compare_pixels(denoised, pixels)
    return Comparison(
        words=sum(words[..., 0].size for words in golden),
        pixels=denoised.size,
        mismatches=mismatches + count,
        first=first or found,
    )


def _compare_layer(
    layer: int, expected: Words, words: Words, unknown: Words
) -> tuple[int, Mismatch | None]:
    """Number of wrong words and the first of them."""
    shape = expected.shape[:3]
    expected = expected.reshape(-1, expected.shape[-1])
    both = min(len(expected), len(words))
    difference = (expected[:both] ^ words[:both]) | unknown[:both]
    wrong = np.flatnonzero(difference.any(axis=1))
    count = len(wrong) + abs(len(expected) - len(words))
    if len(wrong):
        index = int(wrong[0])
        channel = _lowest_bit(difference[index])
        y, x, t = (int(i) for i in np.unravel_index(index, shape))
        target = "x" if _bit(unknown[index], channel) else _bit(words[index], channel)
        return count, Mismatch(
            layer=layer,
            y=y,
            x=x,
            t=t,
            channel=channel,
            golden=_bit(expected[index], channel),
            target=target,
        )
    if len(words) < len(expected):
        y, x, t = (int(i) for i in np.unravel_index(both, shape))
        return count, Mismatch(
            layer=layer, y=y, x=x, t=t, channel=None, golden="a word", target="no word"
        )
    if len(words) > len(expected):
        extra = f"{len(words) - len(expected)} words more"
        return count, Mismatch(
            layer=layer, y=None, x=None, t=None, channel=None, golden="no word", target=extra
        )
    return 0, None


def _compare_pixels(
    expected: npt.NDArray[np.integer], pixels: npt.NDArray[np.integer]
) -> tuple[int, Mismatch | None]:
    golden = expected.reshape(-1).astype(np.int64)
    both = min(len(golden), len(pixels))
    wrong = np.flatnonzero(golden[:both] != pixels[:both])
    count = len(wrong) + abs(len(golden) - len(pixels))
    if not count:
        return 0, None
    index = int(wrong[0]) if len(wrong) else both
    value = golden[index] if index < len(golden) else "no pixel"
    target = pixels[index] if index < len(pixels) else "no pixel"
    y, x = divmod(index, expected.shape[1])
    return count, Mismatch(
        layer=None,
        y=y,
        x=x,
        t=None,
        channel=None,
        golden=value if isinstance(value, str) else int(value),
        target=target if isinstance(target, str) else "x" if target < 0 else int(target),
    )


def _hexadecimal(text: npt.NDArray[np.uint8]) -> tuple[Words, Words]:
    """Numbers and their unknown bits, (N, 64-bit words), from (N, digits) characters."""
    count, digits = text.shape
    size = -(-digits // _NIBBLES_PER_WORD)
    nibbles = np.zeros((count, size * _NIBBLES_PER_WORD), dtype=np.uint8)
    nibbles[:, size * _NIBBLES_PER_WORD - digits :] = _NIBBLE[text]
    if (nibbles == _INVALID).any():
        raise ValueError("the trace has a character that is not a hexadecimal digit")
    # Digits come most significant first, words least significant first.
    nibbles = nibbles.reshape(count, size, _NIBBLES_PER_WORD)[:, ::-1, ::-1].astype(np.uint64)
    shifts = np.arange(_NIBBLES_PER_WORD, dtype=np.uint64) * np.uint64(4)
    unknown = nibbles == _UNKNOWN
    value = np.where(unknown, np.uint64(0), nibbles) << shifts
    mask = np.where(unknown, np.uint64(15), np.uint64(0)) << shifts
    return (
        np.bitwise_or.reduce(value, axis=-1),
        np.bitwise_or.reduce(mask, axis=-1),
    )


def _lowest_bit(word: Words) -> int:
    return next(channel for channel in range(word.size * WORD_BITS) if _bit(word, channel))


def _bit(word: Words, channel: int) -> int:
    return int(word[channel // WORD_BITS]) >> (channel % WORD_BITS) & 1
