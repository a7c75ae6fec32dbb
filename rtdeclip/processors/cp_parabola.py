"""cp-parabola: weighted analysis l1 by Chambolle-Pock, parabola-shaped weights.

Solves min ‖w ⊙ A x‖₁ over all x that agree with what is known (reliable samples equal,
clipped ones at or beyond their bound), A a tight Gabor frame over the whole signal. The
weight of a bin grows with the square of its frequency, which says that music has its
energy low; this prior alone lifts l1 from 5 to 16 dB on the survey's excerpts.

    q ← clip_w(q + σ A x̄)         (each |q| at most w)
    x⁺ ← Π_Γ(x − τ A* q),  x̄ ← 2 x⁺ − x

Source: P. Rajmic, P. Záviška, V. Veselý, O. Mokrý, "A new generalized projection and
its application to acceleration of audio declipping", Axioms 8(3), 2019,
doi:10.3390/axioms8030105; weights: P. Záviška, P. Rajmic, J. Schimmel,
"Psychoacoustically motivated audio declipping based on weighted l1 minimization",
TSP 2019, doi:10.1109/TSP.2019.8769109; A. Chambolle, T. Pock, J. Math. Imaging Vis.
40, 2011, doi:10.1007/s10851-010-0251-1.

Whole signal. Cost: an analysis and a synthesis per iteration, RTF 0.001 each at
44.1 kHz. It wins on natural music, where high frequencies are weak, and in perceptual
measures. With the survey's 3000 iterations it is within 0.9 dB of A-SPADE with the
survey's parameters on music, as published.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rtdeclip.processors.aspade import window_for
from rtdeclip.processors.gabor import by_segments, project
from rtdeclip.processors.gabor_kernel import Gabor
from rtdeclip.stream.processor import Method, Setting
from rtdeclip.types import Samples, Signs

SEGMENT_WINDOWS = 64


def _clip_dual(
    q: NDArray[np.float32], weight: NDArray[np.float32], power: NDArray[np.float32]
) -> None:
    """Each |q| at most its bin's weight, in place; ``power`` is |q|²."""
    n_frames, n_bins = power.shape
    for i in range(n_frames):
        for k in range(n_bins):
            w, p = weight[k], power[i, k]
            share = w / np.sqrt(p) if p > w * w else np.float32(1)
            q[i, k] *= share
            q[i, n_bins + k] *= share


_clip_dual_jit = njit(nogil=True, cache=True, error_model="numpy")(_clip_dual)


class ParabolaWeighted:
    """The ``Restorer``.

    Args:
        window: frame length in samples, a size of ``simd_fft.RADICES``.
        iterations: of Chambolle-Pock.
        scale: largest weight over the signal's peak; sets how fast it converges.
    """

    def __init__(self, window: int, iterations: int, scale: float) -> None:
        self._window, self._iterations, self._scale = window, iterations, scale

    def restore(
        self, y: Samples, sign: Signs, bound: Samples, sample_rate: int
    ) -> Samples:
        """See ``Restorer.restore``."""
        length = SEGMENT_WINDOWS * self._window
        return by_segments(y, sign, bound, self._stretch, length, 2 * self._window)

    def _stretch(self, y: Samples, sign: Signs, bound: Samples) -> Samples:
        gabor = Gabor(self._window, len(y))
        place = (gabor.rank + 1).astype(np.float32) / self._window
        weight = np.float32(self._scale * np.abs(y).max()) * place**2
        q = gabor.zeros()
        power = np.zeros((gabor.n_frames, self._window), np.float32)
        x, ahead = y, y
        for _ in range(self._iterations):
            gabor.analyze(ahead, q, power)
            _clip_dual_jit(q, weight, power)
            after = project(x - gabor.synthesize(q), y, sign, bound)
            ahead = 2 * after - x
            x = after
        return x


def make(
    sample_rate: int,
    iterations: int = 500,
    window_ms: float = 170.0,
    scale: float = 30.0,
) -> ParabolaWeighted:
    """The restorer at ``sample_rate``; settings as declared in ``METHOD``."""
    window = window_for(sample_rate, window_ms)
    return ParabolaWeighted(window, iterations, scale)


METHOD = Method(
    name="cp-parabola",
    summary="Weighted l1 over the whole signal; natural on music, slow.",
    make=make,
    kind="restorer",
    settings=(
        Setting("iterations", 500, "the survey runs 3000", "", 1, 100000),
        Setting("window_ms", 170.0, "frame length, to a power of two", "ms", 5, 400),
        Setting("scale", 30.0, "largest weight over the peak", "", 1e-3, 1e6),
    ),
    source="Záviška, Rajmic & Schimmel 2019, doi:10.1109/TSP.2019.8769109",
)
