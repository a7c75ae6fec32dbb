"""How often each amplitude occurs: the histogram that shows where sound is clipped."""

import numpy as np
from numpy.typing import NDArray

from rtdeclip.types import Samples

LIMIT = 4.0
"""Largest magnitude with a bin of its own (+12 dBFS)."""
BIN = 0.02
N_BINS = round(2 * LIMIT / BIN) + 1
HALF_LIFE_S = 3.0
_NEAR = 0.004
"""Half width of the plateau, relative, in which samples speak for a clip level."""


class Density:
    """A histogram of amplitudes that forgets with a half life.

    Args:
        sample_rate: Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self.counts = np.zeros(N_BINS)

    def add(self, x: Samples) -> None:
        """``(n,)`` float32, any n; magnitudes beyond ``LIMIT`` go to the last bins."""
        if not len(x):
            return
        self.counts *= 0.5 ** (len(x) / (HALF_LIFE_S * self._rate))
        held = np.clip(np.nan_to_num(x), -LIMIT, LIMIT)
        index = np.rint((held + LIMIT) / BIN).astype(np.int64)
        self.counts += np.bincount(index, minlength=N_BINS)

    def shares(self) -> NDArray[np.float64]:
        """``(N_BINS,)`` log density, 0 … 1: a decade of counts is a third."""
        total = self.counts.sum()
        if total <= 0.0:
            return np.zeros(N_BINS)
        share = self.counts / total
        return np.asarray(np.clip(1.0 + np.log10(share + 1e-12) / 3.0, 0.0, 1.0))


def amplitudes() -> NDArray[np.float64]:
    """``(N_BINS,)`` middles of the bins, −``LIMIT`` … ``LIMIT``."""
    return np.asarray(BIN * np.arange(N_BINS) - LIMIT)


def confidence(x: Samples, level: float) -> float:
    """How much the samples themselves speak for a clip level, 0 … 1.

    The share of the samples at the level that the sound just below it does not
    explain; 0 where nothing lies there, or more lies above it.

    Args:
        x: ``(n,)`` float32, one polarity's samples as magnitudes count; others may be
            there.
        level: magnitude, linear, > 0; negative asks about negative samples.

    Example:
        >>> import numpy as np
        >>> sine = np.sin(np.arange(4800) * 0.05).astype(np.float32)
        >>> confidence(np.clip(sine, -0.7, 0.7), 0.7) > 0.9
        True
        >>> confidence(sine, 0.5)
        0.0
    """
    if level == 0.0:
        return 0.0
    relative = x / np.float32(level)
    at = np.count_nonzero(np.abs(relative - 1.0) <= _NEAR)
    above = np.count_nonzero(relative > 1.0 + _NEAR)
    wide = (relative < 1.0 - _NEAR) & (relative >= 1.0 - 9 * _NEAR)
    below = np.count_nonzero(wide) / 4.0
    if at == 0 or above > 0.25 * at:
        return 0.0
    return float(np.clip(1.0 - below / at, 0.0, 1.0))
