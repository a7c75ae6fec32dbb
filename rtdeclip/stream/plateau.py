"""Is there a smeared plateau at the top of a histogram, where, and how sure?

A clipped signal piles its peaks up at the clip level: a band of magnitudes holds
far more samples than the bands just below it, and almost nothing lies above it.
Noise, dither, resampling and codecs widen that band but do not remove it.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rtdeclip.stream.histogram import N_BINS, edge_of, place_of

WIDTHS = (0.002, 0.005, 0.01, 0.02, 0.04)
"""Half widths of the band, relative to the level."""
PILE_UP = 2.5
"""How many times denser than the band below a plateau must be."""
MOST_ABOVE = 0.25
"""How much of the plateau's count may lie above its band."""
FEWEST = 20.0
"""A plateau of fewer samples is not looked for."""


def _find_plateau(
    counts: NDArray[np.float32], weight: float, found: NDArray[np.float64]
) -> bool:
    # counts: (N_BINS,) of one polarity, where one new sample counts ``weight``.
    # found: (3,) level, edge, confidence out.
    # above[k]: samples in the bins k and up, for the bins worth a look.
    top = N_BINS - 1
    while top > 0 and counts[top] <= 0.0:
        top -= 1
    if top == 0:
        return False
    span = 512
    low = max(1, top - span)
    above = np.zeros(span + 64)
    total = 0.0
    for i in range(top, low - 1, -1):
        total += counts[i] / weight
        above[i - low] = total
    best = 0.0
    for i in range(top, low, -1):
        if above[i - low] > 4.0 * FEWEST and above[i - low] > 0.5 * total:
            break
        t = edge_of(i + 0.5)
        for w in WIDTHS:
            hi = int(place_of(t * (1.0 + w)) + 0.5)
            lo = int(place_of(t * (1.0 - w)) + 0.5)
            if lo == hi:
                lo -= 1
            far = int(place_of(t * (1.0 + 2.0 * w)) + 1.0)
            b_hi = int(place_of(t * (1.0 - 2.0 * w)) + 0.5)
            b_lo = int(place_of(t * (1.0 - 6.0 * w)) + 0.5)
            if b_lo < low or b_hi <= b_lo:
                continue
            over = above[far - low] if far <= top else 0.0
            n = above[lo - low] - (above[hi - low] if hi <= top else 0.0)
            if n < FEWEST or over > MOST_ABOVE * n:
                continue
            below = (above[b_lo - low] - above[b_hi - low]) * (hi - lo) / (b_hi - b_lo)
            if n <= PILE_UP * below + 3.0 * np.sqrt(below + 1.0):
                continue
            score = n / (below + 3.0)
            if score > best:
                best = score
                found[0] = t
                found[1] = t * (1.0 - w)
                found[2] = min(1.0, 1.0 - PILE_UP * below / n)
    return best > 0.0


find_plateau = njit(nogil=True, cache=True, error_model="numpy")(_find_plateau)
