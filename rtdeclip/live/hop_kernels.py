"""What the worker does without the interpreter's lock: wait, copy, publish, count.

Four kernels are called from Python: ``wait_for``, ``begin_hop``, ``finish_hop`` and
``book``.
"""

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from rtdeclip.live import ring as r
from rtdeclip.live.atomic import load_acquire, store_release
from rtdeclip.live.callback import clock_gettime

_REALTIME = 0
_WAIT_NS = 50_000_000
"""Longest wait without a look at the stop flag."""

_sem_timedwait = types.ExternalFunction(
    "sem_timedwait", types.int32(types.uintp, types.uintp)
)


def _wait(words: NDArray[np.int64], until: int) -> bool:
    """Sleeps on the semaphore until position ``until`` is captured; False: not yet."""
    if load_acquire(words, r.CAPTURED) >= until:
        return True
    spec = types.uintp(words[r.ADDRESS] + 8 * r.WORKER_TIMESPEC)
    clock_gettime(_REALTIME, spec)
    ns = words[r.WORKER_TIMESPEC + 1] + _WAIT_NS
    words[r.WORKER_TIMESPEC] += ns // 1_000_000_000
    words[r.WORKER_TIMESPEC + 1] = ns % 1_000_000_000
    # Interrupted, timed out or woken early: the caller asks again.
    while _sem_timedwait(types.uintp(words[r.ADDRESS] + 8 * r.SEMAPHORE), spec) == 0:
        if load_acquire(words, r.CAPTURED) >= until:
            return True
    return load_acquire(words, r.CAPTURED) >= until


