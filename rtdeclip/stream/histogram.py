"""Leaky histograms of magnitudes on logarithmic bins, what the plateau test reads.

The bin of a magnitude is the upper part of its float32 bit pattern: the exponent
and the first nine bits of the mantissa. That is a logarithm to within 6 %, for one
shift instead of a call: 512 bins an octave, each 0.1 to 0.2 % wide.

Old counts fade because new ones weigh more: the weight grows from block to block,
and once it is large everything is scaled back. No bin is touched in between.
"""

import numpy as np
from numpy.typing import NDArray

SHIFT = 14
BINS_PER_OCTAVE = 1 << (23 - SHIFT)
OCTAVES_BELOW_FULL_SCALE = 14
OCTAVES_ABOVE_FULL_SCALE = 4
FIRST_KEY = (127 - OCTAVES_BELOW_FULL_SCALE) << (23 - SHIFT)
N_BINS = (OCTAVES_BELOW_FULL_SCALE + OCTAVES_ABOVE_FULL_SCALE) * BINS_PER_OCTAVE
FLOOR = 2.0**-OCTAVES_BELOW_FULL_SCALE
"""Magnitudes below −84 dBFS have no bin: there is nothing to restore there."""
LARGEST = 15.9
"""Beyond +24 dBFS (and for infinities) a sample is not sound and has no bin."""

SAMPLES, PEAKS, KNEES = range(3)
"""What is counted: samples; the peaks of excursions; corners (``detect.watch``)."""


def edges() -> NDArray[np.float64]:
    """``(N_BINS + 1,)`` float64: the lower edge of each bin, then the last's upper."""
    octave, part = np.divmod(np.arange(N_BINS + 1), BINS_PER_OCTAVE)
    scale: NDArray[np.float64] = 2.0 ** (octave - OCTAVES_BELOW_FULL_SCALE)
    return scale * (1.0 + part / BINS_PER_OCTAVE)


def bin_of(magnitude: float) -> int:
    """The bin of a magnitude in [FLOOR, LARGEST].

    >>> float(edges()[bin_of(0.5)])
    0.5
    """
    return (int(np.float32(magnitude).view(np.int32)) >> SHIFT) - FIRST_KEY


def empty() -> NDArray[np.float32]:
    """``(2, 3, N_BINS)`` float32 zeros: polarity (positive first), kind, bin."""
    return np.zeros((2, 3, N_BINS), np.float32)
