"""Where the sound is clipped, as it arrives: levels and masks of one channel.

Two kinds of evidence, per polarity. *Digital* clipping leaves runs of exactly equal
samples with a corner at their ends, twice at the same value: in force from the
second run on. *Smeared* clipping (dither, noise, resampling, codecs) leaves a
pile-up at the top of the histogram: in force after about a second of it.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rtdeclip.errors import SettingError
from rtdeclip.stream.clip import Clip, Plateau
from rtdeclip.stream.histogram import FIRST_KEY, FLOOR, N_BINS, SHIFT, empty
from rtdeclip.stream.plateau import find_plateau
from rtdeclip.types import Samples, Signs

HALF_LIFE_S = 4.0
"""How fast the histogram forgets, in time with loud samples."""
TEST_EVERY_S = 0.05
"""How often the histogram is asked, in time with loud samples."""
PEAK_HALF_LIFE_S = 8.0
SHORTEST_RUN = 3
"""Fewer equal samples at a peak also occur in unclipped sound."""
CORNER_STEPS = 8.0
"""A run's step from its neighbour, in quantisation steps, that makes a corner."""
SAME = 1e-6
"""Samples this close, relative, sit on one digital plateau."""
LARGEST = 15.9
"""Beyond this a sample is not sound (+24 dBFS, infinities)."""

# The state of one polarity, one row of a float64 array.
LEVEL, EDGE, CONFIDENCE, KIND, PEAK, CANDIDATE, RUNS, UNUSED = range(8)
# Row 2: what both polarities share.
WEIGHT, UNTIL_TEST, STEP, Y1, Y2, RUN, BEFORE, SLOPE = range(8)
# Row 3: set once, and the version of the levels.
GROWTH, TEST_EVERY, PEAK_DECAY, VERSION = range(4)
N_FIELDS = 8
NONE, SMEARED, DIGITAL, GIVEN = 0.0, 1.0, 2.0, 3.0


def _flat_top(state: NDArray[np.float64], after: float) -> bool:
    # Has the run of equal samples that ends before ``after`` a corner at its ends?
    v = state[2, Y1]
    s = 1.0 if v > 0.0 else -1.0
    rise = s * (v - state[2, BEFORE])
    fall = s * (v - after)
    if rise <= 0.0 or fall <= 0.0:
        return False
    if max(rise, fall) < CORNER_STEPS * state[2, STEP]:
        return False
    # A square wave jumps from another flat; sound climbs.
    return bool(s * state[2, SLOPE] >= 0.5 * rise)


flat_top = njit(nogil=True, cache=True)(_flat_top)


def _adopt(
    state: NDArray[np.float64],
    p: int,
    kind: float,
    level: float,
    edge: float,
    confidence: float,
) -> None:
    s = state[p]
    if s[KIND] != kind or s[LEVEL] != level or s[EDGE] != edge:
        state[3, VERSION] += 1.0
    s[KIND] = kind
    s[LEVEL] = level
    s[EDGE] = edge
    s[CONFIDENCE] = confidence


adopt = njit(nogil=True, cache=True)(_adopt)


