"""A leaky histogram of magnitudes on logarithmic bins, one row per polarity.

The bin of a magnitude is the upper part of its float32 bit pattern: the exponent
and the first nine bits of the mantissa. That is a logarithm to within 6 %, for one
shift instead of a call: 512 bins an octave, each 0.1 to 0.2 % wide.

Old counts fade because new ones weigh more: the weight grows from block to block,
and once it is large everything is scaled back. No bin is touched in between.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

SHIFT = 14
BINS_PER_OCTAVE = 1 << (23 - SHIFT)
OCTAVES_BELOW_FULL_SCALE = 14
OCTAVES_ABOVE_FULL_SCALE = 4
FIRST_KEY = (127 - OCTAVES_BELOW_FULL_SCALE) << (23 - SHIFT)
N_BINS = (OCTAVES_BELOW_FULL_SCALE + OCTAVES_ABOVE_FULL_SCALE) * BINS_PER_OCTAVE
FLOOR = 2.0**-OCTAVES_BELOW_FULL_SCALE
"""Magnitudes below −84 dBFS have no bin: there is nothing to restore there."""


def _edge_of(i: float) -> float:
    octave = np.floor(i / BINS_PER_OCTAVE)
    part = i / BINS_PER_OCTAVE - octave
    return float(2.0 ** (octave - OCTAVES_BELOW_FULL_SCALE) * (1.0 + part))


def _place_of(magnitude: float) -> float:
    octave = np.floor(np.log2(magnitude))
    part = magnitude / 2.0**octave - 1.0
    return float((octave + OCTAVES_BELOW_FULL_SCALE + part) * BINS_PER_OCTAVE)


edge_of = njit(nogil=True, cache=True)(_edge_of)
"""Lower edge (linear magnitude) of bin ``i``; fractions interpolate."""
place_of = njit(nogil=True, cache=True)(_place_of)
"""The (fractional) bin of a magnitude > 0: the inverse of ``edge_of``."""


def empty() -> NDArray[np.float32]:
    """``(2, N_BINS)`` float32 zeros: row 0 the positive samples, row 1 the negative."""
    return np.zeros((2, N_BINS), np.float32)
