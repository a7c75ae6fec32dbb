"""Linear prediction and the missing samples that suit it best: kernels for four files.

A signal that obeys x[n] = −Σ a_k x[n − k] + e[n] (k = 1 … p) is filled in where it is
unknown so that the residual energy Σ e[n]² over the rows n of a window is least
(A. J. E. M. Janssen, R. N. J. Veldhuis, L. B. Vries, "Adaptive interpolation of
discrete-time signals that can be modeled as autoregressive processes", IEEE Trans.
ASSP 34(2), 1986, doi:10.1109/TASSP.1986.1164824). The normal equations are positive
definite and banded: unknowns more than p apart do not meet. Rows that would reach out
of the window are left out instead of taking zeros there, so its ends need no taper.

Glossary: x window of n samples, a predictor with a[0] = 1, u positions of the m
unknowns in increasing order, U normal matrix and then its factor, row r holding columns
r … r + width − 1, with zeros to the right of them.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

# Sums may be reordered, so that they vectorise; nothing else may change.
_SUMS = {"reassoc", "contract"}

BLOCK = 4  # pivots eliminated together


def _dot(
    x: NDArray[np.float64], i: int, y: NDArray[np.float64], j: int, n: int
) -> float:
    """Σ x[i + k] y[j + k], k < n."""
    total = 0.0
    for k in range(n):
        total += x[i + k] * y[j + k]
    return total


_dot_jit = njit(nogil=True, cache=True, fastmath=_SUMS, inline="never")(_dot)


def _autocorrelate(
    x: NDArray[np.float64], n: int, p: int, r: NDArray[np.float64]
) -> None:
    """``r[k] = Σ x[i] x[i + k]`` for k = 0 … p over the first n samples."""
    for k in range(p + 1):
        r[k] = _dot_jit(x, 0, x, k, n - k)


def _levinson(
    r: NDArray[np.float64],
    p: int,
    a: NDArray[np.float64],
    scratch: NDArray[np.float64],
) -> None:
    """The predictor of order p from an autocorrelation (Levinson's recursion).

    White noise of −80 dB is added, which bounds the predictor's gain. Silence gives
    the predictor 1, 0, 0 …
    """
    error = r[0] * (1.0 + 1e-8)
    a[: p + 1] = 0.0
    a[0] = 1.0
    if error <= 1e-30:
        return
    for i in range(1, p + 1):
        total = r[i]
        for k in range(1, i):
            total += a[k] * r[i - k]
        reflection = -total / error
        for k in range(1, i):
            scratch[k] = a[k] + reflection * a[i - k]
        for k in range(1, i):
            a[k] = scratch[k]
        a[i] = reflection
        error *= 1.0 - reflection * reflection
        if error <= r[0] * 1e-14:
            return


def _lag_sums(a: NDArray[np.float64], p: int, sums: NDArray[np.float64]) -> None:
    """``sums[d, k] = Σ a[j] a[j + d]``, j < k: any stretch of rows is a difference."""
    for d in range(p + 1):
        sums[d, 0] = 0.0
        for k in range(p + 1 - d):
            sums[d, k + 1] = sums[d, k] + a[k] * a[k + d]


def _normal_matrix(
    u: NDArray[np.int64],
    m: int,
    n: int,
    p: int,
    sums: NDArray[np.float64],
    pull: NDArray[np.float64],
    U: NDArray[np.float64],
) -> int:
    """Fills the upper band of the normal matrix; returns its width."""
    ridge = 1e-9 * sums[0, p + 1]
    width, end = 1, 0
    for r in range(m):
        while end < m and u[end] - u[r] <= p:
            end += 1
        width = max(width, end - r)
    for r in range(m):
        low = max(p - u[r], 0)
        for k in range(width + BLOCK):
            c = r + k
            d = u[c] - u[r] if c < m else p + 1
            # Rows of the residual that hold both: whole pasts only, none beyond n.
            high = min(p, n - 1 - u[r]) - d
            first = max(low - d, 0)
            value = 0.0
            if d <= p and high >= first:
                value = sums[d, high + 1] - sums[d, first]
            U[r, k] = value
        U[r, 0] += ridge + pull[r]
    return width


def _factor(U: NDArray[np.float64], m: int, width: int) -> None:
    """Gaussian elimination of a symmetric positive definite band, in place.

    Four pivots at a time, so that a row is read and written once for four of them.
    """
    for j in range(0, m, BLOCK):
        block = min(BLOCK, m - j)
        for pivot in range(j, j + block):
            for t in range(pivot + 1, j + block):
                f = U[pivot, t - pivot] / U[pivot, 0]
                for k in range(width + BLOCK - (t - pivot)):
                    U[t, k] -= f * U[pivot, t - pivot + k]
        if block < BLOCK:
            break
        for t in range(j + BLOCK, min(j + BLOCK - 1 + width, m)):
            o = t - j
            f0, f1 = U[j, o] / U[j, 0], U[j + 1, o - 1] / U[j + 1, 0]
            f2, f3 = U[j + 2, o - 2] / U[j + 2, 0], U[j + 3, o - 3] / U[j + 3, 0]
            row, n = U[t], width + BLOCK - o
            r0, r1, r2, r3 = U[j, o:], U[j + 1, o - 1 :], U[j + 2, o - 2 :], U[j + 3]
            r3 = r3[o - 3 :]
            for k in range(n):
                row[k] -= f0 * r0[k] + f1 * r1[k] + f2 * r2[k] + f3 * r3[k]


def _substitute(
    U: NDArray[np.float64], m: int, width: int, b: NDArray[np.float64]
) -> None:
    """Solves with the factor; ``b`` becomes the solution."""
    for r in range(m):
        f = b[r] / U[r, 0]
        for k in range(1, min(width, m - r)):
            b[r + k] -= f * U[r, k]
    for r in range(m - 1, -1, -1):
        n = min(width, m - r) - 1
        b[r] = (b[r] - _dot_jit(U[r], 1, b, r + 1, n)) / U[r, 0]


_jit = njit(nogil=True, cache=True, error_model="numpy", fastmath=_SUMS)
_normal_matrix_jit = _jit(_normal_matrix)
_factor_jit = _jit(_factor)
_substitute_jit = _jit(_substitute)


def _fill(
    x: NDArray[np.float64],
    n: int,
    u: NDArray[np.int64],
    m: int,
    a: NDArray[np.float64],
    p: int,
    sums: NDArray[np.float64],
    target: NDArray[np.float64],
    pull: NDArray[np.float64],
    U: NDArray[np.float64],
    residual: NDArray[np.float64],
    solution: NDArray[np.float64],
) -> None:
    """Puts into ``x[u]`` what minimises Σ e[n]² + Σ pull · (x[u] − target)².

    Args:
        x: ``(≥ n,)`` float64; rows p … n − 1 count.
        u: ``(≥ m,)`` int64, increasing.
        a: ``(p + 1,)`` predictor and ``sums`` its ``_lag_sums``, ``(p + 1, p + 2)``.
        target: ``(≥ m,)`` values the unknowns are drawn to.
        pull: ``(≥ m,)`` how strongly, ≥ 0.
        U: ``(≥ m, ≥ p + 1 + BLOCK)`` scratch.
        residual, solution: ``(≥ n,)`` and ``(≥ m,)`` scratch.
    """
    if m == 0:
        return
    for r in range(m):
        x[u[r]] = 0.0
    first, last = max(u[0], p), min(u[m - 1] + p, n - 1)
    for i in range(first, last + 1):
        total = 0.0
        for k in range(p + 1):
            total += a[k] * x[i - k]
        residual[i] = total
    for r in range(m):
        low, high = max(u[r], p), min(u[r] + p, n - 1)
        total = pull[r] * target[r]
        for i in range(low, high + 1):
            total -= a[i - u[r]] * residual[i]
        solution[r] = total
    width = _normal_matrix_jit(u, m, n, p, sums, pull, U)
    _factor_jit(U, m, width)
    _substitute_jit(U, m, width, solution)
    for r in range(m):
        x[u[r]] = solution[r]


def _hold(
    x: NDArray[np.float64],
    sign: NDArray[np.int8],
    bound: NDArray[np.float32],
    u: NDArray[np.int64],
    m: int,
) -> int:
    """Sets to their bound the samples ``u[:m]`` that miss it; the others stay in u."""
    free = 0
    for k in range(m):
        i = u[k]
        if sign[i] * x[i] >= bound[i]:
            u[free] = i
            free += 1
        else:
            x[i] = sign[i] * bound[i]
    return free


autocorrelate = _jit(_autocorrelate)
levinson = _jit(_levinson)
lag_sums = _jit(_lag_sums)
fill = _jit(_fill)
hold = njit(nogil=True, cache=True)(_hold)


def _predictor(
    x: NDArray[np.float64],
    p: int,
    taper: NDArray[np.float64],
    tapered: NDArray[np.float64],
    r: NDArray[np.float64],
    a: NDArray[np.float64],
    residual: NDArray[np.float64],
) -> float:
    """The predictor of ``x · taper``, into ``a``.

    Returns its gain, the power of the signal over that of its residual; 1 of silence.
    """
    n, error = len(x), 0.0
    for i in range(n):
        tapered[i] = x[i] * taper[i]
    autocorrelate(tapered, n, p, r)
    levinson(r, p, a, residual)
    for k in range(p + 1):
        error += a[k] * r[k]
    return r[0] / error if error > 0.0 else 1.0


predictor = njit(nogil=True, cache=True, error_model="numpy")(_predictor)


def _estimate(
    x: NDArray[np.float64],
    sign: NDArray[np.int8],
    bound: NDArray[np.float32],
    begin: int,
    p: int,
    taper: NDArray[np.float64],
    tapered: NDArray[np.float64],
    r: NDArray[np.float64],
    a: NDArray[np.float64],
    sums: NDArray[np.float64],
    u: NDArray[np.int64],
    zero: NDArray[np.float64],
    U: NDArray[np.float64],
    residual: NDArray[np.float64],
    solution: NDArray[np.float64],
) -> float:
    """Estimates predictor and clipped samples of ``x[begin:]`` once, in place.

    The samples that miss their bound are set to it, and the others solved once more
    around them. ``taper`` is the window of the predictor, the rest is ``scratch``.
    Returns the predictor's gain, see ``predictor``.
    """
    n, m = len(x), 0
    gain = predictor(x, p, taper, tapered, r, a, residual)
    for i in range(begin, n):
        if sign[i] != 0:
            u[m] = i
            m += 1
    lag_sums(a, p, sums)
    fill(x, n, u, m, a, p, sums, zero, zero, U, residual, solution)
    free = hold(x, sign, bound, u, m)
    if 0 < free < m:
        fill(x, n, u, free, a, p, sums, zero, zero, U, residual, solution)
        hold(x, sign, bound, u, free)
    return gain


estimate = njit(nogil=True, cache=True, error_model="numpy")(_estimate)


def scratch(n: int, zone: int, order: int) -> tuple[NDArray[Any], ...]:
    """What ``estimate`` works in, from ``tapered`` on.

    Args:
        n: samples of the window.
        zone: samples of it that may be clipped, its last.
        order: p.
    """
    return (
        np.zeros(n),
        np.zeros(order + 1),
        np.zeros(order + 1),
        np.zeros((order + 1, order + 2)),
        np.zeros(zone, np.int64),
        np.zeros(zone),
        np.zeros((zone, order + 1 + BLOCK)),
        np.zeros(n),
        np.zeros(zone),
    )
