"""The evidence of clipping in one block: kernels, and the state they keep.

Two kinds of evidence, per polarity. *Digital* clipping leaves runs of exactly equal
samples that a climb runs into, twice at the same value: in force from the second
run on, gone with the first sample beyond it. *Smeared* clipping (dither, noise,
resampling, codecs) leaves a plateau in the histogram (``plateau``): in force after
about a second of it.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rtdeclip.stream.histogram import (
    FIRST_KEY,
    FLOOR,
    KNEES,
    LARGEST,
    PEAKS,
    SAMPLES,
    SHIFT,
)
from rtdeclip.stream.plateau import (
    ALIKE,
    FOUND_EDGE,
    FOUND_LEVEL,
    FOUND_SCORE,
    LIKELY,
    NEIGHBOUR,
    PAIR,
    SURE,
    TWIN,
    find_plateau,
)
from rtdeclip.types import Samples, Signs

GATE = 0.2
"""Samples below this share of the recent peak are not counted."""
SHORTEST_RUN = 3
"""Fewer equal samples at a peak also occur in unclipped sound."""
HIGH = 0.5
"""Below this share of the recent peak a digital plateau must show more runs."""
RUNS_HIGH, RUNS_LOW = 2.0, 4.0
"""Flat runs at one value that make a digital plateau, above and below ``HIGH``."""
STEPS = 8.0
"""A run's step from its neighbour, in quantisation steps, that no smooth top has."""
SAME = 1e-6
"""Samples this close, relative, sit on one digital plateau."""
CLIMB = 0.5
"""The step before a corner's step, relative to it: sound climbs, a square wave
jumps from another flat."""
STOP = 0.24
"""The steps after a corner, relative to the step into it: a parabola's are ≥ 1/3."""
JITTER = 0.002
"""Relative; a plateau found again this close to the one in force changes nothing."""

# The state, float64. Rows 0 and 1: the positive and the negative polarity.
# CANDIDATE: the highest value of late, with its flat RUNS, the samples that touch it
# and the LONGEST run of them. SUMMIT: the peak of the excursion going on.
LEVEL, EDGE, CONFIDENCE, KIND, PEAK, SUMMIT = range(6)
# LENT: the edge of another channel's plateau, in force while this channel has none.
CANDIDATE, RUNS, TOUCHES, LONGEST, LENT = range(6, 11)
# Row 2: what both share. A run of equal samples: RUN long, BEFORE is the sample
# before it, SLOPE the step before that; Y1 … Y4 are the last samples.
# FLAT…: a run that ended one sample ago, while its right side is awaited.
WEIGHT, UNTIL_TEST, STEP, RUN, BEFORE, SLOPE, Y1, Y2, Y3, Y4 = range(10)
FLAT, FLAT_BEFORE, FLAT_SLOPE, FLAT_AFTER, FLAT_RUN = range(10, 15)
# Row 3: set once, and the version of the levels.
GROWTH, TEST_EVERY, PEAK_DECAY, VERSION = range(4)
N_FIELDS = 15
# Kinds of level; DOUBTED: was digital, then a sample lay a little beyond it.
NONE, SMEARED, DOUBTED, DIGITAL, GIVEN = range(5)


def _adopt(
    state: NDArray[np.float64],
    p: int,
    kind: int,
    level: float,
    edge: float,
    confidence: float,
) -> None:
    row = state[p]
    row[KIND], row[LEVEL], row[EDGE], row[CONFIDENCE] = kind, level, edge, confidence
    state[3, VERSION] += 1.0


adopt = njit(nogil=True, cache=True)(_adopt)


def _is_flat_top(shared: NDArray[np.float64], after: float) -> bool:
    # A run of equal samples ended two samples ago: was it cut off, or just smooth?
    v = shared[FLAT]
    s = 1.0 if v > 0.0 else -1.0
    rise = s * (v - shared[FLAT_BEFORE])
    fall = s * (v - shared[FLAT_AFTER])
    if rise <= 0.0 or fall <= 0.0 or max(rise, fall) < STEPS * shared[STEP]:
        return False
    climbs = s * shared[FLAT_SLOPE] >= CLIMB * rise
    return bool(climbs or s * (shared[FLAT_AFTER] - after) >= CLIMB * fall)


is_flat_top = njit(nogil=True, cache=True)(_is_flat_top)


def _is_knee(a: float, b: float, c: float, d: float, e: float, least: float) -> bool:
    # A climb a → b → c that stops dead at c, then d and e: all towards the plateau.
    rise = c - b
    if rise <= least or b - a < CLIMB * rise:
        return False
    return abs(d - c) <= STOP * rise and abs(e - d) <= STOP * rise


is_knee = njit(nogil=True, cache=True)(_is_knee)


