"""A delay line: the same samples, a constant number of samples later."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rtdeclip.types import Samples


def _delay(
    line: NDArray[np.float32], block: NDArray[np.float32], out: NDArray[np.float32]
) -> None:
    """line: ``(delay + hop,)``, oldest first."""
    hop = len(block)
    delay = len(line) - hop
    for i in range(hop):
        line[delay + i] = block[i]
    for i in range(hop):
        out[i] = line[i]
    for i in range(delay):
        line[i] = line[i + hop]


_delay_jit = njit(nogil=True, cache=True)(_delay)


class DelayLine:
    """Delays blocks of ``hop`` samples by ``delay_samples``."""

    def __init__(self, hop: int, delay_samples: int) -> None:
        self._line = np.zeros(hop + delay_samples, np.float32)
        self._out = np.zeros(hop, np.float32)

    def process(self, block: Samples) -> Samples:
        """``(hop,)`` float32 in and out; the result is overwritten at the next call."""
        _delay_jit(self._line, block, self._out)
        return self._out

    def reset(self) -> None:
        """Forgets all audio."""
        self._line.fill(0.0)
