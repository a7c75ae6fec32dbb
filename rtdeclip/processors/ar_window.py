"""The running window of live least squares: a restored past, and what may change."""

import numpy as np

from rtdeclip.stream.clip import Clip
from rtdeclip.types import Samples


class RunningWindow:
    """One channel's last samples, block by block.

    Args:
        hop: samples per block.
        look_ahead: samples known beyond the block that leaves.
        past: samples kept that have left.

    Attributes:
        begin: where the block that leaves begins; from here on x may be solved anew.
        x: ``(past + hop + look_ahead,)`` float64 samples, written in place.
        sign: int8, bound: float32, of the same samples.
    """

    def __init__(self, hop: int, look_ahead: int, past: int) -> None:
        n = past + hop + look_ahead
        self.begin = past
        self.x = np.zeros(n)
        self.sign = np.zeros(n, np.int8)
        self.bound = np.zeros(n, np.float32)
        self._out = np.zeros(hop, np.float32)
        # Samples since the last clipped block began; so far there was none.
        self._held = n + hop

    def push(self, block: Samples, clip: Clip) -> bool:
        """Takes a block in; whether any clipped sample may still change."""
        hop, n = len(block), len(self.x)
        self.x[:-hop] = self.x[hop:]
        self.x[-hop:] = block
        self._held = hop if clip.count else self._held + hop
        if self._held - hop < n:
            self.sign[:-hop] = self.sign[hop:]
            self.bound[:-hop] = self.bound[hop:]
            self.sign[-hop:] = clip.sign
            self.bound[-hop:] = clip.bound
        return self._held - hop < n - self.begin

    def leaving(self) -> Samples:
        """``(hop,)`` float32, the block that leaves; overwritten at the next call."""
        self._out[:] = self.x[self.begin : self.begin + len(self._out)]
        return self._out

    def reset(self) -> None:
        """Forgets all audio."""
        self.x.fill(0.0)
        self.sign.fill(0)
        self._held = len(self.x) + len(self._out)