def _watch(
    y: Samples,
    bits: NDArray[np.int32],
    hist: NDArray[np.float32],
    state: NDArray[np.float64],
) -> None:
    # One block into the histogram; runs of equal samples; levels exceeded.
    weight = np.float32(state[2, WEIGHT])
    gates = (max(FLOOR, 0.5 * state[0, PEAK]), max(FLOOR, 0.5 * state[1, PEAK]))
    for i in range(y.size):
        v = float(y[i])
        p = 0 if bits[i] >= 0 else 1
        m = abs(v)
        y1 = state[2, Y1]
        if abs(v - y1) <= SAME * m:
            state[2, RUN] += 1.0
        else:
            if state[2, RUN] >= SHORTEST_RUN and flat_top(state, v):
                q = 0 if y1 > 0.0 else 1
                if abs(abs(y1) - state[q, CANDIDATE]) <= SAME * abs(y1):
                    state[q, RUNS] += 1.0
                else:
                    state[q, CANDIDATE] = abs(y1)
                    state[q, RUNS] = 1.0
            state[2, STEP] = min(state[2, STEP], abs(v - y1))
            state[2, RUN] = 1.0
            state[2, BEFORE] = y1
            state[2, SLOPE] = y1 - state[2, Y2]
        state[2, Y2] = y1
        state[2, Y1] = v
        if gates[p] <= m < LARGEST:
            hist[p, ((bits[i] & 0x7FFFFFFF) >> SHIFT) - FIRST_KEY] += weight
            if m > state[p, CANDIDATE] * (1.0 + SAME):
                state[p, RUNS] = 0.0
                state[p, CANDIDATE] = m
                if state[p, KIND] == DIGITAL and m > state[p, LEVEL] * (1.0 + SAME):
                    adopt(state, p, NONE, 0.0, 0.0, 0.0)
            elif state[2, RUN] >= SHORTEST_RUN and state[p, RUNS] >= 1.0:
                if abs(m - state[p, CANDIDATE]) <= SAME * m:
                    sure = 1.0 - 0.5 ** (state[p, RUNS] + 1.0)
                    adopt(state, p, DIGITAL, m, m * (1.0 - SAME), sure)


watch = njit(nogil=True, cache=True)(_watch)


def _judge(
    hist: NDArray[np.float32], state: NDArray[np.float64], found: NDArray[np.float64]
) -> None:
    # Ask the histogram, where nothing digital is known.
    for p in range(2):
        if state[p, KIND] == DIGITAL:
            continue
        if find_plateau(hist[p], state[2, WEIGHT], found):
            adopt(state, p, SMEARED, found[0], found[1], found[2])
        elif state[p, KIND] == SMEARED:
            adopt(state, p, NONE, 0.0, 0.0, 0.0)


judge = njit(nogil=True, cache=True)(_judge)


def _mask(y: Samples, high: float, low: float, sign: Signs, bound: Samples) -> int:
    count = 0
    up = np.float32(high) if high > 0.0 else np.float32(np.inf)
    down = np.float32(-low) if low > 0.0 else np.float32(-np.inf)
    for i in range(y.size):
        s = 1 if y[i] >= up else (-1 if y[i] <= down else 0)
        sign[i] = s
        bound[i] = up if s > 0 else (-down if s < 0 else np.float32(0.0))
        count += s != 0
    return count


mask = njit(nogil=True, cache=True)(_mask)


def _follow(
    y: Samples,
    bits: NDArray[np.int32],
    sign: Signs,
    bound: Samples,
    hist: NDArray[np.float32],
    state: NDArray[np.float64],
    found: NDArray[np.float64],
) -> int:
    # All of one block; returns the number of clipped samples.
    hi = 0.0
    lo = 0.0
    for i in range(y.size):
        m = y[i]
        if m > hi and m < LARGEST:
            hi = m
        elif -m > lo and -m < LARGEST:
            lo = -m
    state[0, PEAK] *= state[3, PEAK_DECAY]
    state[1, PEAK] *= state[3, PEAK_DECAY]
    state[0, PEAK] = max(state[0, PEAK], hi)
    state[1, PEAK] = max(state[1, PEAK], lo)
    if state[0, KIND] == GIVEN or state[1, KIND] == GIVEN:
        return mask(y, state[0, EDGE], state[1, EDGE], sign, bound)
    if hi >= 0.5 * state[0, PEAK] or lo >= 0.5 * state[1, PEAK]:
        watch(y, bits, hist, state)
        state[2, WEIGHT] *= state[3, GROWTH]
        if state[2, WEIGHT] > 1e6:
            hist /= np.float32(state[2, WEIGHT])
            state[2, WEIGHT] = 1.0
        state[2, UNTIL_TEST] -= y.size
        if state[2, UNTIL_TEST] <= 0.0:
            state[2, UNTIL_TEST] = state[3, TEST_EVERY]
            judge(hist, state, found)
    else:
        state[2, Y1] = y[y.size - 1]
        state[2, Y2] = y[y.size - 2] if y.size > 1 else 0.0
        state[2, RUN] = 1.0
    return mask(y, state[0, EDGE], state[1, EDGE], sign, bound)