def _next_hop(words: NDArray[np.int64], k: int) -> int:
    """Hop ``k``, or the first one after it that is not already past."""
    hop = words[r.HOP]
    playhead = load_acquire(words, r.CAPTURED) - words[r.LATENCY]
    if k * hop >= playhead:
        return k
    jump = -(-playhead // hop)
    words[r.SKIPPED] += (jump - k) * hop
    words[r.JUMPS] += 1
    # Before PUBLISHED moves: what lies between is not to be played.
    store_release(words, r.VALID_FROM, jump * hop)
    return jump


def _meter(reals: NDArray[np.float64], at: int, v: np.float32) -> None:
    """Peak and sum of squares, at ``at`` and the next."""
    reals[at] = max(reals[at], abs(v))
    reals[at + 1] += v * v


def _take(
    words: NDArray[np.int64],
    reals: NDArray[np.float64],
    capture: NDArray[np.float32],
    block: NDArray[np.float32],
    k: int,
) -> None:
    """Copies hop ``k`` out of the capture ring; input meters and the run of zeros."""
    mask = words[r.RING_MASK]
    hop, n_channels = block.shape
    start = k * hop
    for i in range(hop):
        row = (start + i) & mask
        silent = True
        for c in range(n_channels):
            v = capture[row, c]
            block[i, c] = v
            silent = silent and v == 0.0
            if np.isfinite(v):
                _meter_jit(reals, r.METER + c * r.METERS, v)
            else:
                words[r.BAD_INPUT] += 1
        words[r.ZERO_RUN] = words[r.ZERO_RUN] + 1 if silent else 0
    reals[r.METER_COUNT] += hop


def _publish(
    words: NDArray[np.int64],
    reals: NDArray[np.float64],
    playback: NDArray[np.float32],
    out: NDArray[np.float32],
    k: int,
) -> None:
    """What Stream made of hop ``k`` into the playback ring, at its own positions."""
    mask = words[r.RING_MASK]
    hop, n_channels = out.shape
    start = k * hop - words[r.STREAM_LATENCY]
    for i in range(max(0, -start), hop):
        row = (start + i) & mask
        for c in range(n_channels):
            v = out[i, c]
            playback[row, c] = v
            _meter_jit(reals, r.METER + c * r.METERS + 2, v)
    if start + hop > 0:
        words[r.STARTED] = 1
        store_release(words, r.PUBLISHED, start + hop)
    words[r.HOPS] += 1


def _show(
    words: NDArray[np.int64],
    reals: NDArray[np.float64],
    capture: NDArray[np.float32],
    playback: NDArray[np.float32],
    sign: NDArray[np.int8],
    k: int,
    scope_dry: NDArray[np.float32],
    scope_wet: NDArray[np.float32],
    scope_sign: NDArray[np.int8],
    ends: NDArray[np.int64],
) -> None:
    """The scope's rows of hop ``k``; left-out positions show dry, as they sounded."""
    mask = words[r.RING_MASK]
    show = scope_dry.shape[0] - 1
    hop = words[r.HOP]
    n_channels = scope_dry.shape[1]
    oldest = (k + 1) * hop - scope_dry.shape[0]
    for p in range(max(ends[0], oldest), (k + 1) * hop):
        for c in range(n_channels):
            scope_dry[p & show, c] = capture[p & mask, c]
            scope_sign[p & show, c] = 0
    for i in range(hop):
        for c in range(n_channels):
            scope_sign[(k * hop + i) & show, c] = sign[c, i]
            clipped = sign[c, i] != 0
            words[r.CLIPPED] += clipped
            words[r.CLIPPED_BY_CHANNEL + c] += clipped
    ends[0] = (k + 1) * hop
    until = words[r.PUBLISHED]
    valid = words[r.VALID_FROM]
    gain = np.float32(reals[r.DRY_GAIN])
    for p in range(max(ends[1], oldest), until):
        for c in range(n_channels):
            if p >= valid:
                scope_wet[p & show, c] = playback[p & mask, c]
            else:
                scope_wet[p & show, c] = gain * capture[p & mask, c]
    if until > ends[1]:
        store_release(ends, 1, until)


def _book(
    words: NDArray[np.int64],
    wake: NDArray[np.int64],
    rtf: NDArray[np.int64],
    wake_ns: int,
    busy_ns: int,
) -> None:
    """Histograms of wake-up and RTF; ``wake_ns`` below zero: it had not slept."""
    if wake_ns >= 0:
        wake[min(wake_ns // r.WAKE_BIN_NS, r.WAKE_BINS - 1)] += 1
        words[r.WORST_WAKE_NS] = max(words[r.WORST_WAKE_NS], wake_ns)
    hop_ns = words[r.HOP] * 1_000_000_000 // words[r.SAMPLE_RATE]
    rtf[min(busy_ns * 100 // hop_ns, r.RTF_BINS - 1)] += 1
    words[r.WORST_RTF_NS] = max(words[r.WORST_RTF_NS], busy_ns)
    words[r.BUSY_NS] += busy_ns


wait_for = njit(nogil=True, cache=True)(_wait)
_next_hop_jit = njit(nogil=True, cache=True)(_next_hop)
_meter_jit = njit(nogil=True, cache=True)(_meter)
_take_jit = njit(nogil=True, cache=True)(_take)
_publish_jit = njit(nogil=True, cache=True)(_publish)
_show_jit = njit(nogil=True, cache=True)(_show)
book = njit(nogil=True, cache=True)(_book)


# Each call from Python costs more than the copying: two a hop, not five.


def _begin(
    words: NDArray[np.int64],
    reals: NDArray[np.float64],
    capture: NDArray[np.float32],
    block: NDArray[np.float32],
    k: int,
) -> int:
    """Takes hop ``k`` or the next that is not past; −1 − its number: not yet whole."""
    k = _next_hop_jit(words, k)
    if load_acquire(words, r.CAPTURED) < (k + 1) * words[r.HOP]:
        return -1 - k
    _take_jit(words, reals, capture, block, k)
    return k


def _finish(
    words: NDArray[np.int64],
    reals: NDArray[np.float64],
    capture: NDArray[np.float32],
    playback: NDArray[np.float32],
    out: NDArray[np.float32],
    sign: NDArray[np.int8],
    k: int,
    scope_dry: NDArray[np.float32],
    scope_wet: NDArray[np.float32],
    scope_sign: NDArray[np.int8],
    ends: NDArray[np.int64],
) -> None:
    """Publishes hop ``k`` first, then shows it."""
    _publish_jit(words, reals, playback, out, k)
    _show_jit(
        words, reals, capture, playback, sign, k, scope_dry, scope_wet, scope_sign, ends
    )


begin_hop = njit(nogil=True, cache=True)(_begin)
finish_hop = njit(nogil=True, cache=True)(_finish)
