"""cubic-paper: the cubic interpolation row of paper 0, as it is written there.

Each clipped run is replaced by the polynomial of degree 3 that fits, in least squares
(the Vandermonde system A b = y), a few reliable samples before and after it. No bound
holds the result: it may fall below the clip level and, on long runs, shoot far beyond
it. The number of samples is not given; two on each side make the fit exact.

Source: G. Lasry, A. Feldinger, "Audio De-clipping Via Deep Learning", section
"Polynomial interpolation". Whole signal (a run may be of any length). Cost: about
0.2 µs per run. Use ``cubic`` for listening; this is a row of a table.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rtdeclip.processors.least_squares import fit_cubic
from rtdeclip.stream.processor import Method, Setting
from rtdeclip.types import Samples, Signs


def _interpolate(
    x: NDArray[np.float32],
    sign: NDArray[np.int8],
    points: int,
    t: NDArray[np.float64],
    v: NDArray[np.float64],
    b: NDArray[np.float64],
    A: NDArray[np.float64],
) -> None:
    """Replaces every clipped run of one channel in place.

    A run is left as it is where fewer than 4 reliable samples are near it. ``t`` and
    ``v`` are ``(2 · points,)`` scratch, ``b`` and ``A`` those of ``fit_cubic``.
    """
    n = len(x)
    i = 0
    while i < n:
        if sign[i] == 0:
            i += 1
            continue
        start = i
        while i < n and sign[i] != 0:
            i += 1
        centre = 0.5 * (start + i - 1)
        scale = 0.5 * (i - start + 1) + points
        m = 0
        for step in range(points):
            at = start - 1 - step
            if at < 0 or sign[at] != 0:
                break
            t[m], v[m] = (at - centre) / scale, x[at]
            m += 1
        for step in range(points):
            at = i + step
            if at >= n or sign[at] != 0:
                break
            t[m], v[m] = (at - centre) / scale, x[at]
            m += 1
        if m < 4:
            continue
        fit_cubic(t, v, m, b, A)
        for j in range(start, i):
            u = (j - centre) / scale
            x[j] = b[0] + u * (b[1] + u * (b[2] + u * b[3]))


_interpolate_jit = njit(nogil=True, cache=True, error_model="numpy")(_interpolate)


class CubicPaper:
    """The ``Restorer`` of paper 0's cubic row.

    Args:
        points: reliable samples used on each side of a run, 2 to 32.
    """

    def __init__(self, points: int) -> None:
        self._points = points
        self.restore(np.zeros((1, 1), np.float32), np.zeros((1, 1), np.int8))

    def restore(
        self,
        y: Samples,
        sign: Signs,
        bound: Samples | None = None,
        sample_rate: int = 0,
    ) -> Samples:
        """``y`` with a cubic across each clipped run; see ``Restorer.restore``.

        ``bound`` and ``sample_rate`` are not used: the paper's fit knows neither.
        """
        x = np.array(y, np.float32, order="F")
        masks = np.asfortranarray(sign)
        t, v = np.zeros((2, 2 * self._points))
        b, A = np.zeros(4), np.zeros((4, 4))
        for c in range(x.shape[1]):
            _interpolate_jit(x[:, c], masks[:, c], self._points, t, v, b, A)
        return np.ascontiguousarray(x)


def make(sample_rate: int, points: int = 2) -> CubicPaper:
    """A restorer that uses ``points`` reliable samples on each side of a run."""
    return CubicPaper(points)


METHOD = Method(
    name="cubic-paper",
    summary="Paper 0's cubic: matrix fit of degree 3, without any bound.",
    make=make,
    kind="restorer",
    settings=(
        Setting("points", 2, "reliable samples on each side of a run", "", 2, 32),
    ),
    source="Lasry & Feldinger, Audio De-clipping Via Deep Learning",
    note="the papers' baseline",
)
