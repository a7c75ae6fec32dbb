"""The half-bin-shifted, twice redundant Fourier frame, as SIMD passes for numba.

A real frame x of N samples has the coefficients, m = 0 … N − 1,

    (A x)_m = 1/√N · Σ_n x_n · e^{−iπ n (4 m + 1) / (2 N)},

one of each conjugate pair of the DFT of length 2 N of the zero-padded frame, taken
half a bin between its usual frequencies: a Parseval frame (AᵀA = I) without the
special cases at 0 Hz and at half the sample rate. It is one complex FFT of length N
of x_n · e^{−iπ n / (2 N)}; that factor rides on the first butterfly's twiddles.

Nothing is put in order: the forward transform decimates in frequency, the inverse
in time, and ``bin_order`` says which bin stands where. N = R₁ · R₂ … · V: R₁ runs over
the time-side pass (one register row each), R₂ … over the rows, V, the lanes of a
register, over tiles that are transposed in the registers.

A pass of ADMM touches the time side in one loop (``time_pass``: last butterfly of the
inverse, projection, first butterfly of the forward), so an iteration is three passes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.codegen import get_host_cpu_features
from numba.extending import intrinsic
from numba.np.arrayobj import make_array
from numpy.typing import NDArray

from rtdeclip.errors import SettingError
from rtdeclip.processors.simd import (
    FLOAT,
    INT64,
    Lanes,
    Memory,
    Pair,
    loop,
    transpose,
    zero,
)
from rtdeclip.types import Samples

RADICES = {
    256: (4, 4),
    512: (8, 4),
    1024: (8, 8),
    2048: (4, 4, 8),
    4096: (4, 8, 8),
    8192: (8, 8, 8),
    16384: (4, 4, 8, 8),
    32768: (4, 8, 8, 8),
}
"""R₁, R₂ … for 16 lanes, the fastest of each length; 16 would spill registers."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How one transform length is laid out.

    Args:
        size: N, frame length in samples and number of complex coefficients.
        lanes: V, float32 per register.
        radices: R₁, R₂ …; their product times V is N.
    """

    size: int
    lanes: int
    radices: tuple[int, ...]

    @property
    def rows(self) -> int:
        """R₁."""
        return self.radices[0]

    @property
    def length(self) -> int:
        """Samples of one row of the time side: N / R₁."""
        return self.size // self.rows

    @property
    def stride(self) -> int:
        """Floats from row to row: padded, so that rows share no cache set."""
        return self.length + self.lanes

    @property
    def plane(self) -> int:
        """Floats of one padded real array of the time side."""
        return self.rows * self.stride


@cache
def plan_for(size: int, lanes: int) -> Plan:
    """The layout for ``size`` samples.

    Raises:
        SettingError: no kernel has this size.
    """
    if size not in RADICES:
        sizes = ", ".join(map(str, RADICES))
        raise SettingError(f"No transform of {size} samples; choose one of {sizes}.")
    radices = list(RADICES[size])
    spare = 16 // lanes  # fewer lanes: the rest of the last radix is a middle one
    return Plan(size, lanes, tuple(radices + [spare] * (spare > 1)))


def host_lanes() -> int:
    """float32 per register of this machine: 16 (AVX-512), 8 (AVX2) or 4."""
    features = set(get_host_cpu_features().split(","))
    return 16 if "+avx512f" in features else 8 if "+avx2" in features else 4


def tables(plan: Plan) -> Samples:
    """Twiddle factors, ``(n,)`` float32: the time side's, then the middle stages'."""
    n = np.arange(plan.length)
    q = np.arange(plan.rows)[:, None]
    outer = np.exp(-0.5j * np.pi * n * (1 + 4 * q) / plan.size) / math.sqrt(plan.size)
    parts = [np.zeros((2, plan.rows, plan.stride))]
    parts[0][0, :, : plan.length] = outer.real
    parts[0][1, :, : plan.length] = outer.imag
    length = plan.length
    for radix in plan.radices[1:]:
        n, q = np.arange(length // radix), np.arange(1, radix)[:, None]
        w = np.exp(-2j * np.pi * n * q / length)
        parts.append(np.stack([w.real, w.imag], axis=1))  # (q, re | im, n)
        length //= radix
    return np.concatenate([p.ravel() for p in parts]).astype(np.float32)


def bin_order(plan: Plan) -> NDArray[np.int64]:
    """``(size,)`` int64: which bin m stands at each place of the coefficients."""
    digits = [*plan.radices, plan.lanes]
    order = np.zeros(1, np.int64)
    weight = plan.size
    place = np.arange(1)
    for radix in digits:
        weight //= radix
        place = (place[:, None] * radix + np.arange(radix)[None, :]).ravel()
    strides = np.cumprod([1, *digits[:-1]])
    index = np.arange(plan.size)
    bins = np.zeros(plan.size, np.int64)
    for radix, stride in zip(reversed(digits), reversed(strides), strict=True):
        bins += (index % radix) * stride
        index //= radix
    tile = plan.lanes
    return np.ascontiguousarray(
        bins.reshape(-1, tile, tile)
        .transpose(0, 2, 1)
        .reshape(order.shape[0] * plan.size)
    )


def pack(plan: Plan, x: Samples) -> Samples:
    """``(size,)`` samples in the padded rows of the time side."""
    out = np.zeros((plan.rows, plan.stride), np.float32)
    out[:, : plan.length] = x.reshape(plan.rows, plan.length)
    return out.ravel()


def unpack(plan: Plan, rows: Samples) -> Samples:
    """The samples out of the padded rows."""
    return rows.reshape(plan.rows, plan.stride)[:, : plan.length].ravel()


# --- butterflies -------------------------------------------------------------------


def dft(x: list[Pair], sign: int) -> list[Pair]:
    """X_q = Σ_j x_j e^{sign·2πi jq/R}, R a power of two, by radix 4 and 2."""
    n = len(x)
    if n == 1:
        return x
    if n == 2:
        return [x[0] + x[1], x[0] - x[1]]
    if n == 4:
        even, odd = dft(x[::2], sign), dft(x[1::2], sign)
        turned = odd[1].turned(sign / 4)
        return [even[0] + odd[0], even[1] + turned, even[0] - odd[0], even[1] - turned]
    step = 4 if n >= 16 else 2
    columns = [dft(x[j::step], sign) for j in range(step)]
    out: list[Pair] = [x[0]] * n
    for q in range(n // step):
        inner = [columns[j][q].turned(sign * j * q / n) for j in range(step)]
        for p, value in enumerate(dft(inner, sign)):
            out[q + p * (n // step)] = value
    return out


def shifted_dft(x: list[Lanes]) -> list[Pair]:
    """Y_q = Σ_j x_j e^{−iπ j(1+4q)/(2R)} of R real numbers."""
    half = len(x) // 2
    even, odd = [], []
    for j in range(half):
        h = x[j + half] * math.sqrt(0.5)
        even.append(Pair(x[j] + h, -h).turned(-j / (4 * len(x))))
        odd.append(Pair(x[j] - h, h).turned(-5 * j / (4 * len(x))))
    return [y for pair in zip(dft(even, -1), dft(odd, -1), strict=True) for y in pair]


def shifted_dft_adjoint(y: list[Pair]) -> list[Lanes]:
    """x_j = Re Σ_q y_q e^{+iπ j(1+4q)/(2R)}: the transpose of ``shifted_dft``."""
    n = len(y)
    even = [v.turned(j / (4 * n)) for j, v in enumerate(dft(y[::2], 1))]
    odd = [v.turned(5 * j / (4 * n)) for j, v in enumerate(dft(y[1::2], 1))]
    low = [e.re + o.re for e, o in zip(even, odd, strict=True)]
    high = [
        ((e.re - o.re) + (o.im - e.im)) * math.sqrt(0.5)
        for e, o in zip(even, odd, strict=True)
    ]
    return low + high


# --- passes ------------------------------------------------------------------------


class _Passes:
    """Writes the loops of one plan into a function that numba is compiling."""

    def __init__(self, builder: Any, size: int, lanes: int) -> None:
        self.b = builder
        self.plan = plan_for(size, lanes)

    def memory(self, base: Any) -> Memory:
        return Memory(self.b, base, self.plan.lanes)

    def pair(self, memory: Memory, at: Any, imaginary: int) -> Pair:
        return Pair(memory.load(at), memory.load(self.shift(at, imaginary)))

    def put(self, memory: Memory, at: Any, imaginary: int, value: Pair) -> None:
        memory.store(at, value.re)
        memory.store(self.shift(at, imaginary), value.im)

    def shift(self, at: Any, by: int) -> Any:
        return self.b.add(at, INT64(by))

    def time_side(
        self,
        work: Memory,
        twiddle: Memory,
        low: Memory,
        high: Memory,
        state: Memory,
        *,
        synthesis: bool = False,
    ) -> Any:
        """Inverse butterflies, projection, forward butterflies, column by column."""
        plan, b = self.plan, self.b
        total = b.alloca(ir.VectorType(FLOAT, plan.lanes))
        b.store(zero(b, plan.lanes).value, total)
        with loop(b, plan.length // plan.lanes, plan.lanes) as column:
            at = [self.shift(column, r * plan.stride) for r in range(plan.rows)]
            w = [self.pair(twiddle, i, plan.plane) for i in at]
            y = [self.pair(work, i, plan.plane) for i in at]
            a = shifted_dft_adjoint(
                [v.times_conjugate(t) for v, t in zip(y, w, strict=True)]
            )
            change, terms = [], []
            for i, step in zip(at, a, strict=True):
                lo, hi, before = low.load(i), high.load(i), state.load(i)
                x = before.maximum(lo).minimum(hi)
                now = x - step
                state.store(i, now)
                twice = now.maximum(lo).minimum(hi) * 2.0
                if synthesis:
                    change.append(twice - now)
                    miss = x * 2.0 - before - step - twice * 0.5
                    terms.append(miss * miss)
                else:
                    change.append(twice - x)
                    terms.append(x * ((step + before) * 2.0 - x * 3.0))
            while len(terms) > 1:
                terms = [p + q for p, q in zip(terms[::2], terms[1::2], strict=True)]
            old = Lanes(b, b.load(total))
            b.store((old + terms[0]).value, total)
            for i, v, t in zip(at, shifted_dft(change), w, strict=True):
                self.put(work, i, plan.plane, v.times(t))
        return Lanes(b, b.load(total)).total()

    def middle(self, work: Memory, twiddle: Memory, inverse: bool) -> None:
        """The stages between the time side and the tiles, row by row."""
        plan = self.plan
        stages, length, table = [], plan.length, 2 * plan.plane
        for radix in plan.radices[1:]:
            stages.append((length, radix, table))
            table += 2 * (radix - 1) * (length // radix)
            length //= radix
        if not stages:
            return
        with loop(self.b, plan.rows, plan.stride) as row:
            for stage in reversed(stages) if inverse else stages:
                self._stage(work, twiddle, row, *stage, inverse)

    def _stage(
        self,
        work: Memory,
        twiddle: Memory,
        row: Any,
        length: int,
        radix: int,
        table: int,
        inverse: bool,
    ) -> None:
        plan, b, part = self.plan, self.b, length // radix
        with (
            loop(b, plan.length // length, length) as block,
            loop(b, part // plan.lanes, plan.lanes) as column,
        ):
            start = b.add(b.add(row, block), column)
            at = [self.shift(start, j * part) for j in range(radix)]
            x = [self.pair(work, i, plan.plane) for i in at]
            w = [
                self.pair(twiddle, self.shift(column, table + 2 * q * part), part)
                for q in range(radix - 1)
            ]
            if inverse:
                turned = [v.times_conjugate(t) for v, t in zip(x[1:], w, strict=True)]
                y = dft([x[0], *turned], 1)
            else:
                x = dft(x, -1)
                y = [x[0]] + [v.times(t) for v, t in zip(x[1:], w, strict=True)]
            for i, v in zip(at, y, strict=True):
                self.put(work, i, plan.plane, v)

    def tile_rows(self, tile: Any) -> list[Any]:
        """Where the V pieces of a tile begin in the work array."""
        plan, b, v = self.plan, self.b, self.plan.lanes
        pieces = plan.length // v  # in one row
        if pieces >= v:
            per_row = INT64(pieces // v)
            row, inside = b.udiv(tile, per_row), b.urem(tile, per_row)
            start = b.add(b.mul(row, INT64(plan.stride)), b.mul(inside, INT64(v * v)))
        else:
            start = b.mul(tile, INT64(v // pieces * plan.stride))
        return [
            self.shift(
                start,
                i * v if pieces >= v else i // pieces * plan.stride + i % pieces * v,
            )
            for i in range(v)
        ]

    def analyse(self, work: Memory, coefficients: Memory, power: Memory) -> None:
        """coefficients += last stage of the work array; power = |coefficients|²."""
        plan, v = self.plan, self.plan.lanes
        with loop(self.b, plan.size // (v * v)) as tile:
            pieces = [self.pair(work, i, plan.plane) for i in self.tile_rows(tile)]
            re = transpose([p.re for p in pieces])
            im = transpose([p.im for p in pieces])
            out = dft([Pair(r, i) for r, i in zip(re, im, strict=True)], -1)
            start = self.b.mul(tile, INT64(v * v))
            for q, value in enumerate(out):
                at = self.shift(start, q * v)
                new = self.pair(coefficients, at, plan.size) + value
                self.put(coefficients, at, plan.size, new)
                power.store(at, new.re * new.re + new.im * new.im)

    def synthesise(self, coefficients: Memory, rest: Memory, work: Memory) -> None:
        """coefficients *= rest; first stage of their inverse into the work array."""
        plan, v = self.plan, self.plan.lanes
        with loop(self.b, plan.size // (v * v)) as tile:
            start = self.b.mul(tile, INT64(v * v))
            x = []
            for q in range(v):
                at = self.shift(start, q * v)
                share = rest.load(at)
                value = self.pair(coefficients, at, plan.size)
                left = Pair(value.re * share, value.im * share)
                self.put(coefficients, at, plan.size, left)
                x.append(left)
            y = dft(x, 1)
            re = transpose([p.re for p in y])
            im = transpose([p.im for p in y])
            for at, r, i in zip(self.tile_rows(tile), re, im, strict=True):
                self.put(work, at, plan.plane, Pair(r, i))


def _pointers(
    context: Any, builder: Any, signature: Any, args: Any, lanes: int
) -> list[Memory]:
    """The data pointers of all array arguments."""
    return [
        Memory(builder, make_array(kind)(context, builder, value).data, lanes)
        for kind, value in zip(signature.args, args, strict=True)
        if isinstance(kind, types.Array)
    ]


@intrinsic(prefer_literal=True)
def time_pass(
    typing: Any,
    size: Any,
    lanes: Any,
    work: Any,
    twiddle: Any,
    low: Any,
    high: Any,
    state: Any,
) -> Any:
    """One ADMM step on the time side; returns ‖A x − z‖² − ‖z‖² before it."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        passes = _Passes(builder, size.literal_value, lanes.literal_value)
        arrays = _pointers(context, builder, signature, args, lanes.literal_value)
        return passes.time_side(*arrays)

    return types.float32(size, lanes, work, twiddle, low, high, state), codegen