def _exceeded(
    counts: NDArray[np.float32], state: NDArray[np.float64], p: int, m: float
) -> None:
    # A sample beyond a digital plateau, perhaps. By little: the plateau is dithered,
    # and stays until the histogram is asked. By much: the gain was turned up, and
    # the histogram is of the old level (a scan, which never forgets, keeps it).
    row = state[p]
    if row[KIND] not in (DOUBTED, DIGITAL) or m <= row[LEVEL] * (1.0 + SAME):
        return
    if m < row[LEVEL] * (1.0 + NEIGHBOUR):
        row[KIND] = DOUBTED
        return
    adopt(state, p, NONE, 0.0, 0.0, 0.0)
    if state[3, GROWTH] > 1.0:
        counts[p] = 0.0


exceeded = njit(nogil=True, cache=True)(_exceeded)


def _watch(
    y: Samples,
    bits: NDArray[np.int32],
    counts: NDArray[np.float32],
    state: NDArray[np.float64],
) -> None:
    # One block into the histograms; runs of equal samples; levels exceeded.
    weight = np.float32(state[2, WEIGHT])
    gates = (max(FLOOR, GATE * state[0, PEAK]), max(FLOOR, GATE * state[1, PEAK]))
    shared = state[2]
    step = shared[STEP]
    run = shared[RUN]
    y1, y2, y3, y4 = shared[Y1], shared[Y2], shared[Y3], shared[Y4]
    for i in range(y.size):
        v = float(y[i])
        p = 0 if v >= 0.0 else 1
        s = 1.0 if v >= 0.0 else -1.0
        m = s * v
        if shared[FLAT] != 0.0:
            flat = shared[FLAT]
            q = 0 if flat > 0.0 else 1
            shared[STEP] = step
            if is_flat_top(shared, v):
                if abs(abs(flat) - state[q, CANDIDATE]) <= SAME * abs(flat):
                    state[q, RUNS] += 1.0
                else:
                    state[q, CANDIDATE], state[q, RUNS] = abs(flat), 1.0
                    state[q, TOUCHES] = state[q, LONGEST] = shared[FLAT_RUN]
            shared[FLAT] = 0.0
        if abs(v - y1) <= SAME * m:
            run += 1.0
        else:
            if run >= SHORTEST_RUN:
                shared[FLAT], shared[FLAT_RUN] = y1, run
                shared[FLAT_BEFORE], shared[FLAT_SLOPE] = shared[BEFORE], shared[SLOPE]
                shared[FLAT_AFTER] = v
            step = min(step, abs(v - y1))
            run = 1.0
            shared[BEFORE] = y1
            shared[SLOPE] = y1 - y2
        if gates[p] <= m < LARGEST:
            key = ((bits[i] & 0x7FFFFFFF) >> SHIFT) - FIRST_KEY
            counts[p, SAMPLES, key] += weight
            state[p, SUMMIT] = max(state[p, SUMMIT], m)
            if m >= state[p, CANDIDATE] * (1.0 - SAME):
                if m > state[p, CANDIDATE] * (1.0 + SAME):
                    state[p, CANDIDATE], state[p, RUNS] = m, 0.0
                    state[p, TOUCHES] = state[p, LONGEST] = 0.0
                    exceeded(counts, state, p, m)
                state[p, TOUCHES] += 1.0
                state[p, LONGEST] = max(state[p, LONGEST], run)
                known = state[p, KIND] == DIGITAL and state[p, LEVEL] == m
                high = state[p, CANDIDATE] >= HIGH * state[p, PEAK]
                enough = state[p, RUNS] + 1.0 >= (RUNS_HIGH if high else RUNS_LOW)
                if run >= SHORTEST_RUN and enough and not known:
                    sure = 1.0 - 0.5 ** (state[p, RUNS] + 1.0)
                    adopt(state, p, DIGITAL, m, m * (1.0 - SAME), sure)
        t = 1.0 if y2 >= 0.0 else -1.0
        least = STEPS * step
        m2 = t * y2
        p2 = 0 if y2 >= 0.0 else 1
        if gates[p2] <= m2 < LARGEST and (
            is_knee(t * y4, t * y3, m2, t * y1, t * v, least)
            or is_knee(t * v, t * y1, m2, t * y3, t * y4, least)
        ):
            key = (np.float32(m2).view(np.int32) >> SHIFT) - FIRST_KEY
            counts[p2, KNEES, key] += weight
        y4, y3, y2, y1 = y3, y2, y1, v
        for q in range(2):
            summit = state[q, SUMMIT]
            if summit > 0.0 and (v if q == 0 else -v) < 0.5 * summit:
                key = (np.float32(summit).view(np.int32) >> SHIFT) - FIRST_KEY
                counts[q, PEAKS, key] += weight
                state[q, SUMMIT] = 0.0
    shared[STEP], shared[RUN] = step, run
    shared[Y1], shared[Y2], shared[Y3], shared[Y4] = y1, y2, y3, y4


watch = njit(nogil=True, cache=True)(_watch)


