"""Level meters: peak with hold and fall, RMS, true peak; one object a channel."""

import math

import numpy as np
from numpy.typing import NDArray

from rtdeclip.types import Samples

FLOOR_DB = -60.0
FALL_DB_PER_S = 20.0
HOLD_S = 1.5
_RMS_S = 0.3
_PHASES, _TAPS = 4, 12


def _interpolators() -> NDArray[np.float64]:
    """``(3, 12)`` taps that give the quarter points between two samples.

    A windowed sinc; the over-read of ITU-R BS.1770-5, annex 2, with four times the
    rate, stays below 0.6 dB.
    """
    n = np.arange(_TAPS) - _TAPS / 2 + 1
    shifts = np.arange(1, _PHASES)[:, None] / _PHASES
    window = np.cos(np.pi * (n - shifts) / (_TAPS + 1)) ** 2
    taps = np.sinc(n - shifts) * window
    return np.asarray(taps / taps.sum(axis=1, keepdims=True))


_FILTERS = _interpolators()


def to_db(magnitude: float) -> float:
    """Linear to dBFS, not below ``FLOOR_DB``.

    Example:
        >>> to_db(1.0), to_db(0.0)
        (0.0, -60.0)
    """
    return max(FLOOR_DB, 20.0 * math.log10(magnitude)) if magnitude > 0 else FLOOR_DB


class Meter:
    """One channel's level, fed with sound, read in dBFS.

    Args:
        sample_rate: Hz.

    Attributes:
        peak_db: sample peak, falling by 20 dB a second.
        hold_db: highest peak, held for 1.5 s.
        rms_db: over about 0.3 s.
        true_peak_db: highest level between the samples since the last ``reset``.
    """

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._tail = np.zeros(_TAPS - 1, np.float32)
        self.reset()

    def reset(self) -> None:
        """Forget the highest values."""
        self.peak_db = self.hold_db = self.rms_db = self.true_peak_db = FLOOR_DB
        self._square = self._held_s = 0.0

    def feed(self, x: Samples) -> None:
        """``(n,)`` float32, the sound since the last call."""
        if not len(x):
            return
        x = np.nan_to_num(x)
        seconds = len(x) / self._rate
        peak = to_db(float(np.abs(x).max()))
        self.peak_db = max(peak, self.peak_db - FALL_DB_PER_S * seconds, FLOOR_DB)
        self._hold(peak, seconds)
        keep = 0.5 ** (seconds / _RMS_S)
        power = float(np.dot(x, x)) / len(x)
        self._square = keep * self._square + (1.0 - keep) * power
        self.rms_db = to_db(math.sqrt(self._square))
        self.true_peak_db = max(self.true_peak_db, to_db(self._true_peak(x)))

    def _hold(self, peak: float, seconds: float) -> None:
        self._held_s += seconds
        if peak >= self.hold_db:
            self.hold_db, self._held_s = peak, 0.0
        elif self._held_s > HOLD_S:
            fallen = self.hold_db - FALL_DB_PER_S * seconds
            self.hold_db = max(self.peak_db, fallen)

    def _true_peak(self, x: Samples) -> float:
        line = np.concatenate([self._tail, x])
        self._tail = line[1 - _TAPS :]
        peak = float(np.abs(line).max())
        for taps in _FILTERS:
            between = np.convolve(line, taps[::-1], "valid")
            if len(between):
                peak = max(peak, float(np.abs(between).max()))
        return peak
