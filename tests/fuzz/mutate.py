"""Damage to bytes and to JSON values."""

from __future__ import annotations

import json
import struct
import zlib
from random import Random
from typing import Any

SMALL = (0, 1, 2, 3, 7, 8, 16, 127, 128, 255, 256, 4096)
NUMBERS = (*SMALL, *((1 << bits) - low for bits in (15, 16, 24, 31, 32) for low in (0, 1)))
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 255, 10**6, 10**18, 10**30, 0.5, -1e300, 1e999, float("nan")),
    *("", "x", "1", "é", "\ud800", "x" * 5000, "\n\x1b[1m"),
    *([], {}, [[]], [None], {"": 0}, [1, "a"], [0] * 300),
)


def damaged(rng: Random, content: bytes, others: list[bytes]) -> bytes:
    """The content with a few changes of one kind or another; ``others`` are spliced in."""
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        content = rng.choice(_CHANGES)(rng, content, others)
    return fixed_png(content) if rng.random() < 0.7 else content


def _flip(rng: Random, content: bytes, others: list[bytes]) -> bytes:
    changed = bytearray(content)
    for _ in range(min(len(changed), rng.choice((1, 1, 2, 5, 30)))):
        changed[_place(rng, content)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _number(rng: Random, content: bytes, others: list[bytes]) -> bytes:
    size = rng.choice((1, 2, 4, 8))
    order = rng.choice(("little", "big"))
    value = rng.choice(NUMBERS) & ((1 << 8 * size) - 1)
    place = _place(rng, content)
    return content[:place] + value.to_bytes(size, order) + content[place + size :]


def _cut(rng: Random, content: bytes, others: list[bytes]) -> bytes:
    return content[: _place(rng, content)]


def _remove(rng: Random, content: bytes, others: list[bytes]) -> bytes:
    place = _place(rng, content)
    return content[:place] + content[place + rng.choice((1, 2, 4, 30)) :]


def _insert(rng: Random, content: bytes, others: list[bytes]) -> bytes:
    place = _place(rng, content)
    new = rng.choice((bytes(9), b"\xff" * 5, rng.randbytes(6), b"[" * 3000, content[:40]))
    return content[:place] + new + content[place:]


def _splice(rng: Random, content: bytes, others: list[bytes]) -> bytes:
    other = rng.choice(others)
    return content[: _place(rng, content)] + other[_place(rng, other) :]


def _random(rng: Random, content: bytes, others: list[bytes]) -> bytes:
    return content[: rng.choice((0, 4, 8, 16))] + rng.randbytes(rng.choice((0, 1, 20, 300)))


_CHANGES = (
    _flip,
    _flip,
    _flip,
    _number,
    _number,
    _number,
    _cut,
    _remove,
    _insert,
    _splice,
    _random,
)


def _place(rng: Random, content: bytes) -> int:
    """A place, of a header more often than elsewhere."""
    end = len(content) if rng.random() < 0.5 else min(len(content), 120)
    return rng.randrange(max(end, 1)) if content else 0


def fixed_png(content: bytes) -> bytes:
    """A PNG with the checks that its damaged chunks should have, so that they are looked into."""
    signature = b"\x89PNG\r\n\x1a\n"
    if not content.startswith(signature):
        return content
    whole, place = bytearray(content), len(signature)
    while place + 12 <= len(whole):
        (size,) = struct.unpack_from(">I", whole, place)
        end = place + 8 + size
        if end + 4 > len(whole):
            break
        struct.pack_into(">I", whole, end, zlib.crc32(whole[place + 4 : end]))
        place = end + 4
    return bytes(whole)


def damaged_value(rng: Random, value: Any) -> Any:
    """JSON values of which one, at any depth, is another, gone or more."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        changed = dict(value)
        name = rng.choice(list(changed))
        match rng.randrange(10):
            case 0:
                del changed[name]
            case 1:
                changed["more"] = rng.choice(VALUES)
            case 2 | 3:
                changed[name] = rng.choice(VALUES)
            case _:
                changed[name] = damaged_value(rng, changed[name])
        return changed
    if isinstance(value, list) and value and rng.random() < 0.85:
        items = list(value)
        place = rng.randrange(len(items))
        match rng.randrange(8):
            case 0:
                del items[place]
            case 1:
                items.append(items[place])
            case 2:
                items[place] = rng.choice(VALUES)
            case _:
                items[place] = damaged_value(rng, items[place])
        return items
    return rng.choice(VALUES)


def json_of(rng: Random, value: Any) -> bytes:
    """JSON of damaged values, or damaged JSON."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        value = damaged_value(rng, value)
    content = json.dumps(value).encode()
    match rng.randrange(12):
        case 0:
            return damaged(rng, content, [content])
        case 1:
            deep = rng.choice((40, 60, 990, 100_000))
            return rng.choice((b"[", b'{"a":')) * deep + content
        case 2:
            return content.replace(b"1", rng.choice((b"1e999", b"9" * 5000, b"NaN", b"1" * 40)), 1)
        case _:
            return content