def _judge(
    counts: NDArray[np.float32],
    state: NDArray[np.float64],
    offsets: NDArray[np.int32],
    edges: NDArray[np.float64],
    above: NDArray[np.float32],
    found: NDArray[np.float64],
) -> None:
    # Ask the histograms of both polarities; found: (2, 3).
    for p in range(2):
        gate = np.float32(max(FLOOR, GATE * state[p, PEAK]))
        floor = (gate.view(np.int32) >> SHIFT) - FIRST_KEY + 1
        weight = state[2, WEIGHT]
        find_plateau(counts[p], weight, floor, offsets, edges, above, found[p])
    z0, z1 = found[0, FOUND_SCORE], found[1, FOUND_SCORE]
    apart = abs(found[0, FOUND_LEVEL] - found[1, FOUND_LEVEL])
    larger = max(found[0, FOUND_LEVEL], found[1, FOUND_LEVEL])
    twins = min(z0, z1) > TWIN and (
        apart < ALIKE * larger or (z0 + z1 > PAIR and apart < NEIGHBOUR * larger)
    )
    for p in range(2):
        if state[p, KIND] == DIGITAL:
            continue
        z = found[p, FOUND_SCORE]
        level = found[p, FOUND_LEVEL]
        now = state[p, LEVEL]
        still = abs(level - now) < NEIGHBOUR * level
        if z > SURE or twins or (z > LIKELY and still):
            if abs(level - now) > JITTER * level or state[p, KIND] == DOUBTED:
                # The score is log-odds; what backs it is not in it.
                sure = 1.0 / (1.0 + np.exp(-max(z, LIKELY)))
                adopt(state, p, SMEARED, level, found[p, FOUND_EDGE], sure)
        elif now > 0.0:
            adopt(state, p, NONE, 0.0, 0.0, 0.0)


judge = njit(nogil=True, cache=True)(_judge)


def _mask(y: Samples, high: float, low: float, sign: Signs, bound: Samples) -> int:
    # high, low: edges in force, 0 for none. Returns the number of clipped samples.
    count = 0
    up = np.float32(high if high > 0.0 else np.nan)  # nothing compares with NaN
    down = np.float32(low if low > 0.0 else np.nan)
    for i in range(y.size):
        s = (1 if y[i] >= up else 0) - (1 if -y[i] >= down else 0)
        sign[i] = s
        bound[i] = up if s > 0 else (down if s < 0 else np.float32(0.0))
        count += 1 if s != 0 else 0
    return count


mask = njit(nogil=True, cache=True)(_mask)


def _loudest(y: Samples, state: NDArray[np.float64]) -> bool:
    # Follows the recent peaks; True if this block comes near them.
    hi = np.float32(0.0)
    lo = np.float32(0.0)
    for i in range(y.size):
        hi = max(hi, y[i] if y[i] < LARGEST else np.float32(0.0))
        lo = min(lo, y[i] if y[i] > -LARGEST else np.float32(0.0))
    loud = False
    for p in range(2):
        m = hi if p == 0 else -lo
        state[p, PEAK] = max(state[p, PEAK] * state[3, PEAK_DECAY], m)
        loud |= m >= max(FLOOR, GATE * state[p, PEAK])
    return loud


loudest = njit(nogil=True, cache=True)(_loudest)


def _edge(row: NDArray[np.float64]) -> float:
    # The edge in force, 0 for none. Sound beyond a lent one shows that it is not ours.
    if row[LEVEL] > 0.0 or row[KIND] == GIVEN:
        return float(row[EDGE])
    return float(row[LENT]) if row[PEAK] < row[LENT] * (1.0 + NEIGHBOUR) else 0.0


edge = njit(nogil=True, cache=True)(_edge)


def _follow(
    y: Samples,
    bits: NDArray[np.int32],
    sign: Signs,
    bound: Samples,
    counts: NDArray[np.float32],
    state: NDArray[np.float64],
    offsets: NDArray[np.int32],
    edges: NDArray[np.float64],
    above: NDArray[np.float32],
    found: NDArray[np.float64],
) -> int:
    # All of one block; returns the number of clipped samples.
    given = state[0, KIND] == GIVEN or state[1, KIND] == GIVEN
    if not given and loudest(y, state):
        watch(y, bits, counts, state)
        state[2, WEIGHT] *= state[3, GROWTH]
        if state[2, WEIGHT] > 1e6:
            counts /= np.float32(state[2, WEIGHT])
            state[2, WEIGHT] = 1.0
        state[2, UNTIL_TEST] -= y.size
        if state[2, UNTIL_TEST] <= 0.0:
            state[2, UNTIL_TEST] = state[3, TEST_EVERY]
            judge(counts, state, offsets, edges, above, found)
    elif not given:
        state[2, RUN] = 1.0
        state[2, FLAT] = 0.0
        state[2, Y1] = state[2, Y2] = state[2, Y3] = state[2, Y4] = y[y.size - 1]
    return mask(y, edge(state[0]), edge(state[1]), sign, bound)


follow = njit(nogil=True, cache=True)(_follow)
