"""Two devices, two clocks: the output reads the rings at the rate it really runs at.

Microphone and loudspeaker of different make disagree by 10 to 100 ppm; 50 ppm eats a
cushion of 256 samples in under two minutes. The input callback stamps how many
samples it has captured and when; the output callback reckons from that stamp where
the input is *now*, and a second-order loop steers its fractional reading position to
stay L behind it (F. Adriaensen, "Using a DLL to filter time", LAC 2005, gives the
idea). Between the samples a windowed sinc interpolates, so that nothing is bit-exact
here, and the host says so. Devices of different nominal rates are joined the same way.

Where the worker is late, the sound fades to dry over 5 ms while there still is wet to
fade from; that reserve, one for jitter and half the sinc are added to L and stated.
Another block is in L and in no statement: the reading position counts from the *end*
of what was captured, not from the beginning of the last block.
"""

import math
from typing import Any

import numpy as np
from numba import carray, cfunc, njit, types
from numpy.typing import NDArray

from rtdeclip.live import ring as r
from rtdeclip.live.atomic import as_pointer, load_acquire, store_release
from rtdeclip.live.callback import (
    MONOTONIC,
    callback_signature,
    capture_jit,
    clock_gettime,
    count_jit,
    glide_jit,
    leave_jit,
    sem_post,
    split_jit,
)
from rtdeclip.live.ring import table_of
from rtdeclip.types import Samples

FADE_S = 0.005
_JITTER_S = 0.002
"""How far the reading position may wander while callbacks come irregularly."""
_KAISER_BETA = 8.0
_ERROR_HZ = 0.5
"""The error's low-pass: callbacks are stamped with milliseconds of jitter."""
_FAST_HZ, _SLOW_HZ = 0.25, 0.03
_FAST_S = 12.0
_FARTHEST_S = 0.1
"""Beyond this the loop does not steer, it jumps."""
_MOST = 0.005
"""The ratio stays within ±5000 ppm of the nominal one."""


def sinc_table(ratio: float) -> Samples:
    """``(PHASES + 1, TAPS)`` float32: row f weighs x[p − 15] … x[p + 16] for p + f/256.

    Args:
        ratio: input samples per output sample; above 1 the band is narrowed.
    """
    half = r.TAPS // 2
    k = np.arange(r.TAPS) - (half - 1)
    distance = np.arange(r.PHASES + 1)[:, None] / r.PHASES - k
    cut = 0.97 * min(1.0, 1.0 / ratio)
    inside = np.clip(1.0 - (distance / half) ** 2, 0.0, None)
    taps = cut * np.sinc(cut * distance) * np.i0(_KAISER_BETA * np.sqrt(inside))
    return np.asarray(taps / taps.sum(axis=1, keepdims=True), np.float32)


def reserve_samples(sample_rate: int) -> int:
    """What two clocks add to the latency: the fade's reserve, jitter, half the sinc."""
    return math.ceil((FADE_S + _JITTER_S) * sample_rate) + r.TAPS // 2


def prepare(
    words: NDArray[np.int64],
    reals: NDArray[np.float64],
    table: Samples,
    in_rate: int,
    out_rate: int,
) -> None:
    """Sets the loop up for devices of these nominal rates."""
    ratio = in_rate / out_rate
    reals[r.NOMINAL_RATIO] = reals[r.RATIO] = ratio
    words[r.OUT_RATE] = out_rate
    words[r.TWO_CLOCKS] = 1
    table[:] = sinc_table(ratio)


def _stamp(words: NDArray[np.int64], now_ns: int) -> None:
    """Count and time of the input, readable as one (a seqlock)."""
    words[r.POSTED_NS] = now_ns
    store_release(words, r.CLOCK_SEQ, words[r.CLOCK_SEQ] + 1)
    store_release(words, r.CLOCK_COUNT, words[r.CAPTURED])
    store_release(words, r.CLOCK_NS, now_ns)
    store_release(words, r.CLOCK_SEQ, words[r.CLOCK_SEQ] + 1)


def _captured_by(words: NDArray[np.int64], now_ns: int) -> float:
    """How far the input is by now, samples, between its callbacks too."""
    count, at = np.int64(0), np.int64(0)
    for _ in range(16):
        before = load_acquire(words, r.CLOCK_SEQ)
        count = load_acquire(words, r.CLOCK_COUNT)
        at = load_acquire(words, r.CLOCK_NS)
        if before % 2 == 0 and before == load_acquire(words, r.CLOCK_SEQ):
            break
    elapsed_s = 1e-9 * min(max(int(now_ns - at), 0), 1_000_000_000)
    return float(count + elapsed_s * words[r.SAMPLE_RATE])


