"""Headroom: where restored peaks above full scale go. None is ever cut silently.

Restoration gives back what the clipping took, so the result is louder than full
scale. Three policies hold it, by what is played or written:

``float``  keep the peaks as they are: for files of floating-point samples
``fit``    one constant gain, measured, so that the highest peak fits: integer files
``limit``  a true-peak limiter at a ceiling

Live there is no time to measure: a constant −6 dB, then the limiter, always on.
"""

import math
from typing import Literal, TypeAlias

from rtdeclip.errors import SettingError
from rtdeclip.stream.processor import Value
from rtdeclip.types import Samples

Policy: TypeAlias = Literal["float", "fit", "limit"]

LIVE_GAIN_DB = -6.0
LIVE_CEILING_DB = -1.0


class LiveHeadroom:
    """The last stage of live sound: a constant gain, then the true-peak ceiling.

    Dry, bypassed and repair-only sound pass it too, so that a switch never moves the
    level.

    Args:
        sample_rate: Hz.
        n_channels: 1 or more; they share the limiter's gain.
        gain_db: −120 to 60 dB.
        ceiling_db: −60 to 0 dBFS.

    Attributes:
        hop: 0, any block length will do.
        latency_samples: of the limiter; 1.5 ms at most.
    """

    hop = 0

    def __init__(
        self,
        sample_rate: int,
        n_channels: int = 1,
        gain_db: float = LIVE_GAIN_DB,
        ceiling_db: float = LIVE_CEILING_DB,
    ) -> None:
        # Here, because numba takes a while and the names above are wanted without.
        from rtdeclip.stream.effects.gain import Gain
        from rtdeclip.stream.limiter import TruePeakLimiter

        self._gain = Gain(sample_rate, n_channels, gain_db)
        self._limiter = TruePeakLimiter(sample_rate, n_channels, ceiling_db)
        self.latency_samples = self._limiter.latency_samples

    def process(self, block: Samples) -> Samples:
        """``(n_samples, n_channels)`` float32; the next call overwrites the result."""
        return self._limiter.process(self._gain.process(block))

    def reset(self) -> None:
        """Forget all audio and the limiter's counters."""
        self._gain.reset()
        self._limiter.reset()

    def set_setting(self, name: str, value: Value) -> None:
        """Glide to another ``gain_db``, or change ``ceiling_db``.

        Raises:
            SettingError: another name, or a value out of range.
        """
        if name == "gain_db":
            self._gain.set_setting(name, value)
        elif name == "ceiling_db":
            self._limiter.set_setting(name, value)
        else:
            raise SettingError(
                f"Headroom has no setting {name!r}; it has: gain_db, ceiling_db."
            )

    def set_open(self, on: bool) -> None:
        """Lets everything pass as loud as it is (True), or holds the ceiling again.

        The delay stays, so that a host can switch while sound runs.
        """
        self._limiter.set_open(on)

    @property
    def limited_samples(self) -> int:
        """How many samples the limiter made quieter since the last reset."""
        return self._limiter.limited_samples

    @property
    def max_reduction_db(self) -> float:
        """The limiter's largest gain reduction since the last reset, dB ≥ 0."""
        return self._limiter.max_reduction_db


def fit_gain(peak: float, ceiling: float) -> float:
    """The constant gain, at most 1, that brings ``peak`` down to ``ceiling``.

    Args:
        peak: highest magnitude, linear, ≥ 0.
        ceiling: highest magnitude that may leave, linear, > 0.

    Example:
        >>> fit_gain(2.0, 0.5), fit_gain(0.3, 0.5)
        (0.25, 1.0)
    """
    return min(1.0, ceiling / peak) if peak > 0.0 else 1.0


def to_db(magnitude: float) -> float:
    """Linear to dB; −inf for 0.

    Example:
        >>> to_db(1.0), to_db(0.0)
        (0.0, -inf)
    """
    return 20.0 * math.log10(magnitude) if magnitude > 0.0 else -math.inf


def from_db(level_db: float) -> float:
    """DB to linear.

    Example:
        >>> from_db(-20.0)
        0.1
    """
    return float(10.0 ** (level_db / 20.0))
