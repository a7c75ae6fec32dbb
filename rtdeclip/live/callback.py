"""What happens in the sound card's thread: copy in, copy out, count, wake the worker.

``exchange`` is the whole of it, a kernel without Python, lock or allocation. It runs
inside a numba cfunc whose address PortAudio calls; the interpreter's lock is never
taken, so a busy Python thread cannot delay the sound (measured with 512 samples at
48 kHz beside such a thread: Python callback 27 % of the callbacks flagged, this one
none). The simulated clock of the tests and the Python-callback fallback call the same
kernel.

The callback that captures positions c … c + n plays c − L … c + n − L. A position
that the worker has not published by then is played dry: the captured sample of that
very position, through the same gain, ceiling and channel map. So a late hop is no gap
and no delay, and L stays what it was.

A device that was held up calls twice in a row to catch up, and at the smallest L the
worker then has had no time at all for the block that came just before. Only such a
callback naps (``_let_catch_up``), until that block is there and never longer than a
quarter of its own block lasts.
"""

from typing import Any

import numpy as np
from numba import carray, cfunc, njit, types
from numpy.typing import NDArray

from rtdeclip.live import ring as r
from rtdeclip.live.atomic import as_pointer, load_acquire, store_release
from rtdeclip.live.ring import split

MONOTONIC = 1
_NAP_NS = 50_000
# PaStreamCallbackFlags
_IN_UNDER, _IN_OVER, _OUT_UNDER, _OUT_OVER = 1, 2, 4, 8


def _length_ns(words: NDArray[np.int64], n: int) -> int:
    return n * 1_000_000_000 // words[r.SAMPLE_RATE]


def _is_rushed(words: NDArray[np.int64], now_ns: int) -> bool:
    """True for a callback that comes before half of the last block has passed."""
    gap = now_ns - words[r.LAST_NS]
    return words[r.CALLBACKS] > 0 and 2 * gap < _length_jit(words, words[r.BLOCK])


def _count_callback(words: NDArray[np.int64], n: int, now_ns: int, flags: int) -> int:
    """Counters of one callback; positions below what it returns came in good time.

    That is at least one block ago; none (0) if the device stood still for more than
    1.5 periods.
    """
    gap = now_ns - words[r.LAST_NS]
    on_time = gap <= words[r.PERIOD_NS] + words[r.PERIOD_NS] // 2
    if words[r.CALLBACKS] > 0 and not on_time:
        words[r.DEVICE_STALLS] += 1
    ripe = words[r.CAPTURED]
    if _is_rushed_jit(words, now_ns):
        words[r.RUSHES] += 1
        ripe = words[r.BEFORE_PREVIOUS]
    words[r.BEFORE_PREVIOUS] = words[r.CAPTURED]
    words[r.LAST_NS] = now_ns
    words[r.CALLBACKS] += 1
    words[r.BLOCK] = n
    words[r.LARGEST_BLOCK] = max(n, words[r.LARGEST_BLOCK])
    words[r.INPUT_UNDERFLOWS] += flags & _IN_UNDER != 0
    words[r.INPUT_OVERFLOWS] += flags & _IN_OVER != 0
    words[r.OUTPUT_UNDERFLOWS] += flags & _OUT_UNDER != 0
    words[r.OUTPUT_OVERFLOWS] += flags & _OUT_OVER != 0
    return ripe if on_time else 0


def _capture(
    words: NDArray[np.int64],
    capture: NDArray[np.float32],
    incoming: NDArray[np.float32],
    n: int,
) -> None:
    """Input samples into the capture ring; a file source is only counted on."""
    start = words[r.CAPTURED]
    mask = words[r.RING_MASK]
    n_channels = words[r.N_CHANNELS]
    if words[r.FILE_SOURCE] != 0:
        fed = load_acquire(words, r.FED)
        for p in range(max(start, fed), start + n):
            for c in range(n_channels):
                capture[p & mask, c] = 0.0
    else:
        width = words[r.IN_CHANNELS]
        for i in range(n):
            for c in range(n_channels):
                capture[(start + i) & mask, c] = incoming[
                    i * width + words[r.IN_MAP + c]
                ]
    store_release(words, r.CAPTURED, start + n)