def _steer(
    words: NDArray[np.int64], reals: NDArray[np.float64], n: int, now_ns: int
) -> None:
    """One turn of the loop; moves READ_AT only if it is far off."""
    rate = words[r.SAMPLE_RATE]
    target = _captured_by_jit(words, now_ns) - words[r.LATENCY]
    error = target - reals[r.READ_AT]
    if abs(error) > _FARTHEST_S * rate or reals[r.LOOP_S] == 0.0:
        reals[r.READ_AT] = target
        reals[r.SMOOTH_ERROR] = 0.0
        # The very first sound needs no fade: the master fade is still closed.
        reals[r.CROSSFADE] = 1.0 if reals[r.LOOP_S] == 0.0 else 0.0
        error = 0.0
    dt = n / words[r.OUT_RATE]
    fast = reals[r.LOOP_S] < _FAST_S
    w = 2.0 * np.pi * (_FAST_HZ if fast else _SLOW_HZ)
    a = 1.0 - np.exp(-2.0 * np.pi * (4.0 if fast else 1.0) * _ERROR_HZ * dt)
    reals[r.SMOOTH_ERROR] += a * (error - reals[r.SMOOTH_ERROR])
    smooth = reals[r.SMOOTH_ERROR]
    reals[r.LOOP_INTEGRAL] += w * w * smooth * dt / rate
    bend = 1.5 * w * smooth / rate + reals[r.LOOP_INTEGRAL]
    bend = min(max(bend, -_MOST), _MOST)
    reals[r.RATIO] = reals[r.NOMINAL_RATIO] * (1.0 + bend)
    reals[r.LOOP_S] += dt


