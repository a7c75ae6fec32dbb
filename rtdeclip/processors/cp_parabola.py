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

Whole signal. Cost: an analysis and a synthesis per iteration, RTF 0.002 each at
44.1 kHz. It wins on natural music, where high frequencies are weak, and in perceptual
measures.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rtdeclip.processors.gabor import Gabor, by_segments, project, window_by_duration
from rtdeclip.stream.processor import Method, Setting
from rtdeclip.types import Samples, Signs

SEGMENT_WINDOWS = 64


def _clip_dual(
    q: NDArray[np.complex64], weight: NDArray[np.float32], z: NDArray[np.complex64]
) -> None:
    """``q ← q + z``, then each |q| at most its bin's weight; in place."""
    for i in range(q.shape[0]):
        for k in range(q.shape[1]):
            v = q[i, k] + z[i, k]
            size = v.real * v.real + v.imag * v.imag
            w = weight[k]
            q[i, k] = v if size <= w * w else v * (w / np.sqrt(size))


_clip_dual_jit = njit(nogil=True, cache=True, error_model="numpy")(_clip_dual)


class ParabolaWeighted:
    """The ``Restorer``.

    Args:
        window: frame length in samples.
        iterations: of Chambolle-Pock.
        scale: largest weight over the signal's peak; sets how fast it converges.
    """

    def __init__(self, window: int, iterations: int, scale: float) -> None:
        self._gabor = Gabor(window, window // 4, 2 * window)
        self._iterations = iterations
        bins = np.arange(window + 1, dtype=np.float32)
        self._weight = np.float32(scale) * ((bins + 1) / (window + 1)) ** 2

    def restore(
        self, y: Samples, sign: Signs, bound: Samples, sample_rate: int
    ) -> Samples:
        """See ``Restorer.restore``."""
        window = self._gabor.window
        length = SEGMENT_WINDOWS * window
        return by_segments(y, sign, bound, self._stretch, length, 2 * window)

    def _stretch(self, y: Samples, sign: Signs, bound: Samples) -> Samples:
        gabor, n = self._gabor, len(y)
        weight = self._weight * np.float32(np.abs(y).max())
        x, ahead = y, y
        q = np.zeros_like(gabor.analyze(y))
        for _ in range(self._iterations):
            _clip_dual_jit(q, weight, gabor.analyze(ahead))
            after = project(x - gabor.synthesize(q, n), y, sign, bound)
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
    window = window_by_duration(sample_rate, window_ms)
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
