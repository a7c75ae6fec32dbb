"""ss-pew: social sparsity, the persistent empirical Wiener operator.

A coefficient survives by the energy of its neighbours in time and frequency, so that
partials and onsets are kept together. Over the whole signal, with D = A* the synthesis
of a tight Gabor frame, FISTA minimises the distance of D z to what is known

    ½ ‖y − D z‖² on reliable samples + ½ ‖(θ − s·D z)₊‖² on clipped ones

    z ← S_λ(u + A(Π_Γ(D u) − D u)),   S_λ: z · (1 − λ² / E)₊,
    E the sum of |z|² over 3 bins × 7 frames

for a falling ladder of λ, each started from the last. The survey's runs from 0.1 to
1e-4 for a *clean* peak of 1, 20 × 500 iterations. That peak is not known here, so the
ladder is relative to the clipped one; it matters: from a λ that is too small, clipped
samples have not grown after all iterations (2 dB less at 3 dB input), and one that is
too large blurs light clipping. The first λ does most of the work.

Source: K. Siedenburg, M. Kowalski, M. Dörfler, "Audio declipping with social sparsity",
ICASSP 2014, doi:10.1109/ICASSP.2014.6853863; M. Kowalski, K. Siedenburg, M. Dörfler,
IEEE Trans. SP 61(10), 2013, doi:10.1109/TSP.2013.2250967; parameters after
P. Záviška et al., IEEE JSTSP 15(1), 2021, doi:10.1109/JSTSP.2020.3042071.

Whole signal. Cost: RTF 0.0007 per iteration. With the survey's numbers it is the best
of its methods on music, as published: by 0.3, 0.4 and 2.6 dB over A-SPADE at 3, 7 and
15 dB input (``python -m bench.classical --survey``); with the five steps set here it
wins on tonal pieces and light clipping.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rtdeclip.processors.aspade import window_for
from rtdeclip.processors.gabor import by_segments, project
from rtdeclip.processors.gabor_kernel import Gabor
from rtdeclip.processors.prior_kernel import neighbours
from rtdeclip.processors.simd_fft import bin_order, host_lanes, plan_for
from rtdeclip.stream.processor import Method, Setting
from rtdeclip.types import Samples, Signs

SEGMENT_WINDOWS = 64
HALF_TIME = 3  # of the neighbourhood: 7 frames × 3 bins
SETTLED = 1e-4  # relative change of the coefficients at which a λ is done


# Glossary: z coefficients (real parts, then imaginary ones), u the extrapolated ones,
# energy |u|² summed over the bins beside, row over the frames beside.
def _across_bins(
    power: NDArray[np.float32],
    beside: NDArray[np.int32],
    energy: NDArray[np.float32],
) -> None:
    """``energy``: power summed over three bins; outermost ones count twice."""
    n_frames, n_bins = power.shape
    for i in range(n_frames):
        for k in range(n_bins):
            total = power[i, k] + power[i, beside[0, k]] + power[i, beside[1, k]]
            energy[i, k] = total


def _shrink(
    u: NDArray[np.float32],
    z: NDArray[np.float32],
    threshold: float,
    momentum: float,
    energy: NDArray[np.float32],
    row: NDArray[np.float32],
) -> float:
    """The persistent empirical Wiener operator, and the step beyond of FISTA.

    Args:
        u: ``(n_frames, 2 n_bins)``; S_λ(u) + momentum · (S_λ(u) − z) afterwards.
        z: the last iteration's S_λ(u); this one's afterwards.
        threshold: λ.
        momentum: share of the step beyond.
        energy: ``(n_frames, n_bins)`` of ``_across_bins``.
        row: ``(n_bins,)`` scratch.

    Returns:
        how much z has changed, ‖z⁺ − z‖² / ‖z⁺‖².
    """
    n_frames, n_bins = energy.shape
    square, beyond = np.float32(threshold * threshold), np.float32(momentum)
    changed, size = 0.0, 0.0
    for i in range(n_frames):
        row[:] = np.float32(1e-30)
        for j in range(max(i - HALF_TIME, 0), min(i + HALF_TIME + 1, n_frames)):
            for k in range(n_bins):
                row[k] += energy[j, k]
        for k in range(n_bins):
            row[k] = max(np.float32(0), np.float32(1) - square / row[k])
        step, whole = np.float32(0), np.float32(0)
        for k in range(n_bins):
            re, im = u[i, k] * row[k], u[i, n_bins + k] * row[k]
            d_re, d_im = re - z[i, k], im - z[i, n_bins + k]
            step += d_re * d_re + d_im * d_im
            whole += re * re + im * im
            z[i, k], z[i, n_bins + k] = re, im
            u[i, k] = re + beyond * d_re
            u[i, n_bins + k] = im + beyond * d_im
        changed += float(step)
        size += float(whole)
    return changed / max(size, 1e-30)


_across_bins_jit = njit(nogil=True, cache=True, error_model="numpy")(_across_bins)
# Sums may be taken in lanes.
_shrink_jit = njit(
    nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "contract"}
)(_shrink)


class SocialSparsity:
    """The ``Restorer``.

    Args:
        window: frame length in samples, a size of ``simd_fft.RADICES``.
        steps: values of λ.
        inner: most iterations at each.
        first: the largest λ over the clipped peak, in frames of 8192 …
        last: … and the smallest.
    """

    def __init__(
        self, window: int, steps: int, inner: int, first: float, last: float
    ) -> None:
        self._window = window
        # √2: a coefficient here stands for a pair of conjugates.
        scale = np.sqrt(2.0 * window / 8192)
        self._ladder = np.geomspace(first, last, steps) * scale
        self._inner = inner
        self._beside = neighbours(bin_order(plan_for(window, host_lanes())))

    def restore(
        self, y: Samples, sign: Signs, bound: Samples, sample_rate: int
    ) -> Samples:
        """See ``Restorer.restore``."""
        length = SEGMENT_WINDOWS * self._window
        return by_segments(y, sign, bound, self._stretch, length, 2 * self._window)

    def _stretch(self, y: Samples, sign: Signs, bound: Samples) -> Samples:
        peak = np.float32(np.abs(y).max())
        y, bound = y / peak, bound / peak
        gabor = Gabor(self._window, len(y))
        z, u = gabor.zeros(), gabor.zeros()
        energy = np.zeros((gabor.n_frames, self._window), np.float32)
        power, row = np.zeros_like(energy), np.zeros(self._window, np.float32)
        for threshold in self._ladder:
            u[:] = z
            for k in range(1, self._inner + 1):
                x = gabor.synthesize(u)
                gabor.analyze(project(x, y, sign, bound) - x, u, power)
                _across_bins_jit(power, self._beside, energy)
                momentum = (k - 1) / (k + 5)
                changed = _shrink_jit(u, z, threshold, momentum, energy, row)
                if changed <= SETTLED**2:
                    break
        return gabor.synthesize(z) * peak


def make(
    sample_rate: int,
    steps: int = 5,
    inner: int = 500,
    window_ms: float = 170.0,
    first: float = 0.3,
    last: float = 3e-4,
) -> SocialSparsity:
    """The restorer at ``sample_rate``; settings as declared in ``METHOD``."""
    window = window_for(sample_rate, window_ms)
    return SocialSparsity(window, steps, inner, first, last)


METHOD = Method(
    name="ss-pew",
    summary="Social sparsity over the whole signal; strong on tonal music, slow.",
    make=make,
    kind="restorer",
    settings=(
        Setting(
            "steps",
            5,
            "values of the threshold; the survey runs 20",
            "",
            2,
            200,
        ),
        Setting("inner", 500, "most iterations at each", "", 1, 10000),
        Setting("window_ms", 170.0, "frame length, to a power of two", "ms", 5, 400),
        Setting(
            "first", 0.3, "the largest threshold over the clip level", "", 1e-6, 1e3
        ),
        Setting("last", 3e-4, "the smallest", "", 1e-6, 1e3),
    ),
    source="Siedenburg, Kowalski & Dörfler 2014, doi:10.1109/ICASSP.2014.6853863",
)
