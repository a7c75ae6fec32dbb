"""The cubic that fits a few samples best: Vandermonde least squares by moments.

Four normal equations, whose matrix (Hankel, positive definite) holds the moments of
the abscissae; with four samples the fit is exact. Abscissae are centred and scaled to
about ±1, without which the powers would lose all digits on long runs.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray


def _fit(
    t: NDArray[np.float64],
    v: NDArray[np.float64],
    n: int,
    b: NDArray[np.float64],
    A: NDArray[np.float64],
) -> None:
    """Coefficients of the cubic Σ b_l t^l with the least Σ (v − Σ b_l t^l)².

    Args:
        t: ``(≥ n,)`` float64 abscissae, at least 4 distinct, about ±1.
        v: ``(≥ n,)`` float64 ordinates.
        n: how many of them count, ≥ 4.
        b: ``(4,)`` float64, filled in place.
        A: ``(4, 4)`` float64 scratch.
    """
    A[:] = 0.0
    b[:] = 0.0
    for k in range(n):
        power = 1.0
        for row in range(4):
            b[row] += v[k] * power
            term = power
            for column in range(4):
                A[row, column] += term
                term *= t[k]
            power *= t[k]
    # Positive definite, so elimination needs no pivoting.
    for row in range(4):
        for below in range(row + 1, 4):
            ratio = A[below, row] / A[row, row]
            for column in range(row, 4):
                A[below, column] -= ratio * A[row, column]
            b[below] -= ratio * b[row]
    for row in range(3, -1, -1):
        for column in range(row + 1, 4):
            b[row] -= A[row, column] * b[column]
        b[row] /= A[row, row]


fit_cubic = njit(nogil=True, cache=True, error_model="numpy")(_fit)
