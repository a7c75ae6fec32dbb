"""Thresholding steps: which coefficients of a frame stay, and which are the rest.

A step is a plain function ``step(size, lanes, power, rest, k, memory) -> kept``, named
in ``SHRINKAGES`` and compiled into a kernel that asks for the name:

* ``size``, ``lanes``: N and float32 per register, literal integers;
* ``power``: ``(size,)`` float32, |v|², in the order of ``simd_fft.bin_order``;
* ``rest``: ``(size,)`` float32, to be filled: the share of each coefficient, 0 to 1,
  that is taken away from it;
* ``k``: how many coefficients the schedule keeps;
* ``memory``: ``(4,)`` int32 of the step's own, 0 at the beginning of each frame;
* returns ‖z‖², the power of what stays: Σ (1 − rest)² · power, float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numba.extending import overload
from numpy.typing import NDArray

from rtdeclip.processors.simd_select import count_above, split_above

_ONE = 0x3C000000  # bits of 2⁻⁷: where the first search of a frame begins
_OCTAVE = 1 << 20  # an eighth of an octave of power: its first stride
_INFINITE = 0x7F800000
_STRAIGHT = 8  # tries by straight lines, then by halves: bounded by 31 more


def largest(
    size: int,
    lanes: int,
    power: NDArray[np.float32],
    rest: NDArray[np.float32],
    k: int,
    memory: NDArray[np.int32],
) -> np.float32:
    """The k largest stay (fewer where several are equal): hard thresholding H_k.

    Searches a bar with exactly k numbers above it, on the bits of the powers, from
    the last bar on; ``memory`` holds that bar and the bits per count around it.
    """
    bits = power.view(np.int32)
    low, n_low, below = np.int64(-1), np.int64(size), False
    high, n_high, above = np.int64(_INFINITE), np.int64(0), False
    bar, slope = np.int64(memory[0]), np.int64(memory[1])
    if slope == 0:
        bar, slope = np.int64(_ONE), np.int64(_OCTAVE)
    tries = 0
    while True:
        n = count_above(lanes, bits, np.int32(bar))
        if n == k:
            break
        if n > k:
            low, n_low, below = bar, n, True
        else:
            high, n_high, above = bar, n, True
        if high - low <= 1:
            bar = high
            break
        tries += 1
        if not (below and above):
            guess = bar + (n - k) * slope
            slope *= 2
        elif tries < _STRAIGHT:
            # where a straight line through both counts meets k
            guess = low + (high - low) * (n_low - k) // (n_low - n_high)
        else:
            guess = (low + high) >> 1
        bar = min(max(guess, low + 1), high - 1)
    if below and above:
        slope = (high - low) // (n_low - n_high)
    memory[0] = np.int32(bar)
    memory[1] = np.int32(min(max(slope, np.int64(1)), np.int64(_OCTAVE)))
    return split_above(size, lanes, power, np.int32(bar), rest)


SHRINKAGES: dict[str, Callable[..., np.float32]] = {"largest": largest}
"""Thresholding steps by name."""


def shrink(
    name: str,
    size: int,
    lanes: int,
    power: NDArray[np.float32],
    rest: NDArray[np.float32],
    k: int,
    memory: NDArray[np.int32],
) -> np.float32:
    """The step called ``name``, within compiled code only."""
    raise NotImplementedError("shrink is called from compiled code")


@overload(shrink, prefer_literal=True)
def _shrink(
    name: Any, size: Any, lanes: Any, power: Any, rest: Any, k: Any, memory: Any
) -> Any:
    step = njit(nogil=True, error_model="numpy")(SHRINKAGES[name.literal_value])

    def call(
        name: Any, size: Any, lanes: Any, power: Any, rest: Any, k: Any, memory: Any
    ) -> Any:
        return step(size, lanes, power, rest, k, memory)

    return call