def _sample(
    rows: NDArray[np.float32], row: int, channel: int, n_channels: int
) -> np.float32:
    """What one output channel plays: a stream channel, the mean of all or silence."""
    if channel >= 0:
        return rows[row, channel]
    total = np.float32(0.0)
    if channel == -2:
        for c in range(n_channels):
            total += rows[row, c]
        total /= np.float32(n_channels)
    return total


def _glide(fade: float, target: float, step: float) -> float:
    """The fade's next value on its way to ``target``."""
    if fade < target:
        return min(fade + step, target)
    return max(fade - step, target)


def _leave(v: np.float32, fade: float, ceiling: np.float32) -> np.float32:
    """The sample as it leaves: faded, at most the ceiling, 0 if it is no number."""
    v = np.float32(v * fade)
    if not np.isfinite(v):
        v = np.float32(0.0)
    return min(max(v, -ceiling), ceiling)


def _play(
    words: NDArray[np.int64],
    reals: NDArray[np.float64],
    capture: NDArray[np.float32],
    playback: NDArray[np.float32],
    outgoing: NDArray[np.float32],
    n: int,
    start: int,
    ripe: int,
) -> None:
    """Positions start − L … of the playback ring, or dry, into the output.

    What should have been made of input below position ``ripe`` is the worker's fault.
    """
    mask = words[r.RING_MASK]
    n_channels = words[r.N_CHANNELS]
    width = words[r.OUT_CHANNELS]
    hop = words[r.HOP]
    published = load_acquire(words, r.PUBLISHED)
    valid_from = load_acquire(words, r.VALID_FROM)
    dry_gain = np.float32(reals[r.DRY_GAIN])
    ceiling = np.float32(reals[r.CEILING])
    fade, target, step = reals[r.FADE], reals[r.FADE_TARGET], reals[r.FADE_STEP]
    late = 0
    own = 0
    for i in range(n):
        p = start + i - words[r.LATENCY]
        row = p & mask
        dry = p >= published or p < valid_from
        if dry and p >= 0 and words[r.STARTED] != 0:
            late += 1
            h = (p + words[r.STREAM_LATENCY]) // hop
            own += (h + 1) * hop <= ripe
            if h != words[r.LAST_LATE_HOP]:
                words[r.LATE_HOPS] += 1
                words[r.LAST_LATE_HOP] = h
        fade = glide_jit(fade, target, step)
        for j in range(width):
            channel = words[r.OUT_MAP + j]
            if p < 0:
                v = np.float32(0.0)
            elif dry:
                v = dry_gain * _sample_jit(capture, row, channel, n_channels)
            else:
                v = _sample_jit(playback, row, channel, n_channels)
            outgoing[i * width + j] = leave_jit(v, fade, ceiling)
    reals[r.FADE] = fade
    words[r.LATE_SAMPLES] += late
    words[r.OWN_UNDERRUNS] += own
    words[r.EPISODES] += late > 0 and words[r.WAS_LATE] == 0
    words[r.WAS_LATE] = late > 0
    words[r.PLAYED] = start + n - words[r.LATENCY]


_length_jit = njit(nogil=True, cache=True)(_length_ns)
_is_rushed_jit = njit(nogil=True, cache=True)(_is_rushed)
count_jit = njit(nogil=True, cache=True)(_count_callback)
capture_jit = njit(nogil=True, cache=True)(_capture)
_sample_jit = njit(nogil=True, cache=True, error_model="numpy")(_sample)
glide_jit = njit(nogil=True, cache=True)(_glide)
leave_jit = njit(nogil=True, cache=True)(_leave)
_play_jit = njit(nogil=True, cache=True, error_model="numpy")(_play)
split_jit = njit(nogil=True, cache=True)(split)