follow = njit(nogil=True, cache=True)(_follow)


class ClipDetector:
    """Levels and masks of one channel, block by block; masks are never revised.

    Args:
        sample_rate: Hz, > 0.
        hop: block length in samples, ≥ 1.
        high: the positive plateau, if it is known at the start.
        low: the negative plateau.
        locked: take ``high`` and ``low`` (None: that polarity is not clipped) as
            they are, for good: nothing is detected, blocks are only masked.

    Raises:
        SettingError: ``sample_rate`` or ``hop`` is not positive.
    """

    def __init__(
        self,
        sample_rate: int,
        hop: int,
        *,
        high: Plateau | None = None,
        low: Plateau | None = None,
        locked: bool = False,
    ) -> None:
        if sample_rate <= 0 or hop <= 0:
            raise SettingError(
                f"A detector for {sample_rate} Hz and blocks of {hop} samples cannot "
                "be made: both must be positive. Give the sound's own rate."
            )
        self._sample_rate = sample_rate
        self._given = (high, low, locked)
        self._hist = empty()
        self._state = np.zeros((4, N_FIELDS))
        self._found = np.zeros(3)
        self._block = np.zeros(hop, np.float32)
        self._hop = hop
        self.high: Plateau | None = None
        self.low: Plateau | None = None
        self.reset()

    def reset(self) -> None:
        """Forget all sound; the levels given at construction are in force again."""
        high, low, locked = self._given
        self._hist.fill(0.0)
        self._state[:] = new_state(self._hop, self._sample_rate)
        self._set(high, low, locked)
        self._version = 0.0

    def lock(self, high: Plateau | None, low: Plateau | None) -> None:
        """From the next block on these levels hold, and nothing is detected."""
        self._set(high, low, True)

    def _set(self, high: Plateau | None, low: Plateau | None, locked: bool) -> None:
        for row, plateau in zip(self._state[:2], (high, low), strict=True):
            row[KIND] = GIVEN if locked else (SMEARED if plateau else NONE)
            row[LEVEL] = plateau.level if plateau else 0.0
            row[EDGE] = plateau.edge if plateau else 0.0
            row[CONFIDENCE] = plateau.confidence if plateau else 0.0
        self.high, self.low = high, low

    def process(self, block: Samples, clip: Clip) -> None:
        """Fills ``clip`` for this block.

        Args:
            block: ``(hop,)`` float32.
            clip: written in place: masks, bounds, count and the levels in force.
        """
        self._block[:] = block
        clip.count = follow(
            self._block,
            self._block.view(np.int32),
            clip.sign,
            clip.bound,
            self._hist,
            self._state,
            self._found,
        )
        if self._state[3, VERSION] != self._version:
            self._version = self._state[3, VERSION]
            self.high = plateau_of(self._state[0])
            self.low = plateau_of(self._state[1])
        clip.high, clip.low = self.high, self.low


def new_state(hop: int, sample_rate: int) -> NDArray[np.float64]:
    """The state of ``follow`` before the first block."""
    state = np.zeros((4, N_FIELDS))
    seconds = hop / sample_rate
    state[2, WEIGHT] = 1.0
    state[2, STEP] = np.inf
    state[3, GROWTH] = 2.0 ** (seconds / HALF_LIFE_S)
    state[3, TEST_EVERY] = TEST_EVERY_S * sample_rate
    state[3, PEAK_DECAY] = 0.5 ** (seconds / PEAK_HALF_LIFE_S)
    return state


def plateau_of(row: NDArray[np.float64]) -> Plateau | None:
    """The plateau that one polarity's row of the state holds."""
    if row[KIND] == NONE:
        return None
    return Plateau(float(row[LEVEL]), float(row[EDGE]), float(row[CONFIDENCE]))
