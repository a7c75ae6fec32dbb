"""The second pass by linear prediction, for light clipping of tonal sound.

In long frames, the predictor of an estimate says what the clipped samples between
reliable ones must be: one pass of ``janssen``, started from the estimate instead of
from the clipped sound, which saves its other passes and finds better predictors. The
fewer samples of a frame are clipped and the better it can be predicted, the more of
the result is to be used (``share``); frames with more than ``LIMIT`` of their samples
clipped are not solved, which bounds the time.

Source: as ``janssen``; the start and the share are this project's. Latency: one frame.
"""

from __future__ import annotations

import math

import numpy as np

from rtdeclip.processors.autoregressive import estimate as solve
from rtdeclip.processors.autoregressive import scratch
from rtdeclip.processors.gabor import hann
from rtdeclip.processors.past import Past
from rtdeclip.stream.delay import DelayLine
from rtdeclip.types import Samples, Signs

_OVERLAP = 4
# Chosen on training music at 7, 15 and 20 dB input SDR.
SHARE = 0.9  # of the result where next to nothing is clipped …
LIMIT = 0.25  # … falling to zero where this share of a frame is clipped,
FLAT_DB, TONAL_DB = 30.0, 40.0  # and where the predictor's gain falls to the first


class RefineByPrediction:
    """Restores one channel by the predictors of an estimate of it.

    Args:
        window: frame length in samples.
        order: p, coefficients of the predictor, < window / 4.
        delay: samples by which results come later than they could.

    Attributes:
        hop: block length in samples, a quarter of the window.
        latency_samples: the window and ``delay``.
        share: ``(hop,)`` float32, 0 to 1, how much of the last result is to be used.
    """

    def __init__(self, window: int, order: int, delay: int = 0) -> None:
        self.hop = hop = window // _OVERLAP
        self.latency_samples = window + delay
        self._order = order
        self._weight = hann(window) / np.float32(_OVERLAP / 2)
        self._past = Past(window)
        self._x = np.zeros(window)
        taper = hann(window).astype(np.float64)
        self._scratch = taper, *scratch(window, window, order)
        self._total = np.zeros((2, window), np.float32)  # of results, of shares
        self._lines = [DelayLine(hop, delay + hop) for _ in self._total]
        self.share = np.zeros(hop, np.float32)
        solve(self._x, self._past.sign, self._past.bound, 0, order, *self._scratch)

    def process(
        self, block: Samples, sign: Signs, bound: Samples, estimate: Samples
    ) -> Samples:
        """``share`` times the block of ``latency_samples`` ago, restored.

        Args:
            block: ``(hop,)`` float32, the clipped sound.
            sign: ``(hop,)`` int8.
            bound: ``(hop,)`` float32.
            estimate: ``(hop,)`` float32, ``block`` restored by something else.

        Returns:
            ``(hop,)`` float32, overwritten at the next call.
        """
        hop = self.hop
        self._past.push(block, sign, bound, estimate)
        if share := self._solve():
            weight = self._weight * np.float32(share)
            self._total[0] += weight * self._x
            self._total[1] += weight
        leaving = self._total[:, :hop]
        result, self.share = (
            line.process(part) for line, part in zip(self._lines, leaving, strict=True)
        )
        self._total[:, :-hop] = self._total[:, hop:]
        self._total[:, -hop:] = 0
        return result

    def reset(self) -> None:
        """Forgets all audio."""
        self._past.reset()
        self._total.fill(0)
        for line in self._lines:
            line.reset()

    def _solve(self) -> float:
        """The frame, in ``_x``; the share of it that is to be used."""
        past = self._past
        clipped = past.sign != 0
        count = np.count_nonzero(clipped)
        self._x[:] = np.where(clipped, past.estimate, past.y)
        light = 1 - count / (LIMIT * len(clipped))
        if count == 0 or light <= 0:
            return max(SHARE * light, 0.0)
        gain = solve(self._x, past.sign, past.bound, 0, self._order, *self._scratch)
        return SHARE * light * _ramp(gain)


def _ramp(gain: float) -> float:
    """0 where a predictor's gain shows noise, 1 where it shows tones."""
    above = 10 * math.log10(max(gain, 1.0)) - FLAT_DB
    return min(max(above / (TONAL_DB - FLAT_DB), 0.0), 1.0)
