"""The parts of ``best``: delays, second pass, and what joins for light clipping."""

from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtdeclip.processors.bypass import default_hop
from rtdeclip.processors.refine import Refine
from rtdeclip.processors.refine_ar import RefineByPrediction
from rtdeclip.stream.clip import Clip
from rtdeclip.stream.delay import DelayLine
from rtdeclip.types import Samples, Signs

AR_SHARE = 0.5  # of live linear prediction, where clipping is lightest
AR_LIMIT = 0.6  # severity at which its share has fallen to zero
AR_MEMORY_MS = 200.0  # of clipped sound: time constant of the severity


class LateClip:
    """A block and its clip information, as late as the first pass."""

    def __init__(self, hop: int, delay: int) -> None:
        self._delay = delay
        self._lines: tuple[NDArray[Any], ...] = (
            np.zeros(delay + hop, np.float32),
            np.zeros(delay + hop, np.int8),
            np.zeros(delay + hop, np.float32),
        )
        self.y, self.sign, self.bound = (line[:hop] for line in self._lines)

    def push(self, block: Samples, clip: Clip) -> None:
        """Takes a block in; ``y``, ``sign``, ``bound`` are then the late one's."""
        hop = len(block)
        for line, new in zip(self._lines, (block, clip.sign, clip.bound), strict=True):
            line[: self._delay] = line[hop:]
            line[self._delay :] = new

    def reset(self) -> None:
        """Forgets all audio."""
        for line in self._lines:
            line.fill(0)


class SecondPass:
    """A ``Refine`` in blocks of ``hop``, later by ``delay`` samples."""

    def __init__(self, window: int, hop: int, delay: int, *, levelled: bool) -> None:
        self._refine = Refine(window, levelled=levelled)
        self._line = DelayLine(hop, delay)
        self._out = np.zeros(hop, np.float32)

    def process(
        self, y: Samples, sign: Signs, bound: Samples, estimate: Samples
    ) -> Samples:
        """See ``Refine.process``."""
        for _ in _by_hop(self._refine, (y, sign, bound, estimate), self._out):
            pass
        return self._line.process(self._out)

    def reset(self) -> None:
        """Forgets all audio."""
        self._refine.reset()
        self._line.reset()


class Prediction:
    """A ``RefineByPrediction`` in blocks of ``hop``, of a latency in all.

    Attributes:
        share: ``(hop,)`` float32, how much of the last result is to be used.
    """

    def __init__(self, window: int, order: int, hop: int, latency: int) -> None:
        self._refine = RefineByPrediction(window, order, latency - window)
        self._out = np.zeros(hop, np.float32)
        self.share = np.zeros(hop, np.float32)

    def process(
        self, y: Samples, sign: Signs, bound: Samples, estimate: Samples
    ) -> Samples:
        """``share`` times the result."""
        lines = y, sign, bound, estimate
        for part in _by_hop(self._refine, lines, self._out):
            self.share[part] = self._refine.share
        return self._out

    def reset(self) -> None:
        """Forgets all audio."""
        self._refine.reset()


class Fade:
    """Mixes a second sound in, at a share that moves in a straight line over a block.

    Args:
        hop: samples per block.
        share: of the second sound, at the start.
    """

    def __init__(self, hop: int, share: float = 0.0) -> None:
        self._ramp = np.linspace(0, 1, hop, dtype=np.float32)
        self._start = self._share = np.float32(share)

    def mix(self, sound: Samples, wet: Samples, share: float) -> None:
        """``share`` of ``wet`` into ``sound``, from the share of the last block on."""
        shares = self._share + (np.float32(share) - self._share) * self._ramp
        sound += shares * (wet - sound)
        self._share = np.float32(share)

    def reset(self) -> None:
        """Goes back to the first share."""
        self._share = self._start


def _by_hop(
    refine: Refine | RefineByPrediction,
    lines: tuple[Samples, Signs, Samples, Samples],
    out: Samples,
) -> Iterator[slice]:
    """Runs ``refine`` over a longer block; yields each part when it lies in ``out``."""
    y, sign, bound, estimate = lines
    for start in range(0, len(out), refine.hop):
        part = slice(start, start + refine.hop)
        out[part] = refine.process(y[part], sign[part], bound[part], estimate[part])
        yield part


class Severity:
    """How heavily clipped the sound is that now leaves: the light one's share.

    Of the parts of a block that hold clipped samples, so that pauses do not count.
    """

    def __init__(self, sample_rate: int, hop: int, latency_samples: int) -> None:
        self._part = min(default_hop(sample_rate), hop)
        memory = AR_MEMORY_MS * 1e-3 * sample_rate
        self._forget = 1 - np.exp(-self._part / memory)
        # The mean is as late as its memory is long.
        self._waiting = deque[float](
            maxlen=max(1, round((latency_samples - memory) / hop))
        )
        self.reset()

    def share(self, clip: Clip) -> float:
        """Takes a block in; the share of the block that leaves."""
        counts = (clip.sign.reshape(-1, self._part) != 0).sum(axis=1)
        for count in counts[counts > 0] / self._part:
            self._clipped += self._forget * (count - self._clipped)
            self._squared += self._forget * (count * count - self._squared)
        severity = self._squared / self._clipped
        share = self._waiting[0]
        self._waiting.append(AR_SHARE * max(0.0, 1 - severity / AR_LIMIT))
        return share

    def reset(self) -> None:
        """Forgets all audio."""
        self._clipped, self._squared = 1.0, AR_LIMIT
        self._waiting.extend([0.0] * (self._waiting.maxlen or 1))
