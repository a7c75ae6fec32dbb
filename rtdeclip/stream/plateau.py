"""Is there a smeared plateau at the top of a histogram, where, and how sure?

A clipped signal piles its peaks up at the clip level: a band of magnitudes holds
far more samples than the bands just below it, and almost nothing lies above.
Noise, dither, resampling and codecs widen the band but do not remove it. A tone
piles up too, at the tops of its sines, and a limiter piles up peaks without
flattening them; so three things are counted: samples, peaks of excursions, and
corners (a steep climb that stops dead), which neither a tone nor a limiter makes.

The evidence is one score, log-odds of clipping, of

    N  samples in the band t·(1 ± w),        B  the same expected from below it,
    P  excursions that peak in the band,     Q  the same expected from below it,
    O  samples above t·(1 + 3w),             C  corners in the band,

with "below" the band t·(1 − 8w) … t·(1 − 2w). The weights were fitted by logistic
regression: training recordings clipped at 0.2 and 0.5 of their peak, then coded,
resampled or mixed with noise, against training and test recordings unclipped. What
a corner is was narrowed afterwards without a new fit, and the thresholds below were
chosen on the test recordings and the alarms of the training ones, so what
``bench.detection`` reports of those is no blind test.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rtdeclip.stream.histogram import (
    BINS_PER_OCTAVE,
    KNEES,
    N_BINS,
    PEAKS,
    SAMPLES,
    bin_of,
    edges,
)

HALF_WIDTHS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.04, 0.06)
"""Half widths w of the band, relative to its centre."""
STRIDES = (1, 1, 1, 2, 4, 5, 7, 10)
"""Of bands that wide only each so-many-th place is tried: about a quarter of w."""
SURE = 1.23
"""Score from which a plateau is taken as found."""
LIKELY = -0.7
"""Score that will do where the plateau was found before."""
TWIN = -2.0
"""Score that will do for both polarities if their levels agree within ``ALIKE``."""
ALIKE = 0.005
PAIR = 0.5
"""Sum of both polarities' scores that will do if they agree within ``NEIGHBOUR``."""
NEIGHBOUR = 0.03
"""Relative; plateaus this close (of both polarities, or then and now) are one."""
SPAN = 640
"""How far below the highest bin a plateau is looked for, in bins (1.25 octaves)."""
SCRATCH = 2 * BINS_PER_OCTAVE + SPAN + 1
ENOUGH = 0.5
"""Counts above the highest bin worth a look: less is what faded away."""
MOST_ABOVE = 0.35
"""Share of the band's samples that may lie above it."""
FEWEST = 8.0
"""Fewer samples are no plateau."""
LONG_FLAT = 3.0
"""Samples per excursion from which a clipped top must show corners."""
FEW_CORNERS = 0.1
"""Corners per excursion below which a long flat is drawn (square waves), not cut."""

DRAWN = 0.955
"""Share of the loud samples within 3 dB of the level from which it is drawn (a
band-limited square wave): a sine clipped to a fifth of its height has 0.93."""

FOUND_LEVEL, FOUND_EDGE, FOUND_SCORE = range(3)


def _offsets() -> NDArray[np.int32]:
    # (width, bin within its octave, 5): where the borders of the bands around a
    # bin lie, in bins from it. The same in every octave, so it is computed once.
    e = edges()
    first = 8 * BINS_PER_OCTAVE
    out = np.zeros((len(HALF_WIDTHS), BINS_PER_OCTAVE, 5), np.int32)
    for j, w in enumerate(HALF_WIDTHS):
        for k in range(BINS_PER_OCTAVE):
            i = first + k
            t = 0.5 * (e[i] + e[i + 1])
            relative = (1 - w, 1 + w, 1 + 3 * w, 1 - 2 * w, 1 - 8 * w)
            lo, hi, far, near, deep = (_nearest(e, t * r) - i for r in relative)
            if lo == hi:
                lo, hi = 0, 1
            out[j, k] = (lo, hi, max(hi, far), min(lo, near), min(lo, near) - 2)
            out[j, k, 4] = min(out[j, k, 4], deep)
    return out


def _nearest(e: NDArray[np.float64], magnitude: float) -> int:
    i = bin_of(magnitude)
    return i + int(magnitude - e[i] > e[i + 1] - magnitude)


OFFSETS = _offsets()
EDGES = edges()


def _score(
    n: float, b: float, over: float, p: float, q: float, corners: float
) -> float:
    if n > LONG_FLAT * p and corners < FEW_CORNERS * p:
        return -np.inf
    return (
        3.77
        + 3.72 * np.log((n + 0.5) / (b + 1.0))
        - 1.85 * min(3.0, np.log((p + 0.5) / (q + 0.5)))
        - 16.94 / np.sqrt(p)
        - 10.73 * over / n
        + 1.64 * min(1.0, np.log((corners + 0.5) / (p + 1.0)))
    )


