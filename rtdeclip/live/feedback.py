"""The feedback guard: hears a howl coming and says so before it hurts.

Feedback is one frequency that grows by itself, steadily, to the ceiling. Three signs
together, looked at 25 times a second over the newest 4096 samples: one narrow band
holds most of the energy, its level has risen by 6 dB or more within the last half
second without ever falling back, and it has come within 12 dB of the ceiling.
A held note is narrow but does not rise; an attack rises but within a look or two.
"""

import math
from collections import deque

import numpy as np

from rtdeclip.types import Samples

LENGTH = 4096
NARROW_SHARE = 0.7
RISE_DB = 6.0
NEAR_DB = 12.0
LOOKS = 12
_FALL_DB = 0.5
_LEAST_RISING_LOOKS = 8


class FeedbackGuard:
    """Judges one channel's output.

    Args:
        ceiling: magnitude it would howl up to, linear.
    """

    def __init__(self, ceiling: float = 1.0) -> None:
        self._ceiling = ceiling
        self._window = np.hanning(LENGTH).astype(np.float32)
        self._past: deque[tuple[int, float]] = deque(maxlen=LOOKS)

    def hears_howl(self, newest: Samples) -> bool:
        """True when the newest samples end in growing feedback.

        Args:
            newest: ``(n,)`` float32 with n ≥ ``LENGTH``; the last ones count.
        """
        x = np.asarray(newest[-LENGTH:], np.float32)  # enough, and half the work
        spectrum = np.abs(np.fft.rfft(x * self._window)) ** 2
        peak = int(np.argmax(spectrum))
        band = spectrum[max(0, peak - 3) : peak + 4].sum()
        if band < NARROW_SHARE * spectrum.sum() or band == 0.0:
            self._past.clear()
            return False
        level_db = 10.0 * math.log10(2.0 * float(np.mean(x * x)) + 1e-20)
        if self._past and abs(self._past[-1][0] - peak) > 3:
            self._past.clear()  # another note
        self._past.append((peak, level_db))
        return self._rising() and level_db > self._near_db()

    def _near_db(self) -> float:
        return 20.0 * math.log10(self._ceiling) - NEAR_DB

    def _rising(self) -> bool:
        levels = [level for _, level in self._past]
        if len(levels) < LOOKS or levels[-1] - levels[0] < RISE_DB:
            return False
        steps = np.diff(levels)
        rising = int((steps > 0.05).sum())
        return bool(steps.min() > -_FALL_DB) and rising >= _LEAST_RISING_LOOKS

    def reset(self) -> None:
        """Forget what was heard."""
        self._past.clear()
