"""ss-pew: social sparsity, the persistent empirical Wiener operator.

A coefficient survives by the energy of its neighbours in time and frequency, so that
partials and onsets are kept together. Over the whole signal, with D = A* the synthesis
of a tight Gabor frame, FISTA minimises the distance of D z to what is known

    ½ ‖y − D z‖² on reliable samples + ½ ‖(θ − s·D z)₊‖² on clipped ones

    z ← S_λ(u + A(Π_Γ(D u) − D u)),   S_λ: z · (1 − λ² / E)₊,
    E the sum of |z|² over 3 bins × 7 frames

for a falling ladder of λ, each started from the last. The ladder starts where λ is near
the coefficients of a loud partial: from the published 0.1 the clipped samples need
thousands of iterations to grow.

Source: K. Siedenburg, M. Kowalski, M. Dörfler, "Audio declipping with social sparsity",
ICASSP 2014, doi:10.1109/ICASSP.2014.6853863; M. Kowalski, K. Siedenburg, M. Dörfler,
IEEE Trans. SP 61(10), 2013, doi:10.1109/TSP.2013.2250967; parameters after
P. Záviška et al., IEEE JSTSP 15(1), 2021, doi:10.1109/JSTSP.2020.3042071.

Whole signal. Cost: RTF 0.003 per iteration, λ steps × inner iterations of them. The
survey's best by SDR after thousands of iterations; with the 500 set here it stays a
little behind ``sspade``, so it counts as experimental.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rtdeclip.processors.gabor import (
    Coefficients,
    Gabor,
    by_segments,
    project,
    window_by_duration,
)
from rtdeclip.stream.processor import Method, Setting
from rtdeclip.types import Samples, Signs

SEGMENT_WINDOWS = 64
HALF_TIME, HALF_FREQUENCY = 3, 1  # of the neighbourhood: 7 frames × 3 bins
LADDER = (5.0, 3e-2)  # first and last λ: peak 1, window 8192; as √window otherwise


def _shrink(
    z: NDArray[np.complex64],
    threshold: float,
    energy: NDArray[np.float32],
    row: NDArray[np.float32],
) -> None:
    """The persistent empirical Wiener operator, in place.

    Args:
        z: ``(n_frames, n_bins)`` coefficients.
        threshold: λ.
        energy: scratch like ``z``: energy summed over the neighbouring bins.
        row: ``(n_bins,)`` scratch.
    """
    n_frames, n_bins = z.shape
    for i in range(n_frames):
        for k in range(n_bins):
            v = z[i, k]
            row[k] = v.real * v.real + v.imag * v.imag
        for k in range(n_bins):
            total = row[k]
            for d in range(1, HALF_FREQUENCY + 1):
                if k >= d:
                    total += row[k - d]
                if k + d < n_bins:
                    total += row[k + d]
            energy[i, k] = total
    square = np.float32(threshold * threshold)
    for i in range(n_frames):
        row[:] = 0.0
        for j in range(max(i - HALF_TIME, 0), min(i + HALF_TIME + 1, n_frames)):
            for k in range(n_bins):
                row[k] += energy[j, k]
        for k in range(n_bins):
            gain = np.float32(0.0)
            if row[k] > square:
                gain = np.float32(1.0) - square / row[k]
            z[i, k] *= gain


_shrink_jit = njit(nogil=True, cache=True, error_model="numpy")(_shrink)


class SocialSparsity:
    """The ``Restorer``.

    Args:
        window: frame length in samples.
        steps: values of λ.
        inner: iterations at each.
    """

    def __init__(self, window: int, steps: int, inner: int) -> None:
        self._gabor = Gabor(window, window // 4, 2 * window)
        self._ladder = np.geomspace(*LADDER, steps) * np.sqrt(window / 8192)
        self._inner = inner

    def restore(
        self, y: Samples, sign: Signs, bound: Samples, sample_rate: int
    ) -> Samples:
        """See ``Restorer.restore``."""
        window = self._gabor.window
        length = SEGMENT_WINDOWS * window
        return by_segments(y, sign, bound, self._stretch, length, 2 * window)

    def _stretch(self, y: Samples, sign: Signs, bound: Samples) -> Samples:
        peak = np.float32(np.abs(y).max())
        y, bound = y / peak, bound / peak
        z = np.zeros_like(self._gabor.analyze(y))
        for threshold in self._ladder:
            z = self._descend(z, float(threshold), y, sign, bound)
        return self._gabor.synthesize(z, len(y)) * peak

    def _descend(
        self,
        z: Coefficients,
        threshold: float,
        y: Samples,
        sign: Signs,
        bound: Samples,
    ) -> Coefficients:
        """FISTA at one λ, from ``z``."""
        gabor, n = self._gabor, len(y)
        energy = np.empty(z.shape, np.float32)
        row = np.empty(z.shape[1], np.float32)
        u = z
        for k in range(1, self._inner + 1):
            x = gabor.synthesize(u, n)
            after = u + gabor.analyze(project(x, y, sign, bound) - x)
            _shrink_jit(after, threshold, energy, row)
            u = after + np.float32((k - 1) / (k + 5)) * (after - z)
            z = after
        return z


def make(
    sample_rate: int, steps: int = 20, inner: int = 25, window_ms: float = 170.0
) -> SocialSparsity:
    """The restorer at ``sample_rate``; settings as declared in ``METHOD``."""
    return SocialSparsity(window_by_duration(sample_rate, window_ms), steps, inner)


METHOD = Method(
    name="ss-pew",
    summary="Social sparsity over the whole signal; strong and slow.",
    make=make,
    kind="restorer",
    settings=(
        Setting("steps", 20, "values of the falling threshold", "", 2, 200),
        Setting("inner", 25, "iterations at each; the survey runs 500", "", 1, 10000),
        Setting("window_ms", 170.0, "frame length, to a power of two", "ms", 5, 400),
    ),
    source="Siedenburg, Kowalski & Dörfler 2014, doi:10.1109/ICASSP.2014.6853863",
    note="experimental",
)
