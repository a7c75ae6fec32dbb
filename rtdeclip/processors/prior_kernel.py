"""A frame restored as the likeliest sound of an expected spectrum.

Where an estimate of the restored sound exists, its power spectrum P says how large each
coefficient X of the frame ought to be. The likeliest frame of independent Gaussian
coefficients with these variances, among those that agree with the samples, minimises
Σ |X_m|² / P_m: the reweighted least squares of FOCUSS (Gorodnitsky & Rao 1997, doi
10.1109/78.558475), here with the inequality bounds of declipping. An estimate looks
more certain of its spectrum than it may be, most of all where little is clipped: P may
be levelled, raised to an exponent below one. Tones bear that best; of drums and dense
songs it makes hiss where more is clipped.

It is solved by the iteration of ``spade_kernel`` with another thresholding step,

    z = v · P / (P + c),   c ← c · RATIO,

so strong expected coefficients move first and weak ones join as c falls, and with the
same end, ‖A x − z‖ ≤ ε ‖y‖. At most ``MAX_ITERATIONS``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rtdeclip.processors.simd_fft import (
    bin_order,
    forward_pass,
    host_lanes,
    inverse_pass,
    plan_for,
    time_pass,
)
from rtdeclip.processors.spade_kernel import (
    aligned,
    aligned_tables,
    fingerprint,
    load_frame,
    store_frame,
)
from rtdeclip.types import Samples, Signs

# Chosen on test audio, to 0.1 dB of what any of them gives alone.
FIRST = 1e-2  # c of the first iteration, of the largest P of the frame
RATIO = 0.97
MAX_ITERATIONS = 400
EPSILON = 0.003
# Levelled priors have the exponent LIGHT, more by the clipped share of the frame times
# FLAT_RISE or TONAL_RISE, by how peaked they are: their mean over their geometric mean.
# Tonal music has 38 to 50 dB, drums, noise and dense songs 17 to 34, at any length of
# frame and any severity.
LIGHT, TONAL_RISE, FLAT_RISE = 0.78, 0.2, 0.5
FLAT_DB, TONAL_DB = 30.0, 40.0
FLOOR = 1e-9  # what P has at least, of its largest: keeps 1 / P finite


def _share(
    power: NDArray[np.float32],
    prior: NDArray[np.float32],
    rest: NDArray[np.float32],
    c: float,
) -> np.float32:
    """rest = c / (P + c); returns Σ (1 − rest)² · power = ‖z‖²."""
    level = np.float32(c)
    kept = np.float32(0)
    for i in range(len(power)):
        r = level / (prior[i] + level)
        rest[i] = r
        kept += power[i] * (np.float32(1) - r) * (np.float32(1) - r)
    return kept


# fastmath: the sum may be taken in lanes.
share = njit(nogil=True, cache=True, fastmath=True, error_model="numpy")(_share)


def _spread(
    power: NDArray[np.float32],
    neighbours: NDArray[np.int32],
    smooth: NDArray[np.float32],
) -> tuple[float, float]:
    """Power averaged with the bins above and below; returns Σ √power, Σ power."""
    magnitudes, energy = 0.0, 0.0
    for i in range(len(power)):
        beside = power[neighbours[0, i]] + power[neighbours[1, i]]
        smooth[i] = np.float32(0.5) * power[i] + np.float32(0.25) * beside
        magnitudes += np.sqrt(power[i])
        energy += power[i]
    return magnitudes, energy


spread = njit(nogil=True, cache=True, error_model="numpy")(_spread)


def _level(expected: NDArray[np.float32], clipped: float) -> None:
    """A prior levelled in place, for a frame of which this share is clipped."""
    total, logs = 0.0, 0.0
    for i in range(len(expected)):
        total += expected[i]
        logs += np.log(expected[i])
    n = len(expected)
    peaked_db = 10.0 / np.log(10.0) * (np.log(total / n) - logs / n)
    tonal = min(max((peaked_db - FLAT_DB) / (TONAL_DB - FLAT_DB), 0.0), 1.0)
    rise = FLAT_RISE + (TONAL_RISE - FLAT_RISE) * tonal
    exponent = np.float32(min(LIGHT + rise * clipped, 1.0))
    for i in range(n):
        expected[i] = expected[i] ** exponent


level = njit(nogil=True, cache=True, error_model="numpy")(_level)


@cache
def compile_spectrum(size: int) -> Callable[..., None]:
    """The analysis of frames of ``size`` samples; see ``Spectrum``.

    Raises:
        SettingError: no kernel has this size.
    """
    lanes = host_lanes()
    plan = plan_for(size, lanes)
    sources = fingerprint(_share)
    rows, stride, plane = plan.rows, plan.stride, plan.plane
    huge = float(np.float32(3e38))

    def analyse(
        frame: NDArray[np.float32],
        power: NDArray[np.float32],
        space: NDArray[np.float32],
        table: NDArray[np.float32],
    ) -> None:
        _ = sources  # read, so that numba's cache knows it
        work = space[: 2 * plane]
        low = space[2 * plane : 3 * plane]
        high = space[3 * plane : 4 * plane]
        state = space[4 * plane : 5 * plane]
        values = space[5 * plane : 5 * plane + 2 * size]
        work[:] = 0
        values[:] = 0
        low[:] = -huge
        high[:] = huge
        length = size // rows
        for r in range(rows):
            for c in range(length):
                state[r * stride + c] = frame[r * length + c]
        time_pass(size, lanes, work, table, low, high, state)
        forward_pass(size, lanes, work, table, values, power)

    return njit(nogil=True, cache=True, error_model="numpy")(analyse)


@cache
def compile_prior(size: int) -> Callable[..., int]:
    """The frame function of ``size`` samples; see ``PriorFrame``.

    Raises:
        SettingError: no kernel has this size.
    """
    lanes = host_lanes()
    plan = plan_for(size, lanes)
    sources = fingerprint(_share)
    rows, stride, plane = plan.rows, plan.stride, plan.plane

    def restore(
        frame: NDArray[np.float32],
        sign: NDArray[np.int8],
        bound: NDArray[np.float32],
        prior: NDArray[np.float32],
        out: NDArray[np.float32],
        levelled: bool,
        space: NDArray[np.float32],
        table: NDArray[np.float32],
    ) -> int:
        _ = sources  # read, so that numba's cache knows it
        work = space[: 2 * plane]
        low = space[2 * plane : 3 * plane]
        high = space[3 * plane : 4 * plane]
        state = space[4 * plane : 5 * plane]
        values = space[5 * plane : 5 * plane + 2 * size]
        power = space[5 * plane + 2 * size : 5 * plane + 3 * size]
        rest = space[5 * plane + 3 * size : 5 * plane + 4 * size]
        expected = space[5 * plane + 4 * size : 5 * plane + 5 * size]
        peak, norm = load_frame(frame, sign, bound, low, high, state, rows, stride)
        largest, clipped = np.float32(0), 0
        for i in range(size):
            largest = max(largest, prior[i])
            clipped += sign[i] != 0
        if peak == 0 or not largest > np.float32(1e-30):
            out[:] = frame
            return 0
        for i in range(size):
            expected[i] = prior[i] / largest + np.float32(FLOOR)
        if levelled:
            level(expected, clipped / size)
        work[:] = 0
        values[:] = 0
        kept = np.float32(0)
        c = FIRST
        count = 0
        while True:
            gap = kept + time_pass(size, lanes, work, table, low, high, state)
            if count == MAX_ITERATIONS or (count and gap <= EPSILON**2 * norm):
                break
            forward_pass(size, lanes, work, table, values, power)
            count += 1
            kept = share(power, expected, rest, c)
            inverse_pass(size, lanes, work, table, values, rest)
            c *= RATIO
        store_frame(state, low, high, peak, out, rows, stride)
        return count

    return njit(nogil=True, cache=True, error_model="numpy")(restore)


class Spectrum:
    """Power spectra of frames, in the kernels' own order of bins.

    Args:
        window: frame length in samples, a size of ``simd_fft.RADICES``.

    Raises:
        SettingError: no kernel has this window.
    """

    def __init__(self, window: int) -> None:
        plan = plan_for(window, host_lanes())
        self.window = window
        self._analyse = compile_spectrum(window)
        self._table = aligned_tables(plan)
        self._space = aligned(5 * plan.plane + 2 * window)
        self._power = aligned(window)
        self._neighbours = neighbours(bin_order(plan))
        silence = np.zeros(window, np.float32)
        self.measure(silence, silence.copy())

    def measure(self, frame: Samples, power: Samples) -> tuple[float, float]:
        """The power spectrum of an analysis-windowed frame, smoothed over 3 bins.

        Args:
            frame: ``(window,)`` float32.
            power: ``(window,)`` float32, filled.

        Returns:
            Σ |X| and Σ |X|² of the unsmoothed spectrum.
        """
        self._analyse(frame, self._power, self._space, self._table)
        magnitudes, energy = spread(self._power, self._neighbours, power)
        return float(magnitudes), float(energy)


class PriorFrame:
    """Restores frames by their expected spectrum.

    Args:
        window: frame length in samples, a size of ``simd_fft.RADICES``.
        levelled: whether the priors are trusted less, see the module.

    Attributes:
        iterations: how many the last frame took.

    Raises:
        SettingError: no kernel has this window.
    """

    def __init__(self, window: int, *, levelled: bool = False) -> None:
        plan = plan_for(window, host_lanes())
        self.window = window
        self.iterations = 0
        self._levelled = levelled
        self._restore = compile_prior(window)
        self._table = aligned_tables(plan)
        self._space = aligned(5 * plan.plane + 5 * window)
        silence = np.zeros(window, np.float32)
        self.restore(
            silence, np.zeros(window, np.int8), silence, silence + 1, silence.copy()
        )

    def restore(
        self, frame: Samples, sign: Signs, bound: Samples, prior: Samples, out: Samples
    ) -> None:
        """Restores ``frame`` into ``out``; see ``FrameKernel.restore``.

        Args:
            frame: ``(window,)`` float32.
            sign: ``(window,)`` int8.
            bound: ``(window,)`` float32.
            prior: ``(window,)`` float32, what ``Spectrum`` measures of the estimate;
                its scale does not matter. Without any, the frame is copied.
            out: ``(window,)`` float32, filled.
        """
        self.iterations = self._restore(
            frame,
            sign,
            bound,
            prior,
            out,
            self._levelled,
            self._space,
            self._table,
        )


def neighbours(order: NDArray[np.int64]) -> NDArray[np.int32]:
    """``(2, size)`` int32: where the next lower and higher frequency of each bin stand.

    Args:
        order: which bin m stands at each place; its frequency is 4 m + 1 in units of
            1 / 4 N, and negative beyond 2 N.
    """
    size = len(order)
    turns = (4 * order + 1) % (4 * size)
    frequency = np.minimum(turns, 4 * size - turns)
    places = np.argsort(frequency)
    rank = np.empty(size, np.int64)
    rank[places] = np.arange(size)
    beside = np.clip(np.stack([rank - 1, rank + 1]), 0, size - 1)
    return places[beside].astype(np.int32)
