"""sspade: S-SPADE, sparse synthesis frame by frame.

Per frame, with D = A* the synthesis of the transform A (zero-padded, unitary, twice
redundant), H_k keeping the k largest coefficients, Π the projection onto what is known:

    z ← H_k(A(x − u)),   x ← Π(D z + u),   u ← u + D z − x,   stop at ‖D z − x‖ ≤ ε

and k grows. It is the proper version of 2019, which solves the projection in the signal
domain; that of 2015 did so among the coefficients, which is slow.

Source: P. Záviška, P. Rajmic, O. Mokrý, Z. Průša, "A proper version of synthesis-based
sparse audio declipper", ICASSP 2019, doi:10.1109/ICASSP.2019.8682348; S. Kitić,
N. Bertin, R. Gribonval, LVA/ICA 2015, doi:10.1007/978-3-319-22482-4_28.

Whole signal (long frames). Cost: that of ``aspade`` at equal frames. It reaches
``aspade`` within a dB and is here for comparison.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rtdeclip.processors.gabor import FrameRestorer, hann, project, window_by_duration
from rtdeclip.stream.processor import Method, Setting
from rtdeclip.types import Samples, Signs

REDUNDANCY = 2


def _keep_largest(
    z: NDArray[np.complex64], k: int, size: NDArray[np.float32], level: float
) -> float:
    """Zeroes all but about the k largest of one frame's coefficients, in place.

    The threshold is found by bisection on the bits of |z|² (they order as floats do),
    started around ``level``, the last one; ties are all kept. Returns the threshold.
    """
    n = len(z)
    bits = size.view(np.int32)
    for i in range(n):
        size[i] = z[i].real * z[i].real + z[i].imag * z[i].imag
    low, high = np.int64(-1), np.int64(0x7F800000)
    seed = np.empty(1, np.float32)
    seed[0] = level
    step = np.int64(1 << 18)
    at = np.int64(seed.view(np.int32)[0])
    # low: more than k are above it; high: at most k are.
    while high - low > 1:
        at = min(max(at, low + 1), high - 1)
        count = 0
        for i in range(n):
            count += bits[i] > at
        if count > k:
            low = at
            at = at + step if high == 0x7F800000 else (low + high) // 2
        else:
            high = at
            at = at - step if low == -1 else (low + high) // 2
        step *= 4
        if count == k:
            break
    for i in range(n):
        if bits[i] <= high:
            z[i] = 0
    seed.view(np.int32)[0] = np.int32(high)
    return float(seed[0])


_keep_largest_jit = njit(nogil=True, cache=True)(_keep_largest)


def _threshold(
    z: NDArray[np.complex64],
    k: int,
    levels: NDArray[np.float32],
    size: NDArray[np.float32],
) -> None:
    """``_keep_largest`` on every row; ``levels`` carries each row's threshold on."""
    for i in range(len(z)):
        levels[i] = _keep_largest_jit(z[i], k, size, levels[i])


_threshold_jit = njit(nogil=True, cache=True)(_threshold)


class SynthesisSpade:
    """The frame method: many frames at once, each until it has converged.

    Args:
        window: frame length in samples.
        step: coefficients added each time k grows.
        every: iterations between.
        growth: k also grows by this share of itself; 0 is the published schedule.
        epsilon: ε over the frame's norm.
    """

    def __init__(
        self, window: int, step: int, every: int, growth: float, epsilon: float
    ) -> None:
        self._m_bins = REDUNDANCY * window
        self._step, self._every, self._growth = step, every, growth
        self._epsilon = epsilon

    def __call__(self, y: Samples, sign: Signs, bound: Samples) -> Samples:
        """Restores ``(n_frames, window)`` frames; see ``FrameRestorer``."""
        window, n_bins = y.shape[1], self._m_bins // 2 + 1
        out = y.copy()
        rows = np.arange(len(y))
        limit = self._epsilon * np.linalg.norm(y, axis=1)
        x, u = y.copy(), np.zeros_like(y)
        levels = np.ones(len(y), np.float32)
        size = np.empty(n_bins, np.float32)
        k, iteration = self._step, 0
        while len(rows) and k < n_bins:
            z = np.fft.rfft(x - u, self._m_bins, norm="ortho")
            z = z.astype(np.complex64, copy=False)
            _threshold_jit(z, k, levels, size)
            full = np.fft.irfft(z, self._m_bins, norm="ortho")
            sparse: Samples = full[:, :window].astype(np.float32, copy=False)
            x = project(sparse + u, y, sign, bound)
            miss = sparse - x
            u += miss
            open_ = np.linalg.norm(miss, axis=1) > limit
            if not open_.all():
                out[rows[~open_]] = x[~open_]
                rows, limit, levels = rows[open_], limit[open_], levels[open_]
                x, u, y = x[open_], u[open_], y[open_]
                sign, bound = sign[open_], bound[open_]
            iteration += 1
            if iteration % self._every == 0:
                k += max(self._step, int(self._growth * k))
        out[rows] = x
        return out


def make(
    sample_rate: int,
    window_ms: float = 170.0,
    step: int = 1,
    every: int = 1,
    growth: float = 0.03,
    epsilon: float = 0.02,
) -> FrameRestorer:
    """The restorer at ``sample_rate``; settings as declared in ``METHOD``."""
    window = window_by_duration(sample_rate, window_ms)
    method = SynthesisSpade(window, step, every, growth, epsilon)
    sine = np.sqrt(hann(window))
    return FrameRestorer(window, window // 4, sine, sine, method)


METHOD = Method(
    name="sspade",
    summary="S-SPADE in long frames; the synthesis twin of A-SPADE, for comparison.",
    make=make,
    kind="restorer",
    settings=(
        Setting("window_ms", 170.0, "frame length, to a power of two", "ms", 5, 400),
        Setting("step", 1, "coefficients added at a time (s)", "", 1, 100),
        Setting("every", 1, "iterations between (r)", "", 1, 100),
        Setting("growth", 0.03, "share of k added; 0 is the paper's", "", 0.0, 1.0),
        Setting("epsilon", 0.02, "misfit to stop at, over the norm", "", 1e-6, 1.0),
    ),
    source="Záviška et al. 2019, doi:10.1109/ICASSP.2019.8682348",
)