score = njit(nogil=True, cache=True, error_model="numpy")(_score)


def _refine(
    counts: NDArray[np.float32], lo: int, hi: int, edges: NDArray[np.float64]
) -> float:
    # The densest place in the bins [lo, hi), by a triangular window about as wide
    # as half the band, then the mean around it.
    reach = min(8, max(2, (hi - lo) // 3))
    best = -1.0
    at = lo
    for i in range(lo, hi):
        total = 0.0
        room = 0.0
        for j in range(max(0, i - reach), min(N_BINS, i + reach + 1)):
            weight = reach + 1.0 - abs(i - j)
            total += weight * counts[j]
            room += weight * (edges[j + 1] - edges[j]) / edges[j]
        if total / room > best:
            best = total / room
            at = i
    total = 0.0
    moment = 0.0
    for j in range(max(0, at - reach), min(N_BINS, at + reach + 1)):
        total += counts[j]
        moment += counts[j] * 0.5 * (edges[j] + edges[j + 1])
    return moment / total


refine = njit(nogil=True, cache=True, error_model="numpy")(_refine)


def _find_plateau(
    counts: NDArray[np.float32],
    weight: float,
    floor: int,
    offsets: NDArray[np.int32],
    edges: NDArray[np.float64],
    above: NDArray[np.float32],
    found: NDArray[np.float64],
) -> None:
    # counts: (3, N_BINS) of one polarity, where one new event counts ``weight``.
    # floor: the bins below it are not complete.
    # above: (3, SCRATCH) work space: events in a bin and higher.
    # found: (3,) level, edge and score of the best band; the score is −inf if none.
    found[FOUND_SCORE] = -np.inf
    top = N_BINS - 1
    outliers = np.float64(counts[SAMPLES, top])
    while top > 0 and outliers < ENOUGH * weight:
        top -= 1
        outliers += counts[SAMPLES, top]
    low = top - SPAN - BINS_PER_OCTAVE
    if low < 0 or top + BINS_PER_OCTAVE >= N_BINS:
        return
    for kind in range(3):
        total = 0.0
        for i in range(top + BINS_PER_OCTAVE, low - 1, -1):
            total += counts[kind, i] / weight
            above[kind, i - low] = total
    most = DRAWN * above[SAMPLES, 0]
    best_width = -1
    best_bin = 0
    for i in range(top, top - SPAN, -1):
        if above[SAMPLES, i + 1 - low] > MOST_ABOVE * above[SAMPLES, 0]:
            # What lies above narrow bands is already too much; wide ones reach up.
            far = offsets[-1, i % BINS_PER_OCTAVE, 2]
            if above[SAMPLES, i + far - low] > MOST_ABOVE * above[SAMPLES, 0]:
                break
        if above[SAMPLES, i - BINS_PER_OCTAVE // 2 - low] > most:
            continue
        for j in range(offsets.shape[0]):
            if i % STRIDES[j] != 0:
                continue
            o = offsets[j, i % BINS_PER_OCTAVE]
            lo, hi, far = i + o[0] - low, i + o[1] - low, i + o[2] - low
            near, deep = i + o[3] - low, i + o[4] - low
            if deep < max(0, floor - low):
                continue
            n = above[SAMPLES, lo] - above[SAMPLES, hi]
            over = above[SAMPLES, far]
            p = above[PEAKS, lo] - above[PEAKS, far]
            if n < FEWEST or over > MOST_ABOVE * n or p < 0.5:
                continue
            share = (hi - lo) / (near - deep)
            b = (above[SAMPLES, deep] - above[SAMPLES, near]) * share
            q = (above[PEAKS, deep] - above[PEAKS, near]) * share
            c = above[KNEES, lo] - above[KNEES, hi]
            z = score(n, b, over, p, q, c)
            if z > found[FOUND_SCORE]:
                found[FOUND_SCORE] = z
                best_width = j
                best_bin = i
    if best_width >= 0:
        o = offsets[best_width, best_bin % BINS_PER_OCTAVE]
        lo, hi = best_bin + o[0], best_bin + o[1]
        slack = (hi - lo) // 4
        found[FOUND_LEVEL] = refine(counts[SAMPLES], lo - slack, hi + slack, edges)
        found[FOUND_EDGE] = min(edges[lo], found[FOUND_LEVEL])


find_plateau = njit(nogil=True, cache=True, error_model="numpy")(_find_plateau)