def _interpolate(
    rows: NDArray[np.float32],
    table: NDArray[np.float32],
    mask: int,
    p: int,
    f: float,
    channel: int,
) -> np.float32:
    """The ring's channel at position p + f."""
    place = f * r.PHASES
    phase = int(place)
    share = np.float32(place - phase)
    low = np.float32(0.0)
    high = np.float32(0.0)
    first = p - (r.TAPS // 2 - 1)
    for k in range(r.TAPS):
        v = rows[(first + k) & mask, channel]
        low += table[phase, k] * v
        high += table[phase + 1, k] * v
    return low + share * (high - low)


def _play_drifting(
    words: NDArray[np.int64],
    reals: NDArray[np.float64],
    capture: NDArray[np.float32],
    playback: NDArray[np.float32],
    table: NDArray[np.float32],
    outgoing: NDArray[np.float32],
    n: int,
    now_ns: int,
) -> None:
    """One output callback: wet where there is enough of it, else dry, faded."""
    _steer_jit(words, reals, n, now_ns)
    mask = words[r.RING_MASK]
    n_channels = words[r.N_CHANNELS]
    width = words[r.OUT_CHANNELS]
    published = load_acquire(words, r.PUBLISHED)
    valid_from = load_acquire(words, r.VALID_FROM)
    captured = load_acquire(words, r.CAPTURED)
    half = r.TAPS // 2
    fade_n = int(FADE_S * words[r.SAMPLE_RATE])
    dry_gain = np.float32(reals[r.DRY_GAIN])
    ceiling = np.float32(reals[r.CEILING])
    fade, target, step = reals[r.FADE], reals[r.FADE_TARGET], reals[r.FADE_STEP]
    at, ratio, share = reals[r.READ_AT], reals[r.RATIO], reals[r.CROSSFADE]
    late = 0
    for i in range(n):
        p = int(np.floor(at))
        f = at - p
        # Eight more than the fade is long: the ratio may be a little above 1.
        enough = p + half + fade_n + 8 < published
        enough = enough and (valid_from == 0 or p - half >= valid_from)
        share += (1.0 if enough else -1.0) / fade_n
        share = min(max(share, 0.0), 1.0)
        silent = p < half or p + half >= captured
        late += share < 1.0 and not silent and words[r.STARTED] != 0
        fade = glide_jit(fade, target, step)
        for j in range(width):
            channel = words[r.OUT_MAP + j]
            v = np.float32(0.0)
            if not silent and channel != -1:
                first = 0 if channel == -2 else channel
                last = n_channels if channel == -2 else channel + 1
                for c in range(first, last):
                    if share < 1.0:
                        dry = _interpolate_jit(capture, table, mask, p, f, c)
                        v += np.float32(1.0 - share) * dry_gain * dry
                    if share > 0.0:
                        wet = _interpolate_jit(playback, table, mask, p, f, c)
                        v += np.float32(share) * wet
                v /= np.float32(last - first)
            outgoing[i * width + j] = leave_jit(v, fade, ceiling)
        at += ratio
    reals[r.FADE], reals[r.READ_AT], reals[r.CROSSFADE] = fade, at, share
    words[r.LATE_SAMPLES] += late
    words[r.EPISODES] += late > 0 and words[r.WAS_LATE] == 0
    words[r.LATE_HOPS] += late > 0
    words[r.WAS_LATE] = late > 0
    words[r.PLAYED] = int(at)


_table_jit = njit(nogil=True, cache=True)(table_of)
_stamp_jit = njit(nogil=True, cache=True)(_stamp)
_captured_by_jit = njit(nogil=True, cache=True)(_captured_by)
_steer_jit = njit(nogil=True, cache=True, error_model="numpy")(_steer)
_interpolate_jit = njit(nogil=True, cache=True, error_model="numpy", fastmath=True)(
    _interpolate
)
_play_jit = njit(nogil=True, cache=True, error_model="numpy")(_play_drifting)


def _input(
    block: NDArray[np.int64], incoming: NDArray[np.float32], n: int, now_ns: int
) -> None:
    """One input callback of two."""
    words, _, _, _, rings = split_jit(block)
    size = words[r.RING_MASK] + 1
    rows = rings.view(np.float32).reshape(2, size, words[r.N_CHANNELS])
    capture_jit(words, rows[0], incoming, n)
    _stamp_jit(words, now_ns)


def _output(
    block: NDArray[np.int64],
    outgoing: NDArray[np.float32],
    n: int,
    now_ns: int,
    flags: int,
) -> None:
    """One output callback of two."""
    words, reals, _, _, rings = split_jit(block)
    size = words[r.RING_MASK] + 1
    rows = rings.view(np.float32).reshape(2, size, words[r.N_CHANNELS])
    table = _table_jit(block)
    count_jit(words, n, now_ns, flags)
    _play_jit(words, reals, rows[0], rows[1], table, outgoing, n, now_ns)


# No signatures: they are compiled only where two clocks are met.
take_input = njit(nogil=True, cache=True)(_input)
give_output = njit(nogil=True, cache=True)(_output)


def _input_callback(
    incoming: Any, outgoing: Any, n: Any, time_info: Any, flags: Any, user_data: Any
) -> int:
    words = carray(as_pointer(user_data), (r.WORDS,), np.int64)
    block = carray(as_pointer(user_data), (words[r.TOTAL_WORDS],), np.int64)
    clock_gettime(MONOTONIC, types.uintp(user_data + 8 * r.INPUT_TIMESPEC))
    now = words[r.INPUT_TIMESPEC] * 1_000_000_000 + words[r.INPUT_TIMESPEC + 1]
    samples = types.int64(n)
    words[r.INPUT_UNDERFLOWS] += types.int64(flags) & 1 != 0
    words[r.INPUT_OVERFLOWS] += types.int64(flags) & 2 != 0
    source = carray(as_pointer(incoming), (samples * words[r.IN_CHANNELS],), np.float32)
    take_input(block, source, samples, now)
    sem_post(types.uintp(user_data + 8 * r.SEMAPHORE))
    return 0


def _output_callback(
    incoming: Any, outgoing: Any, n: Any, time_info: Any, flags: Any, user_data: Any
) -> int:
    words = carray(as_pointer(user_data), (r.WORDS,), np.int64)
    block = carray(as_pointer(user_data), (words[r.TOTAL_WORDS],), np.int64)
    clock_gettime(MONOTONIC, types.uintp(user_data + 8 * r.TIMESPEC))
    now = words[r.TIMESPEC] * 1_000_000_000 + words[r.TIMESPEC + 1]
    samples = types.int64(n)
    sink = carray(as_pointer(outgoing), (samples * words[r.OUT_CHANNELS],), np.float32)
    give_output(block, sink, samples, now, types.int64(flags) & 12)
    return 0


def compile_callbacks() -> tuple[Any, Any]:
    """The compiled input and output callbacks."""
    signature = callback_signature()
    return (
        cfunc(signature, cache=True)(_input_callback),
        cfunc(signature, cache=True)(_output_callback),
    )
