"""A tight Gabor frame over whole signals, on the SIMD passes.

Frames of N samples, three quarters overlapping, under a Hann window, each analysed by
the odd-frequency transform of ``simd_fft``: N complex coefficients at odd half-bins
of a twice redundant transform, one for each pair of conjugates. Both steps together
are a Parseval frame: ``synthesize`` is the adjoint of ``analyze`` and undoes it, so
proximal methods may take steps of 1.

Coefficients are ``(n_frames, 2 N)`` float32, first all real parts and then all
imaginary ones, in the kernels' own order of bins (``Gabor.rank`` names it).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rtdeclip.processors.gabor import frame_count, hann
from rtdeclip.processors.simd_fft import (
    bin_order,
    forward_pass,
    host_lanes,
    inverse_pass,
    plan_for,
    time_pass,
)
from rtdeclip.processors.spade_kernel import aligned, aligned_tables, fingerprint
from rtdeclip.types import Samples

OVERLAP = 4


@cache
def compile_gabor(size: int) -> tuple[Callable[..., None], Callable[..., None]]:
    """Analysis and synthesis with frames of ``size`` samples; see ``Gabor``.

    Raises:
        SettingError: no kernel has this size.
    """
    lanes = host_lanes()
    plan = plan_for(size, lanes)
    sources = fingerprint(frame_count)
    rows, stride, plane = plan.rows, plan.stride, plan.plane
    length, hop = size // rows, size // OVERLAP
    huge = float(np.float32(3e38))

    def analyze(
        x: NDArray[np.float32],
        shape: NDArray[np.float32],
        z: NDArray[np.float32],
        power: NDArray[np.float32],
        space: NDArray[np.float32],
        table: NDArray[np.float32],
    ) -> None:
        _ = sources  # read, so that numba's cache knows it
        work, low = space[: 2 * plane], space[2 * plane : 3 * plane]
        high = space[3 * plane : 4 * plane]
        state = space[4 * plane : 5 * plane]
        low[:] = -huge
        high[:] = huge
        for f in range(len(z)):
            for r in range(rows):
                for c in range(length):
                    i = r * length + c
                    state[r * stride + c] = x[f * hop + i] * shape[i]
            work[:] = 0
            time_pass(size, lanes, work, table, low, high, state)
            forward_pass(size, lanes, work, table, z[f], power[f])

    def synthesize(
        z: NDArray[np.float32],
        shape: NDArray[np.float32],
        x: NDArray[np.float32],
        space: NDArray[np.float32],
        table: NDArray[np.float32],
    ) -> None:
        _ = sources
        work, low = space[: 2 * plane], space[2 * plane : 3 * plane]
        high = space[3 * plane : 4 * plane]
        state = space[4 * plane : 5 * plane]
        values = space[5 * plane : 5 * plane + 2 * size]
        everything = space[5 * plane + 2 * size : 5 * plane + 3 * size]
        low[:] = -huge
        high[:] = huge
        everything[:] = 1
        x[:] = 0
        for f in range(len(z)):
            values[:] = z[f]
            inverse_pass(size, lanes, work, table, values, everything)
            state[:] = 0
            time_pass(size, lanes, work, table, low, high, state)
            for r in range(rows):
                for c in range(length):
                    i = r * length + c
                    x[f * hop + i] -= state[r * stride + c] * shape[i]

    jit = njit(nogil=True, cache=True, error_model="numpy")
    return jit(analyze), jit(synthesize)


class Gabor:
    """A tight Gabor frame over signals of one length.

    Args:
        window: frame length N in samples, a size of ``simd_fft.RADICES``.
        n: samples of the signals.

    Attributes:
        n_frames: how many frames they have.
        rank: ``(N,)`` int64, each coefficient's place in the order of frequency.

    Raises:
        SettingError: no kernel has this window.
    """

    def __init__(self, window: int, n: int) -> None:
        plan = plan_for(window, host_lanes())
        self.window, self._n = window, n
        hop = window // OVERLAP
        self.n_frames = frame_count(n, window, hop)
        self.rank = by_frequency(bin_order(plan))
        self._analyze, self._synthesize = compile_gabor(window)
        shape = hann(window).astype(np.float64)
        total = float(np.sum(shape**2)) / hop
        self._shape = (shape / np.sqrt(total)).astype(np.float32)
        self._table = aligned_tables(plan)
        self._space = aligned(5 * plan.plane + 3 * window)
        self._lead = window - hop
        self._padded = np.zeros((self.n_frames - 1) * hop + window, np.float32)

    def zeros(self) -> Samples:
        """Coefficients of silence, ``(n_frames, 2 N)`` float32."""
        return np.zeros((self.n_frames, 2 * self.window), np.float32)

    def analyze(self, x: Samples, z: Samples, power: Samples) -> None:
        """Adds the coefficients of ``x`` to ``z``.

        Args:
            x: ``(n,)`` float32.
            z: ``(n_frames, 2 N)`` float32, added to.
            power: ``(n_frames, N)`` float32, filled with |z|² of the sum.
        """
        self._padded.fill(0)
        self._padded[self._lead : self._lead + self._n] = x
        self._analyze(self._padded, self._shape, z, power, self._space, self._table)

    def synthesize(self, z: Samples) -> Samples:
        """``(n,)`` float32 samples of coefficients; overwritten at the next call."""
        self._synthesize(z, self._shape, self._padded, self._space, self._table)
        return self._padded[self._lead : self._lead + self._n]


def by_frequency(order: NDArray[np.int64]) -> NDArray[np.int64]:
    """``(size,)`` int64: the place of each coefficient in the order of frequency.

    Args:
        order: which bin m stands at each place; its frequency is 4 m + 1 in units of
            1 / 4 N, and negative beyond 2 N.
    """
    size = len(order)
    turns = (4 * order + 1) % (4 * size)
    frequency = np.minimum(turns, 4 * size - turns)
    rank = np.empty(size, np.int64)
    rank[np.argsort(frequency)] = np.arange(size)
    return rank
