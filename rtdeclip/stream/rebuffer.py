"""Adapters: a processor of another hop, and one padded to a larger latency."""

from math import gcd

import numpy as np

from rtdeclip.stream.clip import Clip
from rtdeclip.stream.delay import DelayLine
from rtdeclip.stream.processor import Processor
from rtdeclip.types import Samples


class Rebuffer:
    """Runs a processor of hop H in a host of hop B.

    Adds H − gcd(H, B) samples of latency, the least that never runs dry.

    Args:
        processor: the processor to run.
        hop: B, the host's block length in samples.
    """

    def __init__(self, processor: Processor, hop: int) -> None:
        self.hop = hop
        inner = processor.hop
        self._delay = inner - gcd(inner, hop)
        self.latency_samples = processor.latency_samples + self._delay
        self._processor = processor
        self._clip = Clip(inner)
        size = inner + hop
        self._y = np.zeros(size, np.float32)
        self._sign = np.zeros(size, np.int8)
        self._bound = np.zeros(size, np.float32)
        self._restored = np.zeros(size + inner, np.float32)
        self._out = np.zeros(hop, np.float32)
        self._n_in = 0
        self._n_out = self._delay

    def process(self, block: Samples, clip: Clip) -> Samples:
        """See ``Processor.process``."""
        end = self._n_in + self.hop
        self._y[self._n_in : end] = block
        self._sign[self._n_in : end] = clip.sign
        self._bound[self._n_in : end] = clip.bound
        self._n_in = end
        self._clip.high, self._clip.low = clip.high, clip.low
        while self._n_in >= self._processor.hop:
            self._run()
        self._out[:] = self._restored[: self.hop]
        self._n_out -= self.hop
        _shift(self._restored, self.hop, self._n_out)
        return self._out

    def _run(self) -> None:
        """One block of the inner processor."""
        inner, clip = self._processor.hop, self._clip
        clip.sign[:] = self._sign[:inner]
        clip.bound[:] = self._bound[:inner]
        clip.count = int(np.count_nonzero(clip.sign))
        restored = self._processor.process(self._y[:inner], clip)
        self._restored[self._n_out : self._n_out + inner] = restored
        self._n_out += inner
        self._n_in -= inner
        for state in (self._y, self._sign, self._bound):
            _shift(state, inner, self._n_in)

    def reset(self) -> None:
        """Forgets all audio."""
        self._processor.reset()
        self._restored.fill(0.0)
        self._n_in, self._n_out = 0, self._delay


class Padded:
    """A processor made later by ``extra_samples``, so that it fits its neighbours."""

    def __init__(self, processor: Processor, extra_samples: int) -> None:
        self.hop = processor.hop
        self.latency_samples = processor.latency_samples + extra_samples
        self._processor = processor
        self._delay = DelayLine(self.hop, extra_samples)

    def process(self, block: Samples, clip: Clip) -> Samples:
        """See ``Processor.process``."""
        return self._delay.process(self._processor.process(block, clip))

    def reset(self) -> None:
        """Forgets all audio."""
        self._processor.reset()
        self._delay.reset()


def fit_processor(processor: Processor, hop: int, latency_samples: int) -> Processor:
    """``processor`` at a host's hop, padded to exactly ``latency_samples``.

    A latency below the processor's own (rebuffered) one leaves it as it is: the caller
    compares ``latency_samples`` and decides.
    """
    if processor.hop != hop:
        processor = Rebuffer(processor, hop)
    extra = latency_samples - processor.latency_samples
    return Padded(processor, extra) if extra > 0 else processor


def _shift(buffer: np.ndarray, by: int, keep: int) -> None:
    """Moves ``keep`` items from position ``by`` to the front."""
    buffer[:keep] = buffer[by : by + keep]
