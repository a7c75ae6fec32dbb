"""A-SPADE on one frame: the iteration, compiled per frame length.

Kitić, Bertin, Gribonval 2015 (doi 10.1007/978-3-319-22482-4_28); the analysis
variant as in Záviška et al. 2021 (doi 10.1109/JSTSP.2020.3042071). With H_k keeping
the k largest coefficients and Π the projection on the samples' bounds,

    z = H_k(A x + u);  stop if ‖A x − z‖ ≤ ε;  x' = Π(Aᵀ(z − u));  u' = u + A x' − z.

A is the Parseval frame of ``simd_fft`` (AᵀA = I). With v = A x + u, r = v − z the part
below the threshold, and d = x − Aᵀr, the same iteration is

    x' = Π(d),   v' = r + A(2 x' − x),

so only v and d are kept, one inverse transform and one forward transform per
iteration. The criterion needs no third one: with q = Aᵀu = x − d (of the step before),

    ‖A x − z‖² = ‖z‖² − ‖x‖² − 2⟨x, q⟩ + 2⟨x, Aᵀr⟩.

The synthesis variant (S-SPADE as Záviška et al. 2019, doi
10.1109/ICASSP.2019.8682348) keeps its dual variable in the time domain,

    z = H_k(A(x − u));  x' = Π(Aᵀz + u);  u' = u + Aᵀz − x';  stop if ‖Aᵀz − x'‖ ≤ ε,

which with v = A(x − u), and r and d as before, is

    x' = Π(d),   v' = A(2 x' − d) = A Aᵀr + A(2 x' − x):

the analysis variant, but for the part of r that no signal has.

The step that is under way when the criterion is met is finished. Sparsity grows
geometrically, k += max(step, growth · k), which bounds the number of iterations by
about (1 + ln(growth · N)) / growth at step 1; a budget of time is met by the choice of
``growth`` before the frame, never by cutting the loop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, reduce
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rtdeclip.processors import simd, simd_fft, simd_select
from rtdeclip.processors.shrinkage import SHRINKAGES, shrink
from rtdeclip.processors.simd_fft import (
    forward_pass,
    host_lanes,
    inverse_pass,
    plan_for,
    synthesis_pass,
    tables,
    time_pass,
)
from rtdeclip.types import Samples, Signs

_HUGE = np.float32(3e38)
_QUIET, _LOUD = np.float32(1e-30), np.float32(1e30)  # beyond: squares leave float32


@dataclass(frozen=True, slots=True)
class Schedule:
    """How sparsity is relaxed, and when a frame is done.

    Args:
        growth: k grows by this share of itself per update …
        step: … and by at least this much.
        first: the first k.
        every: iterations between two updates.
        epsilon: a frame is done at ‖A x − z‖ ≤ epsilon · ‖y‖ …
        epsilon_absolute: … or at ‖A x − z‖ ≤ this, full scale 1.
    """

    growth: float = 0.015
    step: int = 1
    first: int = 1
    every: int = 1
    epsilon: float = 0.005
    epsilon_absolute: float = 0.0


SURVEY = Schedule(growth=0.0, every=2, epsilon=0.0, epsilon_absolute=0.1)
"""The parameters of Záviška et al. 2021 (s = 1, r = 2, ε = 0.1)."""


def _load_frame(
    frame: NDArray[np.float32],
    sign: NDArray[np.int8],
    bound: NDArray[np.float32],
    low: NDArray[np.float32],
    high: NDArray[np.float32],
    state: NDArray[np.float32],
    rows: int,
    stride: int,
) -> tuple[np.float32, np.float32]:
    """The frame's bounds, and itself as first state, scaled to a peak of 1.

    Returns the peak, 0 where the frame is silent or beyond ±1e30, and the scaled
    frame's ‖y‖².
    """
    peak, norm = np.float32(0), np.float32(0)
    for i in range(len(frame)):
        peak = max(peak, abs(frame[i]), bound[i])
    if not (peak > _QUIET and peak < _LOUD):
        return np.float32(0), norm
    scale = np.float32(1) / peak
    length = len(frame) // rows
    for r in range(rows):
        for c in range(length):
            i, at = r * length + c, r * stride + c
            y, b, s = frame[i] * scale, bound[i] * scale, sign[i]
            norm += y * y
            low[at] = y if s == 0 else (b if s > 0 else -_HUGE)
            high[at] = y if s == 0 else (_HUGE if s > 0 else -b)
            state[at] = y
    return peak, norm


def _store_frame(
    state: NDArray[np.float32],
    low: NDArray[np.float32],
    high: NDArray[np.float32],
    peak: float,
    out: NDArray[np.float32],
    rows: int,
    stride: int,
) -> None:
    """The projected state at its own level."""
    length = len(out) // rows
    for r in range(rows):
        for c in range(length):
            at = r * stride + c
            out[r * length + c] = min(max(state[at], low[at]), high[at]) * peak


load_frame = njit(nogil=True, cache=True, error_model="numpy")(_load_frame)
store_frame = njit(nogil=True, cache=True, error_model="numpy")(_store_frame)


@cache
def compile_kernel(
    size: int, shrinkage: str = "largest", *, synthesis: bool = False
) -> Callable[..., int]:
    """The frame function of ``size`` samples; ``SpadeFrame`` calls it.

    It is compiled at its first call and kept in numba's cache, which tells the kernels
    apart by the numbers and words of this function's scope that the kernel reads.

    Raises:
        SettingError: no kernel has this size.
    """
    lanes = host_lanes()
    plan = plan_for(size, lanes)
    sources = fingerprint(SHRINKAGES[shrinkage])
    rows, stride, plane = plan.rows, plan.stride, plan.plane

    def kernel(
        frame: NDArray[np.float32],
        sign: NDArray[np.int8],
        bound: NDArray[np.float32],
        out: NDArray[np.float32],
        schedule: NDArray[np.float64],
        space: NDArray[np.float32],
        table: NDArray[np.float32],
        memory: NDArray[np.int32],
    ) -> int:
        _ = sources  # read, so that numba's cache knows it
        work = space[: 2 * plane]
        low = space[2 * plane : 3 * plane]
        high = space[3 * plane : 4 * plane]
        state = space[4 * plane : 5 * plane]
        values = space[5 * plane : 5 * plane + 2 * size]
        power = space[5 * plane + 2 * size : 5 * plane + 3 * size]
        rest = space[5 * plane + 3 * size : 5 * plane + 4 * size]
        growth, step, k = schedule[0], schedule[1], schedule[2]
        every, epsilon, absolute = schedule[3], schedule[4], schedule[5]

        peak, norm = load_frame(frame, sign, bound, low, high, state, rows, stride)
        if peak == 0:
            out[:] = frame
            return 0
        target = max(epsilon**2 * norm, (absolute / peak) ** 2)
        # An inverse of nothing: the first time pass only projects y.
        work[:] = 0
        values[:] = 0
        memory[:] = 0
        kept = np.float32(0)
        count = 0
        while True:
            if synthesis:
                gap = synthesis_pass(size, lanes, work, table, low, high, state)
                values[:] = 0
            else:
                gap = kept + time_pass(size, lanes, work, table, low, high, state)
            if count and gap <= target:
                break
            if count and count % every == 0:
                k = np.floor(k + max(step, growth * k))
            if k >= size:
                break
            forward_pass(size, lanes, work, table, values, power)
            count += 1
            kept = shrink(shrinkage, size, lanes, power, rest, int(k), memory)
            inverse_pass(size, lanes, work, table, values, rest)
        store_frame(state, low, high, peak, out, rows, stride)
        return count

    return njit(nogil=True, cache=True, error_model="numpy")(kernel)


class SpadeFrame:
    """A-SPADE as a ``FrameKernel``: restores one analysis-windowed frame.

    Args:
        window: frame length in samples, a size of ``simd_fft.RADICES``.
        schedule: sparsity schedule and end of a frame.
        shrinkage: the thresholding step, a name of ``shrinkage.SHRINKAGES``.
        synthesis: S-SPADE instead of A-SPADE.

    Attributes:
        iterations: how many the last frame took.

    Raises:
        SettingError: no kernel has this window.
    """

    def __init__(
        self,
        window: int,
        schedule: Schedule | None = None,
        shrinkage: str = "largest",
        *,
        synthesis: bool = False,
    ) -> None:
        plan = plan_for(window, host_lanes())
        chosen = schedule or Schedule()
        self.window = window
        self.iterations = 0
        self._kernel = compile_kernel(window, shrinkage, synthesis=synthesis)
        self._schedule = np.array(
            [
                chosen.growth,
                chosen.step,
                chosen.first,
                chosen.every,
                chosen.epsilon,
                chosen.epsilon_absolute,
            ],
            np.float64,
        )
        self._table = aligned_tables(plan)
        self._space = aligned(5 * plan.plane + 4 * window)
        self._memory = np.zeros(4, np.int32)
        silence = np.zeros(window, np.float32)
        self.restore(silence, np.zeros(window, np.int8), silence, silence.copy())

    def restore(
        self, frame: Samples, sign: Signs, bound: Samples, out: Samples
    ) -> None:
        """Restores ``frame`` into ``out``; see ``FrameKernel.restore``.

        Frames of silence or beyond ±1e30 are copied.
        """
        self.iterations = self._kernel(
            frame,
            sign,
            bound,
            out,
            self._schedule,
            self._space,
            self._table,
            self._memory,
        )


def fingerprint(shrinkage: Callable[..., Any]) -> int:
    """A number that changes with the sources that a kernel is made of.

    numba looks at the date of the kernel's own file alone, and would go on using a
    kernel whose passes have changed.
    """
    files = [module.__file__ for module in (simd, simd_fft, simd_select)]
    files.append(shrinkage.__code__.co_filename)
    return reduce(lambda crc, f: crc32(Path(str(f)).read_bytes(), crc), files, 0)


def aligned(n: int) -> Samples:
    """``(n,)`` float32 zeros that begin at a cache line."""
    room = np.zeros(n + 16, np.float32)
    start = -room.ctypes.data // 4 % 16
    return room[start : start + n]


def aligned_tables(plan: simd_fft.Plan) -> Samples:
    """The plan's twiddle factors, from a cache line on."""
    factors = tables(plan)
    out = aligned(len(factors))
    out[:] = factors
    return out
