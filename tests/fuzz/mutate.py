"""Corrupt bytes, JSON values and tensors."""

from __future__ import annotations

import json
import struct
import zlib
from random import Random
from typing import Any

import numpy as np

SMALL = (0, 1, 2, 3, 7, 8, 16, 127, 128, 255, 256, 4096)
NUMBERS = (*SMALL, *((1 << bits) - low for bits in (15, 16, 24, 31, 32) for low in (0, 1)))
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 255, 10**6, 10**18, 10**30, 0.5, -1e300, 1e999, float("nan")),
    *("", "x", "1", "é", "\ud800", "x" * 5000, "\n\x1b[1m"),
    *([], {}, [[]], [None], {"": 0}, [1, "a"], [0] * 300),
)


def damaged(rng: Random, content: bytes, others: list[bytes]) -> bytes:
    """Apply a few random changes; parts of ``others`` may be spliced in."""
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        content = rng.choice(_CHANGES)(rng, content, others)
    return fixed_png(content) if rng.random() < 0.7 else content


def _flip(rng: Random, content: bytes, others: list[bytes]) -> bytes:
    changed = bytearray(content)
    for _ in range(min(len(changed), rng.choice((1, 1, 2, 5, 30)))):
        changed[_position(rng, content)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _number(rng: Random, content: bytes, others: list[bytes]) -> bytes:
    size = rng.choice((1, 2, 4, 8))
    order = rng.choice(("little", "big"))
    value = rng.choice(NUMBERS) & ((1 << 8 * size) - 1)
    position = _position(rng, content)
    return content[:position] + value.to_bytes(size, order) + content[position + size :]


def _cut(rng: Random, content: bytes, others: list[bytes]) -> bytes:
    return content[: _position(rng, content)]


def _remove(rng: Random, content: bytes, others: list[bytes]) -> bytes:
    position = _position(rng, content)
    return content[:position] + content[position + rng.choice((1, 2, 4, 30)) :]


def _insert(rng: Random, content: bytes, others: list[bytes]) -> bytes:
    position = _position(rng, content)
    new = rng.choice((bytes(9), b"\xff" * 5, rng.randbytes(6), b"[" * 3000, content[:40]))
    return content[:position] + new + content[position:]


def _splice(rng: Random, content: bytes, others: list[bytes]) -> bytes:
    other = rng.choice(others)
    return content[: _position(rng, content)] + other[_position(rng, other) :]


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


def _position(rng: Random, content: bytes) -> int:
    """A random position; half of them are in the first 120 bytes, where headers are."""
    end = len(content) if rng.random() < 0.5 else min(len(content), 120)
    return rng.randrange(max(end, 1)) if content else 0


def fixed_png(content: bytes) -> bytes:
    """Correct the checksums of a corrupted PNG, so that decoders read its chunks."""
    signature = b"\x89PNG\r\n\x1a\n"
    if not content.startswith(signature):
        return content
    patched, position = bytearray(content), len(signature)
    while position + 12 <= len(patched):
        (size,) = struct.unpack_from(">I", patched, position)
        end = position + 8 + size
        if end + 4 > len(patched):
            break
        struct.pack_into(">I", patched, end, zlib.crc32(patched[position + 4 : end]))
        position = end + 4
    return bytes(patched)


def damaged_value(rng: Random, value: Any) -> Any:
    """Replace, remove or add one JSON value at a random depth."""
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
        position = rng.randrange(len(items))
        match rng.randrange(8):
            case 0:
                del items[position]
            case 1:
                items.append(items[position])
            case 2:
                items[position] = rng.choice(VALUES)
            case _:
                items[position] = damaged_value(rng, items[position])
        return items
    return rng.choice(VALUES)


def json_of(rng: Random, value: Any) -> bytes:
    """Serialise corrupted values, or corrupt the JSON text."""
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


def damage_tensor(rng: Random, tensors: dict[str, Any]) -> None:
    """Remove, add or change one tensor."""
    name = rng.choice(list(tensors))
    tensor = tensors[name]
    match rng.randrange(6):
        case 0:
            del tensors[name]
        case 1:
            tensors["more"] = tensor
        case 2:
            tensors[name] = tensor.astype(rng.choice((np.float32, np.int64, np.bool_, np.uint8)))
        case 3:
            tensors[name] = tensor[..., :0] if tensor.ndim else tensor
        case 4:
            tensors[name] = np.full_like(tensor, rng.choice((0, 1, 127)))
        case _:
            flat = tensor.copy().reshape(-1)
            flat[rng.randrange(flat.size)] = (
                rng.choice((0, -1, 127)) if flat.dtype.kind == "i" else 0
            )
            tensors[name] = flat.reshape(tensor.shape)


KINDS = {
    **{"int8": "I8", "int32": "I32", "int64": "I64", "uint8": "U8", "uint16": "U16"},
    **{"bool": "BOOL", "float32": "F32", "float64": "F64"},
}
"""Names of types in a safetensors file."""


def container(tensors: dict[str, Any], metadata: dict[str, str]) -> bytes:
    """A safetensors file; the library's own writer does not always give the same bytes."""
    header: dict[str, Any] = {"__metadata__": metadata}
    content = b""
    for name, tensor in sorted(tensors.items()):
        start, content = len(content), content + tensor.tobytes()
        span = [start, len(content)]
        kind = KINDS[str(tensor.dtype)]
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": span}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content
