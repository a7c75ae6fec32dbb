"""How much louder the restored sound is than its input, for a fair A/B comparison.

Loudness is K-weighted power (ITU-R BS.1770-5, annex 1) of blocks of 0.4 s, weighted in
the frequency domain; silent blocks do not count. The weights are those of 48 kHz taken
at the same frequencies, which is exact to 0.1 dB below 10 kHz for other rates.
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from rtdeclip.types import Samples

BLOCK_S = 0.4
KEPT = 25
"""Blocks that count: the last ten seconds."""
LARGEST_DB = 12.0
_SETTLE_S = 0.1
_GATE = 1e-7
"""−70 dB: blocks below it are silence."""

# BS.1770-5, tables 1 and 2: numerator, denominator of the shelf and the high-pass.
_STAGES = (
    (
        (1.53512485958697, -2.69169618940638, 1.19839281085285),
        (1.0, -1.69065929318241, 0.73248077421585),
    ),
    ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621)),
)


def k_weights(n_samples: int, sample_rate: int) -> NDArray[np.float64]:
    """``(n_samples // 2 + 1,)`` power weights of an rfft's bins.

    Example:
        >>> round(float(k_weights(480, 48000)[10]), 2)  # 1 kHz: 0.69 dB
        1.17
    """
    frequency = np.fft.rfftfreq(n_samples, 1.0 / sample_rate)
    z = np.exp(-2j * np.pi * frequency / 48000.0)
    response = np.ones(len(z), np.complex128)
    for numerator, denominator in _STAGES:
        response *= np.polyval(numerator[::-1], z) / np.polyval(denominator[::-1], z)
    return np.asarray(np.abs(response) ** 2)


class LoudnessMatch:
    """Compares input and output as they come.

    Args:
        sample_rate: Hz.
        n_channels: 1 or more.
    """

    def __init__(self, sample_rate: int, n_channels: int) -> None:
        n = round(BLOCK_S * sample_rate)
        self._weights = k_weights(n, sample_rate)
        self._dry: Samples = np.zeros((n, n_channels), np.float32)
        self._wet: Samples = np.zeros((n, n_channels), np.float32)
        self._filled = self._skip = 0
        self._settle = round(_SETTLE_S * sample_rate)
        self._powers: deque[tuple[float, float]] = deque(maxlen=KEPT)

    def interrupt(self) -> None:
        """Something else is heard for a while: what is half collected is dropped."""
        self._filled, self._skip = 0, self._settle

    def feed(self, dry: Samples, wet: Samples) -> None:
        """``(n, n_channels)`` float32 of the same positions, both at one gain."""
        drop = min(self._skip, len(dry))
        self._skip -= drop
        dry, wet = dry[drop:], wet[drop:]
        while len(dry):
            n = min(len(dry), len(self._dry) - self._filled)
            at = slice(self._filled, self._filled + n)
            self._dry[at], self._wet[at] = dry[:n], wet[:n]
            self._filled += n
            dry, wet = dry[n:], wet[n:]
            if self._filled == len(self._dry):
                self._filled = 0
                self._powers.append((self._power(self._dry), self._power(self._wet)))

    def _power(self, x: Samples) -> float:
        spectrum = np.fft.rfft(np.nan_to_num(x), axis=0)
        power = (np.abs(spectrum) ** 2 * self._weights[:, None]).sum()
        return float(2.0 * power / len(x) ** 2)

    @property
    def gain_db(self) -> float:
        """What makes the input as loud as the output, within ±``LARGEST_DB``; 0 at
        first.
        """
        loud = [pair for pair in self._powers if pair[0] > _GATE and pair[1] > _GATE]
        if not loud:
            return 0.0
        dry, wet = np.sum(loud, axis=0)
        return float(np.clip(10.0 * np.log10(wet / dry), -LARGEST_DB, LARGEST_DB))
