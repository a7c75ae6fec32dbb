"""A small vector language: arithmetic on SIMD registers, written as LLVM IR.

numba compiles loops and leaves it to LLVM to find the vectors in them. For a fast
Fourier transform that search fails where it matters: transposing a tile inside the
registers, keeping sixteen complex numbers out of memory, joining two transforms in
one loop. Here the vectors are explicit: ``Lanes`` is one register (or as many as
the machine needs to hold ``n`` float32), ``Pair`` a complex number per lane as two
of them. Both only record instructions, while numba compiles an ``@intrinsic``.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from numba.core import cgutils

FLOAT = ir.FloatType()
INT32 = ir.IntType(32)
INT64 = ir.IntType(64)

_FUSE = ("contract", "nsz")  # a·b + c may become one rounding; nothing is reordered


@dataclass(frozen=True, slots=True)
class Lanes:
    """``n`` float32 that are computed on together."""

    builder: Any
    value: Any

    def __add__(self, other: Lanes) -> Lanes:
        return Lanes(
            self.builder, self.builder.fadd(self.value, other.value, "", _FUSE)
        )

    def __sub__(self, other: Lanes) -> Lanes:
        return Lanes(
            self.builder, self.builder.fsub(self.value, other.value, "", _FUSE)
        )

    def __mul__(self, other: Lanes | float) -> Lanes:
        factor = self._constant(other) if isinstance(other, float) else other.value
        return Lanes(self.builder, self.builder.fmul(self.value, factor, "", _FUSE))

    def __neg__(self) -> Lanes:
        return Lanes(self.builder, self.builder.fneg(self.value, _FUSE))

    def minimum(self, other: Lanes) -> Lanes:
        """The smaller of the two, lane by lane."""
        return self._select("<", other)

    def maximum(self, other: Lanes) -> Lanes:
        """The larger of the two, lane by lane."""
        return self._select(">", other)

    def total(self) -> Any:
        """The sum of all lanes, an LLVM float; halves are added pairwise."""
        value, n = self.value, self.value.type.count
        while n > 1:
            n //= 2
            low = _shuffle(self.builder, value, value, range(n))
            high = _shuffle(self.builder, value, value, range(n, 2 * n))
            value = self.builder.fadd(low, high)
        return self.builder.extract_element(value, INT32(0))

    def _select(self, sign: str, other: Lanes) -> Lanes:
        mask = self.builder.fcmp_ordered(sign, self.value, other.value)
        return Lanes(self.builder, self.builder.select(mask, self.value, other.value))

    def _constant(self, x: float) -> Any:
        return ir.Constant(self.value.type, [x] * self.value.type.count)


@dataclass(frozen=True, slots=True)
class Pair:
    """A complex number in every lane, split into real and imaginary part."""

    re: Lanes
    im: Lanes

    def __add__(self, other: Pair) -> Pair:
        return Pair(self.re + other.re, self.im + other.im)

    def __sub__(self, other: Pair) -> Pair:
        return Pair(self.re - other.re, self.im - other.im)

    def times(self, other: Pair) -> Pair:
        """Product of two complex numbers."""
        return Pair(
            self.re * other.re - self.im * other.im,
            self.re * other.im + self.im * other.re,
        )

    def times_conjugate(self, other: Pair) -> Pair:
        """Product with the conjugate of ``other``."""
        return Pair(
            self.re * other.re + self.im * other.im,
            self.im * other.re - self.re * other.im,
        )

    def turned(self, turn: float) -> Pair:
        """Times e^{2πi·turn}; quarter and eighth turns cost less."""
        eighths = round(turn * 8) % 8
        if not math.isclose(turn * 8, round(turn * 8), abs_tol=1e-9):
            c = cmath.exp(2j * math.pi * turn)
            return Pair(
                self.re * c.real - self.im * c.imag,
                self.re * c.imag + self.im * c.real,
            )
        if eighths % 2:
            r = math.sqrt(0.5)
            eighth = Pair((self.re - self.im) * r, (self.re + self.im) * r)
            return eighth.turned((eighths - 1) / 8)
        return (
            self,
            Pair(-self.im, self.re),
            Pair(-self.re, -self.im),
            Pair(self.im, -self.re),
        )[eighths // 2]


@dataclass(frozen=True, slots=True)
class Memory:
    """A float32 array in memory, read and written ``n`` lanes at a time."""

    builder: Any
    base: Any
    lanes: int

    def load(self, offset: Any) -> Lanes:
        """The lanes that begin at element ``offset`` (an LLVM int64)."""
        return Lanes(self.builder, self.builder.load(self._at(offset), align=4))

    def store(self, offset: Any, lanes: Lanes) -> None:
        """Writes the lanes from element ``offset`` on."""
        self.builder.store(lanes.value, self._at(offset), align=4)

    def _at(self, offset: Any) -> Any:
        kind = ir.VectorType(FLOAT, self.lanes)
        return self.builder.bitcast(
            self.builder.gep(self.base, [offset]), kind.as_pointer()
        )


def zero(builder: Any, lanes: int) -> Lanes:
    """All lanes 0.0."""
    return Lanes(builder, ir.Constant(ir.VectorType(FLOAT, lanes), [0.0] * lanes))


@contextmanager
def loop(builder: Any, count: int, step: int = 1) -> Iterator[Any]:
    """A loop; yields 0, step, 2·step … as an LLVM int64, ``count`` of them."""
    with cgutils.for_range(builder, INT64(count)) as counter:
        yield builder.mul(counter.index, INT64(step))


def transpose(rows: Sequence[Lanes]) -> list[Lanes]:
    """A square tile turned over its diagonal within the registers.

    log2(n) rounds; round s exchanges the off-diagonal s × s squares of row pairs
    (i, i + s).
    """
    b, n = rows[0].builder, len(rows)
    out = [r.value for r in rows]
    size = n // 2
    while size:
        upper = [i + (0 if i & size == 0 else n - size) for i in range(n)]
        lower = [i + (size if i & size == 0 else n) for i in range(n)]
        for i in range(n):
            if not i & size:
                top, bottom = out[i], out[i + size]
                out[i] = _shuffle(b, top, bottom, upper)
                out[i + size] = _shuffle(b, top, bottom, lower)
        size //= 2
    return [Lanes(b, v) for v in out]


def _shuffle(builder: Any, a: Any, b: Any, picks: Sequence[int]) -> Any:
    mask = ir.Constant(ir.VectorType(INT32, len(picks)), list(picks))
    return builder.shuffle_vector(a, b, mask)