@intrinsic(prefer_literal=True)
def synthesis_pass(
    typing: Any,
    size: Any,
    lanes: Any,
    work: Any,
    twiddle: Any,
    low: Any,
    high: Any,
    state: Any,
) -> Any:
    """One step of S-SPADE on the time side; returns ‖Aᵀ z − x'‖² after it."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        passes = _Passes(builder, size.literal_value, lanes.literal_value)
        arrays = _pointers(context, builder, signature, args, lanes.literal_value)
        return passes.time_side(*arrays, synthesis=True)

    return types.float32(size, lanes, work, twiddle, low, high, state), codegen


@intrinsic(prefer_literal=True)
def forward_pass(
    typing: Any,
    size: Any,
    lanes: Any,
    work: Any,
    twiddle: Any,
    coefficients: Any,
    power: Any,
) -> Any:
    """Rest of the forward transform, added to the coefficients; their power."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        passes = _Passes(builder, size.literal_value, lanes.literal_value)
        m = _pointers(context, builder, signature, args, lanes.literal_value)
        passes.middle(m[0], m[1], inverse=False)
        passes.analyse(m[0], m[2], m[3])
        return context.get_dummy_value()

    return types.void(size, lanes, work, twiddle, coefficients, power), codegen


@intrinsic(prefer_literal=True)
def inverse_pass(
    typing: Any,
    size: Any,
    lanes: Any,
    work: Any,
    twiddle: Any,
    coefficients: Any,
    rest: Any,
) -> Any:
    """Coefficients times ``rest``, and the inverse transform up to the time side."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        passes = _Passes(builder, size.literal_value, lanes.literal_value)
        m = _pointers(context, builder, signature, args, lanes.literal_value)
        passes.synthesise(m[2], m[3], m[0])
        passes.middle(m[0], m[1], inverse=True)
        return context.get_dummy_value()

    return types.void(size, lanes, work, twiddle, coefficients, rest), codegen
