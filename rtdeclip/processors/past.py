"""The newest samples of one channel beside an estimate of them, block by block."""

import numpy as np

from rtdeclip.types import Samples, Signs


class Past:
    """What a second pass over an estimate looks back on.

    Args:
        window: samples of the estimate that are kept.
        wait: samples of the sound that are kept besides, older ones.

    Attributes:
        y: ``(window + wait,)`` float32, the clipped sound, oldest first.
        sign: same shape, int8.
        bound: same shape, float32.
        estimate: ``(window,)`` float32.
    """

    def __init__(self, window: int, wait: int = 0) -> None:
        self.y = np.zeros(window + wait, np.float32)
        self.sign = np.zeros(window + wait, np.int8)
        self.bound = np.zeros(window + wait, np.float32)
        self.estimate = np.zeros(window, np.float32)

    def push(
        self, block: Samples, sign: Signs, bound: Samples, estimate: Samples
    ) -> None:
        """Takes in one block, ``(hop,)`` each; the oldest samples leave."""
        hop = len(block)
        for kept, new in (
            (self.y, block),
            (self.sign, sign),
            (self.bound, bound),
            (self.estimate, estimate),
        ):
            kept[:-hop] = kept[hop:]
            kept[-hop:] = new

    def reset(self) -> None:
        """Forgets all audio."""
        for kept in (self.y, self.sign, self.bound, self.estimate):
            kept.fill(0)
