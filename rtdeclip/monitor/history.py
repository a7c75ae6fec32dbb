"""The last seconds of sound for drawing: rings, and envelopes of as many bins as fit.

Every ring is mirrored (each sample is written twice, half a buffer apart), so that any
stretch is one contiguous slice and no reader has to join two pieces.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtdeclip.live.telemetry import Scope
from rtdeclip.types import Samples, Signs


@dataclass(frozen=True, slots=True)
class Stretch:
    """One channel's newest sound.

    Args:
        position: sample position of the first sample.
        dry: ``(n,)`` float32, what came in.
        wet: ``(n,)`` float32, what was made of it, as it was played.
        sign: ``(n,)`` int8, +1 and −1 where clipped.
    """

    position: int
    dry: Samples
    wet: Samples
    sign: Signs


@dataclass(frozen=True, slots=True)
class Envelope:
    """Extremes of consecutive bins.

    Args:
        position: sample position of the first bin's start.
        per_bin: samples in one bin.
        low: ``(n_bins,)`` smallest sample of each bin.
        high: ``(n_bins,)`` largest sample of each bin.
    """

    position: int
    per_bin: int
    low: NDArray[np.generic]
    high: NDArray[np.generic]

    @property
    def places(self) -> NDArray[np.float64]:
        """``(n_bins,)`` sample positions of the bins' middles."""
        first = self.position + 0.5 * (self.per_bin - 1)
        return np.asarray(first + self.per_bin * np.arange(len(self.low)), np.float64)


class History:
    """The last ``n_samples`` of dry, wet and mask, channel by channel.

    Args:
        n_samples: how many are kept, ≥ 1.
        n_channels: ≥ 1.
    """

    def __init__(self, n_samples: int, n_channels: int) -> None:
        self.n_samples, self.n_channels = n_samples, n_channels
        self._dry = np.zeros((n_channels, 2 * n_samples), np.float32)
        self._wet = np.zeros_like(self._dry)
        self._sign = np.zeros((n_channels, 2 * n_samples), np.int8)
        self.end = 0
        self._begin = 0

    @property
    def kept(self) -> int:
        """How many samples can be had now."""
        return min(self.end - self._begin, self.n_samples)

    def append(self, scope: Scope) -> None:
        """Adds what is newer than ``end``; after a gap only the new stretch is kept."""
        skip = max(0, self.end - scope.position)
        if scope.position > self.end:
            self._begin = self.end = scope.position
        skip = max(skip, len(scope.dry) - self.n_samples)
        if skip >= len(scope.dry):
            return
        n = len(scope.dry) - skip
        self._begin = max(self._begin, scope.position + skip - self.n_samples)
        if scope.position + skip > self.end:
            self._begin = scope.position + skip
        rows = (scope.position + skip + np.arange(n)) % self.n_samples
        pairs = (
            (self._dry, scope.dry),
            (self._wet, scope.wet),
            (self._sign, scope.sign),
        )
        for ring, new in pairs:
            ring[:, rows] = new[skip:].T
            ring[:, rows + self.n_samples] = new[skip:].T
        self.end = scope.position + len(scope.dry)

    def latest(self, n: int, channel: int) -> Stretch:
        """The newest ``n`` samples of one channel, fewer at the start; views."""
        n = min(n, self.kept)
        position = self.end - n
        at = position % self.n_samples
        span = slice(at, at + n)
        return Stretch(
            position,
            self._dry[channel, span],
            self._wet[channel, span],
            self._sign[channel, span],
        )


def envelope(x: NDArray[np.generic], position: int, per_bin: int) -> Envelope:
    """Extremes of ``x`` in bins whose borders do not move as the sound scrolls on.

    Args:
        x: ``(n,)`` samples or signs.
        position: of ``x[0]``.
        per_bin: samples a bin, ≥ 1. Bins start at multiples of it; what does not
            fill one at either end is left out.

    Example:
        >>> import numpy as np
        >>> envelope(np.array([5, 1, 2, 3, 4]), 1, 2).high.tolist()
        [2, 4]
    """
    skip = -position % per_bin
    n_bins = max(0, (len(x) - skip) // per_bin)
    bins = x[skip : skip + n_bins * per_bin].reshape(n_bins, per_bin)
    if per_bin == 1:
        return Envelope(position + skip, 1, bins[:, 0], bins[:, 0])
    low, high = bins.min(axis=1), bins.max(axis=1)
    return Envelope(position + skip, per_bin, low, high)
