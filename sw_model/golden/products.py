"""Vector code of the few-spike code: products of bytes, summed in registers.

As in `sw_model.golden.simd`, all choices are types: ``method`` and ``steps`` are tuples whose
lengths say which, ``pixels`` one of as many integers as pixels are worked on at once, ``shape``
one with an integer for each `CHUNK` lanes. Addresses are integers.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from llvmlite.binding import get_host_cpu_features, initialize_native_asmparser
from numba.core import cgutils

from . import simd
from .simd import CHUNK

GROUP = 4
"""Bytes whose products go into one sum of 32 bits at once."""
PLAIN, PAIRS, QUADS = (), (0,), (0, 0)
"""Values of ``method``: four multiplications of 32 bits, AVX2's products of pairs, VNNI's of four
bytes. All three give the same integers; the second only up to `PAIR_LIMIT`."""
PAIR_LIMIT = int(np.iinfo(np.int16).max)
"""Largest sum of two products that AVX2 keeps."""
VERSION = np.zeros(
    0,
    [("v" + sha256(Path(__file__).read_bytes()).hexdigest(), np.int8), ("of", simd.VERSION.dtype)],
)
"""As `sw_model.golden.simd.VERSION`, of both files."""

_FEATURES = get_host_cpu_features()
initialize_native_asmparser()  # for `_quads`; numba needs none itself
_I8, _I16, _I32, _I64 = map(ir.IntType, (8, 16, 32, 64))
_ADDRESS = numba.types.uintp
_LANES = ir.VectorType(_I32, CHUNK)


def best_method() -> tuple[int, ...]:
    """The fastest ``method`` of this processor."""
    if _FEATURES.get("avx512vnni"):
        return QUADS
    return PAIRS if _FEATURES.get("avx2") else PLAIN


def pixels_of(method: tuple[int, ...], chunks: int) -> tuple[int, ...]:
    """As many pixels as the sums of so many chunks of lanes leave registers for."""
    registers = 24 if method == QUADS else 4
    return (0,) * max(1, registers // chunks)


def chunks_at_once(method: tuple[int, ...], chunks: int) -> int:
    """How many of a layer's chunks of lanes are summed in one pass; a divisor of ``chunks``."""
    most = 4 if method == QUADS else 1
    return max(count for count in range(1, most + 1) if chunks % count == 0)


@simd._intrinsic
def sum_products(
    typing: Any,
    method: Any,
    pixels: Any,
    shape: Any,
    source: Any,
    pitch: Any,
    row: Any,
    groups: Any,
    weights: Any,
    sums: Any,
) -> Any:
    """Sums of weight times value over three by three pixels, of neighbouring pixels at once.

    Parameters
    ----------
    source
        Address of the values, uint8, of the first pixel's neighbour above and to the left.
    pitch, row
        Bytes from a pixel to the next one, and from a row to the next one.
    groups
        `GROUP` s of bytes in three neighbouring pixels.
    weights
        Address of (3, groups, lanes, `GROUP`) int8.
    sums
        Address that (pixels, lanes) int32 are stored at.
    """

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        kind, pixel_tuple, shape_tuple = signature.args[:3]
        source, pitch, row, groups, weights, sums = args[3:]
        multiply = {0: _plain, 1: _pairs, 2: _quads}[kind.count]
        places = [(p, c) for p in range(pixel_tuple.count) for c in range(shape_tuple.count)]
        totals = {place: simd._alloca(builder, _LANES) for place in places}
        for total in totals.values():
            builder.store(_LANES(None), total)
        bytes_of_group = GROUP * CHUNK * shape_tuple.count
        with simd._Loop(builder, _I64(3)) as line:
            values = builder.add(source, builder.mul(line, row))
            rows = builder.mul(builder.mul(line, groups), _I64(bytes_of_group))
            first = builder.add(weights, rows)
            with simd._Loop(builder, groups) as group:
                place = builder.add(first, builder.mul(group, _I64(bytes_of_group)))
                vectors = [
                    simd._load(builder, _LANES, builder.add(place, _I64(GROUP * CHUNK * chunk)))
                    for chunk in range(shape_tuple.count)
                ]
                address = builder.add(values, builder.mul(group, _I64(GROUP)))
                for p in range(pixel_tuple.count):
                    four = simd._load(builder, _I32, address)
                    spread = simd._splat(builder, four, _LANES)
                    for chunk, vector in enumerate(vectors):
                        total = totals[p, chunk]
                        builder.store(multiply(builder, builder.load(total), spread, vector), total)
                    address = builder.add(address, pitch)
        for index, place in enumerate(places):
            at = builder.add(sums, _I64(4 * CHUNK * index))
            simd._store(builder, builder.load(totals[place]), at)
        return context.get_dummy_value()

    addresses = (_ADDRESS, numba.intp, numba.intp, numba.intp, _ADDRESS, _ADDRESS)
    return numba.void(method, pixels, shape, *addresses), generate


