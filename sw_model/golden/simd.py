"""Vector code of the event-driven golden model, which keeps in registers what numba would not.

The weights of an event are added to all output channels at once, and the sums stay in registers
from the first event to the last. Vectors have as many lanes as a layer has output channels,
rounded up to a multiple of `CHUNK`; LLVM splits them into those that the processor has.

numba compiles and caches a version for each combination of argument types, so all choices are
types: ``shape`` is a tuple with an integer for each chunk of lanes, and ``lane`` and ``wide`` are
integers of the chosen types. Addresses are integers, as in ``array.ctypes.data``.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba.core import cgutils
from numba.extending import intrinsic

CHUNK = 16
"""Lanes that vectors are rounded up to."""
VERSION = np.zeros(0, [("v" + sha256(Path(__file__).read_bytes()).hexdigest(), np.int8)])
"""An argument of all functions compiled with this module. numba caches compiled code until the
file of its loops changes; the type of this array also changes with this file."""
UNIT = 8
"""Unit of row offsets in bytes: processors multiply an index by this for free."""
ALIGNMENT = 64
"""Bytes of a cache line: vectors that cross one are slow."""
BLOCK = 16
"""Events whose weights are added before the sums are widened."""
WORD = 64
"""Channels of an event word."""

_I1, _I16, _I32, _I64 = map(ir.IntType, (1, 16, 32, 64))
_ADDRESS = numba.types.uintp
_intrinsic: Any = intrinsic  # its type hints lack the arguments


def shape_of(channels: int) -> tuple[int, ...]:
    """The ``shape`` of vectors for so many channels."""
    return (0,) * -(-channels // CHUNK)


# Read once: LLVM takes a lock.
COMPRESSES = bool(get_host_cpu_features().get("avx512vbmi2", False))
"""Whether this processor compresses the selected bytes of a vector in one instruction."""


@_intrinsic
def list_events(
    typing: Any, compress: Any, shape: Any, lane: Any, word: Any, first: Any, events: Any
) -> Any:
    """Append the events of 64 channels to a list of rows of weights, in ascending order.

    Parameters
    ----------
    compress
        A tuple, empty on a processor that `COMPRESSES`; else any other.
    shape, lane
        Types of a row.
    word
        Address of the 64 channels' bits.
    first
        Row of the first channel.
    events
        Address in the list, which has room for 64 more. It holds uint16 offsets of rows from the
        first one, in units of `UNIT` bytes.

    Returns
    -------
    int
        Number of events.
    """

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        word, first, events = args[3:]
        scale = _bytes(_vector(signature.args[1], signature.args[2])) // UNIT
        first = builder.mul(builder.trunc(first, _I16), _I16(scale))
        bits = _load(builder, _I64, word)
        count = builder.ctpop(bits)
        if signature.args[0].count == 0:
            _list_by_compression(builder, bits, count, scale, first, events)
        else:
            _list_one_by_one(builder, bits, scale, first, events)
        return count

    return numba.intp(compress, shape, lane, _ADDRESS, numba.intp, _ADDRESS), generate


@_intrinsic
def sum_events(
    typing: Any,
    shape: Any,
    lane: Any,
    wide: Any,
    events: Any,
    count: Any,
    weights: Any,
    zero_row: Any,
    sums: Any,
) -> Any:
    """Add the listed rows of weights.

    Parameters
    ----------
    shape, lane
        Types of a row. `BLOCK` rows are added in ``lane``.
    wide
        Type of the sums.
    events, count
        Address of the list of rows, and its length. It is padded to whole blocks.
    weights
        Address of the rows.
    zero_row
        Number of a row of zeros.
    sums
        Address that the sums, (lanes,), are stored at.
    """

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        lane, wide = signature.args[1:3]
        narrow_type, wide_type = (_vector(signature.args[0], kind) for kind in (lane, wide))
        events, count, weights, zero_row, sums = args[3:]
        last = builder.mul(builder.trunc(zero_row, _I16), _I16(_bytes(narrow_type) // UNIT))
        filling = _splat(builder, last, ir.VectorType(_I16, BLOCK))
        _store(builder, filling, builder.add(events, builder.shl(count, _I64(1))))
        short = builder.add(count, _I64(BLOCK - 1))
        blocks = builder.udiv(short, _I64(BLOCK))
        total = _alloca(builder, wide_type)
        builder.store(wide_type(None), total)
        with _Loop(builder, blocks) as index:
            start = builder.add(events, builder.mul(index, _I64(2 * BLOCK)))
            values = []
            for event in range(BLOCK):
                row = _load(builder, _I16, builder.add(start, _I64(2 * event)))
                offset = builder.mul(builder.zext(row, _I64), _I64(UNIT))
                values.append(_load(builder, narrow_type, builder.add(weights, offset)))
            part = _tree(builder, values)
            if narrow_type != wide_type:
                part = builder.sext(part, wide_type)
            builder.store(builder.add(builder.load(total), part), total)
        _store(builder, builder.load(total), sums)
        return context.get_dummy_value()

    addresses = (_ADDRESS, numba.intp, _ADDRESS, numba.intp, _ADDRESS)
    arguments = (shape, lane, wide, *addresses)
    return numba.void(*arguments), generate


@_intrinsic
def fire_word(
    typing: Any,
    shape: Any,
    lane: Any,
    sums: Any,
    bias: Any,
    threshold: Any,
    before: Any,
    after: Any,
    fraction: Any,
    leak: Any,
    leaky: Any,
    hard: Any,
    word: Any,
) -> Any:
    """One timestep of `sw_model.spec.neuron.EQUATION` in all neurons of a pixel.

    Parameters
    ----------
    shape, lane
        Types of all numbers of a neuron.
    sums
        Address of the neurons' sums over the taps, (lanes,).
    bias, threshold
        Addresses of (lanes,).
    before, after
        Addresses that the membranes, (lanes,), are read from and stored at.
    fraction, leak
        Shifts.
    leaky, hard
        Whether there is a leak, and whether the reset is hard.
    word
        Address that the event word is stored at, a bit per lane; bits beyond the lanes stay.
    """

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        vector = _vector(*signature.args[:2])
        sums, bias, threshold, before, after, fraction, leak, leaky, hard, word = args[2:]
        fraction, leak = (
            _splat(builder, builder.trunc(shift, vector.element), vector)
            for shift in (fraction, leak)
        )
        total = builder.add(_load(builder, vector, sums), _load(builder, vector, bias))
        membrane = _load(builder, vector, before)
        lost = builder.ashr(membrane, leak)
        kept = builder.select(leaky, builder.sub(membrane, lost), membrane)
        charged = builder.add(kept, builder.shl(total, fraction))
        limit = _load(builder, vector, threshold)
        spikes = builder.icmp_signed(">=", charged, limit)
        reset = builder.select(hard, vector(None), builder.sub(charged, limit))
        _store(builder, builder.select(spikes, reset, charged), after)
        _store(builder, builder.bitcast(spikes, ir.IntType(vector.count)), word)
        return context.get_dummy_value()

    kind = (numba.int64, numba.int64, numba.boolean, numba.boolean)
    arguments = (shape, lane, *(_ADDRESS,) * 5, *kind, _ADDRESS)
    return numba.void(*arguments), generate


def _list_by_compression(
    builder: ir.IRBuilder, bits: Any, count: Any, scale: int, first: Any, events: Any
) -> None:
    octets = ir.VectorType(ir.IntType(8), WORD)
    mask = builder.bitcast(bits, ir.VectorType(_I1, WORD))
    compress = cgutils.get_or_insert_function(
        builder.module,
        ir.FunctionType(octets, [octets, mask.type, octets]),
        f"llvm.experimental.vector.compress.v{WORD}i8",
    )
    channels = builder.call(compress, [octets(list(range(WORD))), mask, octets(ir.Undefined)])
    # Long stores that cross cache lines are slow, and most words have few events.
    rows = ir.VectorType(_I16, CHUNK)
    base = _splat(builder, first, rows)
    for start in range(0, WORD, CHUNK):
        with builder.if_then(builder.icmp_unsigned(">", count, _I64(start))):
            positions = ir.VectorType(_I32, CHUNK)(list(range(start, start + CHUNK)))
            part = builder.shuffle_vector(channels, octets(ir.Undefined), positions)
            distance = builder.mul(builder.zext(part, rows), rows([scale] * CHUNK))
            _store(builder, builder.add(distance, base), builder.add(events, _I64(2 * start)))


def _list_one_by_one(builder: ir.IRBuilder, bits: Any, scale: int, first: Any, events: Any) -> None:
    left, end = _alloca(builder, _I64), _alloca(builder, _I64)
    builder.store(bits, left)
    builder.store(events, end)
    head, body, done = (builder.append_basic_block(name) for name in ("head", "body", "done"))
    builder.branch(head)
    builder.position_at_end(head)
    now = builder.load(left)
    builder.cbranch(builder.icmp_unsigned("!=", now, _I64(0)), body, done)
    builder.position_at_end(body)
    channel = builder.trunc(builder.cttz(now, _I1(1)), _I16)
    at = builder.load(end)
    _store(builder, builder.add(builder.mul(channel, _I16(scale)), first), at)
    builder.store(builder.add(at, _I64(2)), end)
    builder.store(builder.and_(now, builder.sub(now, _I64(1))), left)
    builder.branch(head)
    builder.position_at_end(done)


class _Loop:
    """``with _Loop(builder, count) as index``: the code built inside runs ``count`` times."""

    def __init__(self, builder: ir.IRBuilder, count: Any) -> None:
        self._builder = builder
        self._index = _alloca(builder, _I64)
        builder.store(_I64(0), self._index)
        self._head, body, self._done = (
            builder.append_basic_block(name) for name in ("head", "body", "done")
        )
        builder.branch(self._head)
        builder.position_at_end(self._head)
        self._now = builder.load(self._index)
        builder.cbranch(builder.icmp_signed("<", self._now, count), body, self._done)
        builder.position_at_end(body)

    def __enter__(self) -> Any:
        return self._now

    def __exit__(self, *error: object) -> None:
        self._builder.store(self._builder.add(self._now, _I64(1)), self._index)
        self._builder.branch(self._head)
        self._builder.position_at_end(self._done)


def _tree(builder: ir.IRBuilder, values: list[Any]) -> Any:
    """Add values in a tree, which is faster than a chain on processors with several adders."""
    while len(values) > 1:
        pairs = zip(values[::2], values[1::2], strict=False)
        odd = values[len(values) // 2 * 2 :]
        values = [builder.add(*pair) for pair in pairs] + odd
    return values[0]


def _alloca(builder: ir.IRBuilder, kind: ir.Type) -> Any:
    """A variable of the function; LLVM turns it into registers."""
    with builder.goto_entry_block():
        return builder.alloca(kind)


def _vector(shape: Any, lane: Any) -> ir.VectorType:
    """Vector type for the types of ``shape`` and of a lane."""
    return ir.VectorType(ir.IntType(lane.bitwidth), CHUNK * shape.count)


def _bytes(vector: ir.VectorType) -> int:
    return vector.count * vector.element.width // 8


def _load(builder: ir.IRBuilder, kind: ir.Type, address: Any) -> Any:
    pointer = builder.inttoptr(address, ir.PointerType(kind))
    return builder.load(pointer, align=1)


def _store(builder: ir.IRBuilder, value: Any, address: Any) -> None:
    pointer = builder.inttoptr(address, ir.PointerType(value.type))
    builder.store(value, pointer, align=1)


def _splat(builder: ir.IRBuilder, value: Any, vector: ir.VectorType) -> Any:
    first = builder.insert_element(vector(ir.Undefined), value, _I32(0))
    order = ir.VectorType(_I32, vector.count)(None)
    return builder.shuffle_vector(first, vector(ir.Undefined), order)
