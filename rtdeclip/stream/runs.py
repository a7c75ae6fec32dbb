"""The longest run of samples above any level, in one pass and before the level is
known: a run above a level has a lowest sample, and each sample is the lowest of one
longest stretch around it. A stack of rising bins finds all of those stretches
(all nearest smaller values), at O(1) a sample.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rtdeclip.stream.histogram import FIRST_KEY, FLOOR, LARGEST, N_BINS, SHIFT
from rtdeclip.types import Samples

DEPTH, POSITION, POLARITY = range(3)


def _extend(
    y: Samples,
    bits: NDArray[np.int32],
    gates: tuple[float, float],
    longest: NDArray[np.int64],
    bins: NDArray[np.int64],
    starts: NDArray[np.int64],
    state: NDArray[np.int64],
) -> None:
    # bins, starts: the stack, its bins rising; starts: where each stretch began.
    depth, position, polarity = state[DEPTH], state[POSITION], state[POLARITY]
    for i in range(y.size):
        v = y[i]
        p = 0 if v >= 0.0 else 1
        m = abs(v)
        key = -1
        if gates[p] <= m < LARGEST:
            key = ((bits[i] & 0x7FFFFFFF) >> SHIFT) - FIRST_KEY
        start = position
        floor = key if p == polarity else -1
        while depth > 0 and bins[depth - 1] > floor:
            depth -= 1
            k = bins[depth]
            start = starts[depth]
            longest[polarity, k] = max(longest[polarity, k], position - start)
        if p != polarity:
            start = position
            polarity = p
        if key >= 0 and (depth == 0 or bins[depth - 1] < key):
            bins[depth] = key
            starts[depth] = start
            depth += 1
        position += 1
    state[DEPTH], state[POSITION], state[POLARITY] = depth, position, polarity


extend = njit(nogil=True, cache=True)(_extend)


class RunLengths:
    """Longest runs of one channel above every bin of ``histogram``."""

    def __init__(self) -> None:
        self._longest = np.zeros((2, N_BINS), np.int64)
        self._bins = np.zeros(N_BINS + 1, np.int64)
        self._starts = np.zeros(N_BINS + 1, np.int64)
        self._state = np.zeros(3, np.int64)

    def feed(self, y: Samples, gates: tuple[float, float]) -> None:
        """``(n,)`` float32, any n; samples below their polarity's gate end a run."""
        gates = (max(FLOOR, gates[0]), max(FLOOR, gates[1]))
        extend(
            y,
            y.view(np.int32),
            gates,
            self._longest,
            self._bins,
            self._starts,
            self._state,
        )

    def above(self, polarity: int, first_bin: int) -> int:
        """Samples in the longest run in ``first_bin`` or higher, running one included.

        Args:
            polarity: 0 positive, 1 negative.
            first_bin: as of ``histogram.bin_of``.
        """
        done = int(self._longest[polarity, first_bin:].max(initial=0))
        depth, position, current = (int(v) for v in self._state)
        open_ = (self._bins[:depth] >= first_bin) & (current == polarity)
        lengths = (position - self._starts[:depth])[open_]
        return max(done, int(lengths.max(initial=0)))

    def clear(self) -> None:
        """Forget all runs; the next sample starts a new one."""
        self._longest.fill(0)
        self._state.fill(0)
