"""Counting and splitting by a threshold, as SIMD passes for numba.

A power is never negative, so the bits of its float32, read as int32, are in the same
order as the numbers: the search for a threshold runs on integers, without rounding.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from rtdeclip.processors.simd import FLOAT, INT32, INT64, Lanes, loop, zero

_UNROLLED = 4  # accumulators: enough to hide the latency of an addition


def _vector(builder: Any, array: Any, offset: Any, lanes: int, kind: Any) -> Any:
    return builder.bitcast(
        builder.gep(array.data, [offset]), ir.VectorType(kind, lanes).as_pointer()
    )


@intrinsic(prefer_literal=True)
def count_above(typing: Any, lanes: Any, bits: Any, bar: Any) -> Any:
    """How many of ``bits`` are greater than ``bar`` (int32); neither is below −1.

    The sign bit of bar − x is the answer for x: three cheap instructions, where a
    comparison goes through mask registers. The length is read at run time, because
    LLVM unrolls a loop of known length and then spills its sums.

    Args:
        lanes: int32 per register, literal.
        bits: int32 array, its length a multiple of 4 · lanes.
        bar: int32.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v = lanes.literal_value
        kind = ir.VectorType(INT32, v)
        array = make_array(bits)(context, builder, args[1])
        bars = _broadcast(builder, args[2], kind)
        shift = ir.Constant(kind, [31] * v)
        sums = [builder.alloca(kind) for _ in range(_UNROLLED)]
        for total in sums:
            builder.store(ir.Constant(kind, [0] * v), total)
        step = INT64(v * _UNROLLED)
        with cgutils.for_range(builder, builder.sdiv(array.nitems, step)) as counter:
            start = builder.mul(counter.index, step)
            for i, total in enumerate(sums):
                at = builder.add(start, INT64(i * v))
                x = builder.load(_vector(builder, array, at, v, INT32), align=4)
                more = builder.lshr(builder.sub(bars, x), shift)
                builder.store(builder.add(builder.load(total), more), total)
        a, b, c, d = (builder.load(total) for total in sums)
        total = builder.add(builder.add(a, b), builder.add(c, d))
        return builder.sext(_add_lanes(builder, total, v), INT64)

    return types.int64(lanes, bits, types.int32), codegen


@intrinsic(prefer_literal=True)
def split_above(
    typing: Any, size: Any, lanes: Any, power: Any, bar: Any, rest: Any
) -> Any:
    """``rest`` = 0 where ``power``'s bits > ``bar`` (int32), else 1.

    Returns the sum of the power above the bar, float32.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        n, v = size.literal_value, lanes.literal_value
        kind = ir.VectorType(FLOAT, v)
        source = make_array(power)(context, builder, args[2])
        target = make_array(rest)(context, builder, args[4])
        whole = ir.VectorType(INT32, v)
        bars = _broadcast(builder, args[3], whole)
        none, one = ir.Constant(kind, [0.0] * v), ir.Constant(kind, [1.0] * v)
        sums = [builder.alloca(kind) for _ in range(_UNROLLED)]
        for total in sums:
            builder.store(zero(builder, v).value, total)
        with loop(builder, n // (v * _UNROLLED), v * _UNROLLED) as start:
            for i, total in enumerate(sums):
                at = builder.add(start, INT64(i * v))
                x = builder.load(_vector(builder, source, at, v, FLOAT), align=4)
                above = builder.icmp_signed(">", builder.bitcast(x, whole), bars)
                kept = builder.select(above, x, none)
                builder.store(builder.fadd(builder.load(total), kept), total)
                share = builder.select(above, none, one)
                builder.store(share, _vector(builder, target, at, v, FLOAT), align=4)
        a, b, c, d = (builder.load(total) for total in sums)
        total = builder.fadd(builder.fadd(a, b), builder.fadd(c, d))
        return Lanes(builder, total).total()

    return types.float32(size, lanes, power, types.int32, rest), codegen


def _broadcast(builder: Any, scalar: Any, kind: Any) -> Any:
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), scalar, INT32(0))
    everywhere = ir.Constant(ir.VectorType(INT32, kind.count), [0] * kind.count)
    return builder.shuffle_vector(first, first, everywhere)


def _add_lanes(builder: Any, value: Any, n: int) -> Any:
    while n > 1:
        n //= 2
        halves = [
            ir.Constant(ir.VectorType(INT32, n), list(range(i, i + n))) for i in (0, n)
        ]
        low, high = (builder.shuffle_vector(value, value, h) for h in halves)
        value = builder.add(low, high)
    return builder.extract_element(value, INT32(0))