def _exchange(
    block: NDArray[np.int64],
    incoming: NDArray[np.float32],
    outgoing: NDArray[np.float32],
    n: int,
    now_ns: int,
    flags: int,
) -> None:
    """One duplex callback.

    Args:
        block: the engine's memory.
        incoming: ``(n · in_channels,)`` float32, interleaved; unread for file sources.
        outgoing: ``(n · out_channels,)`` float32, interleaved, filled.
        n: samples per channel; may change from call to call.
        now_ns: CLOCK_MONOTONIC.
        flags: PortAudio's over- and underflow flags.
    """
    words, reals, _, _, rings = split_jit(block)
    n_channels = words[r.N_CHANNELS]
    size = words[r.RING_MASK] + 1
    rows = rings.view(np.float32).reshape(2, size, n_channels)
    start = words[r.CAPTURED]
    words[r.POSTED_NS] = now_ns
    ripe = count_jit(words, n, now_ns, flags)
    capture_jit(words, rows[0], incoming, n)
    _play_jit(words, reals, rows[0], rows[1], outgoing, n, start, ripe)


exchange = njit(
    types.void(
        types.int64[::1],
        types.float32[::1],
        types.float32[::1],
        types.int64,
        types.int64,
        types.int64,
    ),
    nogil=True,
    cache=True,
)(_exchange)

sem_post = types.ExternalFunction("sem_post", types.int32(types.uintp))
clock_gettime = types.ExternalFunction(
    "clock_gettime", types.int32(types.int32, types.uintp)
)
_nanosleep = types.ExternalFunction("nanosleep", types.int32(types.uintp, types.uintp))


def _let_catch_up(words: NDArray[np.int64], n: int, now_ns: int) -> None:
    """Before a rushed callback: naps until what it is to play is published.

    The worker is at it, for the callback before has posted.

    Args:
        words: of the engine's memory.
        n: samples of this callback.
        now_ns: CLOCK_MONOTONIC.
    """
    if words[r.STARTED] == 0 or not _is_rushed_jit(words, now_ns):
        return
    until = words[r.CAPTURED] + n - words[r.LATENCY]
    clock = types.uintp(words[r.ADDRESS] + 8 * r.TIMESPEC)
    nap = types.uintp(words[r.ADDRESS] + 8 * (r.TIMESPEC + 2))
    words[r.TIMESPEC + 2], words[r.TIMESPEC + 3] = 0, _NAP_NS
    longest = left = _length_jit(words, n) // 4
    while load_acquire(words, r.PUBLISHED) < until and left > 0:
        _nanosleep(nap, types.uintp(0))
        clock_gettime(MONOTONIC, clock)
        spent = words[r.TIMESPEC] * 1_000_000_000 + words[r.TIMESPEC + 1] - now_ns
        left = longest - spent


_let_catch_up_jit = njit(nogil=True, cache=True)(_let_catch_up)


def _callback(
    incoming: Any, outgoing: Any, n: Any, time_info: Any, flags: Any, user_data: Any
) -> int:
    """PaStreamCallback: ``exchange`` on the memory at ``user_data``, then a post."""
    words = carray(as_pointer(user_data), (r.WORDS,), np.int64)
    block = carray(as_pointer(user_data), (words[r.TOTAL_WORDS],), np.int64)
    clock_gettime(MONOTONIC, types.uintp(user_data + 8 * r.TIMESPEC))
    now_ns = words[r.TIMESPEC] * 1_000_000_000 + words[r.TIMESPEC + 1]
    samples = types.int64(n)
    _let_catch_up_jit(words, samples, now_ns)
    # Output-only streams have no input; its place is then never read.
    source = incoming if incoming != 0 else outgoing
    exchange(
        block,
        carray(as_pointer(source), (samples * words[r.IN_CHANNELS],), np.float32),
        carray(as_pointer(outgoing), (samples * words[r.OUT_CHANNELS],), np.float32),
        samples,
        now_ns,
        types.int64(flags),
    )
    sem_post(types.uintp(user_data + 8 * r.SEMAPHORE))
    return 0


def callback_signature(flags: Any = types.uint64) -> Any:
    """PaStreamCallback's type; ``unsigned long`` has 32 bits on Windows."""
    p = types.uintp
    return types.int32(p, p, flags, p, flags, p)


def compile_callback() -> Any:
    """The compiled callback; its ``address`` is what PortAudio calls.

    Raises:
        Exception: of whatever kind numba or the platform's C library raises; the
            caller then falls back to a Python callback and says so.
    """
    return cfunc(callback_signature(), cache=True)(_callback)