@simd._intrinsic
def fire_values(
    typing: Any,
    shape: Any,
    steps: Any,
    sums: Any,
    constants: Any,
    lanes: Any,
    target: Any,
    words: Any,
    step_bytes: Any,
) -> Any:
    """The T steps of `sw_model.spec.neuron.BINARY_EQUATION` in the neurons of a pixel.

    Parameters
    ----------
    steps
        A tuple of T integers.
    sums
        Address of the neurons' sums, (lanes,) int32.
    constants
        Address of (1 + T, ``lanes``) int32: what a membrane starts with, and its limits from the
        most significant spike to the least.
    lanes
        Of a row of constants.
    target
        Address that the values, (lanes,) uint8, are stored at.
    words
        Address of the first step's event word, of which each lane sets a bit.
    step_bytes
        Bytes from a step's words to the next step's.
    """

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        chunks, steps = (kind.count for kind in signature.args[:2])
        sums, constants, lanes, target, words, step_bytes = args[2:]
        line = builder.mul(lanes, _I64(4))
        for chunk in range(chunks):
            offset = _I64(4 * CHUNK * chunk)
            start = builder.add(constants, offset)
            membrane = builder.add(
                simd._load(builder, _LANES, builder.add(sums, offset)),
                simd._load(builder, _LANES, start),
            )
            value = _LANES(None)
            word = builder.add(words, _I64(CHUNK // 8 * chunk))
            for _ in range(steps):
                start = builder.add(start, line)
                limit = simd._load(builder, _LANES, start)
                spikes = builder.icmp_signed(">=", membrane, limit)
                membrane = builder.select(spikes, builder.sub(membrane, limit), membrane)
                double = builder.add(value, value)
                value = builder.add(double, builder.zext(spikes, _LANES))
                simd._store(builder, builder.bitcast(spikes, _I16), word)
                word = builder.add(word, step_bytes)
            narrow = builder.trunc(value, ir.VectorType(_I8, CHUNK))
            simd._store(builder, narrow, builder.add(target, _I64(CHUNK * chunk)))
        return context.get_dummy_value()

    addresses = (_ADDRESS, _ADDRESS, numba.intp, _ADDRESS, _ADDRESS, numba.intp)
    return numba.void(shape, steps, *addresses), generate


def _plain(builder: ir.IRBuilder, total: Any, values: Any, weights: Any) -> Any:
    for byte in range(GROUP):
        value = builder.and_(builder.lshr(values, _all(8 * byte)), _all(255))
        weight = builder.ashr(builder.shl(weights, _all(24 - 8 * byte)), _all(24))
        total = builder.add(total, builder.mul(value, weight))
    return total


def _pairs(builder: ir.IRBuilder, total: Any, values: Any, weights: Any) -> Any:
    octets, pairs = ir.VectorType(_I8, 2 * CHUNK), ir.VectorType(_I16, CHUNK)
    half = ir.VectorType(_I32, CHUNK // 2)
    bytes_by_bytes = _function(builder, "llvm.x86.avx2.pmadd.ub.sw", pairs, [octets, octets])
    pairs_by_pairs = _function(builder, "llvm.x86.avx2.pmadd.wd", half, [pairs, pairs])
    parts = []
    for start in (0, CHUNK // 2):
        order = half(list(range(start, start + CHUNK // 2)))
        value, weight = (
            builder.bitcast(builder.shuffle_vector(vector, _LANES(ir.Undefined), order), octets)
            for vector in (values, weights)
        )
        two = builder.call(bytes_by_bytes, [value, weight])
        parts.append(builder.call(pairs_by_pairs, [two, pairs([1] * CHUNK)]))
    return builder.add(total, builder.shuffle_vector(*parts, _LANES(list(range(CHUNK)))))


def _quads(builder: ir.IRBuilder, total: Any, values: Any, weights: Any) -> Any:
    # Not LLVM's own function for it, whose types differ from version to version.
    kind = ir.FunctionType(_LANES, [_LANES] * 3)
    code = "vpdpbusd $3, $2, $0"
    return builder.asm(kind, code, "=v,0,v,v", [total, values, weights], side_effect=False)


def _function(builder: ir.IRBuilder, name: str, result: ir.Type, arguments: list[ir.Type]) -> Any:
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, arguments), name)


def _all(number: int) -> ir.Constant:
    return _LANES([number] * CHUNK)
