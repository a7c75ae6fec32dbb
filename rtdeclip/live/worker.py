"""The worker: takes whole hops from the capture ring, publishes what Stream makes.

It runs in one thread of the audio process, real-time if the system allows. Waiting,
copying, meters and scope are kernels that hold no interpreter lock; between them the
thread is in Python only to call ``Stream.process``.

The worker never looks back: a hop whose samples have all been played (dry) is left
out, so that after a stall of any length it is on time again with the next hop.
"""

import ctypes
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from rtdeclip.live import ring as r
from rtdeclip.live.atomic import load_acquire, store_release
from rtdeclip.live.callback import clock_gettime
from rtdeclip.live.ring import EngineMemory
from rtdeclip.stream.clip import Clip
from rtdeclip.types import Samples, Signs

_log = logging.getLogger(__name__)
_REALTIME, _MONOTONIC = 0, 1
_WAIT_NS = 50_000_000
"""Longest wait without a look at the stop flag."""

_sem_timedwait = types.ExternalFunction(
    "sem_timedwait", types.int32(types.uintp, types.uintp)
)


class BlockProcessor(Protocol):
    """What the worker asks of a Stream."""

    hop: int
    latency_samples: int
    n_channels: int

    @property
    def clips(self) -> Sequence[Clip]:
        """Masks and levels of the last block, per channel."""
        ...

    def process(self, block: Samples) -> Samples:
        """``(hop, n_channels)`` float32 in and out, ``latency_samples`` late."""
        ...

    def reset(self) -> None:
        """Forget all audio."""
        ...


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
                at = r.METER + c * r.METERS
                reals[at] = max(reals[at], abs(v))
                reals[at + 1] += v * v
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
            at = r.METER + c * r.METERS + 2
            reals[at] = max(reals[at], abs(v))
            reals[at + 1] += v * v
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


def _clock(words: NDArray[np.int64]) -> int:
    """CLOCK_MONOTONIC in ns."""
    clock_gettime(_MONOTONIC, types.uintp(words[r.ADDRESS] + 8 * r.WORKER_TIMESPEC))
    return words[r.WORKER_TIMESPEC] * 1_000_000_000 + words[r.WORKER_TIMESPEC + 1]


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


_wait_jit = njit(nogil=True, cache=True)(_wait)
_next_hop_jit = njit(nogil=True, cache=True)(_next_hop)
_take_jit = njit(nogil=True, cache=True)(_take)
_publish_jit = njit(nogil=True, cache=True)(_publish)
_show_jit = njit(nogil=True, cache=True)(_show)
_book_jit = njit(nogil=True, cache=True)(_book)


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


_begin_jit = njit(nogil=True, cache=True)(_begin)
_finish_jit = njit(nogil=True, cache=True)(_finish)

Scope = tuple[Samples, Samples, Signs, NDArray[np.int64]]


def private_scope(n_channels: int, n_samples: int = 1 << 12) -> Scope:
    """Scope rings that nobody reads, for an engine without a telemetry file."""
    shape = (n_samples, n_channels)
    return (
        np.zeros(shape, np.float32),
        np.zeros(shape, np.float32),
        np.zeros(shape, np.int8),
        np.zeros(2, np.int64),
    )


class _Identity:
    """The plainest stream."""

    hop = 1
    latency_samples = 0
    n_channels = 1
    clips = (Clip(1),)

    def process(self, block: Samples) -> Samples:
        return block

    def reset(self) -> None:
        pass


def warm_kernels() -> None:
    """Compiles, or loads from the cache, all that the worker will call."""
    memory = EngineMemory(1, 1, (0,), (0,), 1, 1, 1, 0, 1)
    memory.words[r.CAPTURED] = 1
    _wait_jit(memory.words, 1)
    Worker(memory, _Identity()).step()


class Worker:
    """Feeds one Stream from the capture ring, hop after hop.

    Args:
        memory: the engine's block; its hop and latencies are the Stream's.
        stream: what processes.
        scope: rings dry, wet, sign and their ends (``TelemetryFile.scope``).
        before_hop: called between hops, in the worker's thread: the place where
            bypass, wet and prepared processors are handed to the Stream.
        clock_ns: monotonic clock; the simulated one in tests.
    """

    def __init__(
        self,
        memory: EngineMemory,
        stream: BlockProcessor,
        scope: Scope | None = None,
        before_hop: Callable[[], None] | None = None,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.stream = stream
        self.hop_number = 0
        self.faults = 0
        self.last_fault = ""
        self._memory = memory
        self._scope = scope or private_scope(stream.n_channels)
        self._before_hop = before_hop
        self._clock_ns = clock_ns
        self._block = np.zeros((stream.hop, stream.n_channels), np.float32)
        self._sign = np.zeros((stream.n_channels, stream.hop), np.int8)
        self._stopping = threading.Event()
        self._init_semaphore()

    def _init_semaphore(self) -> None:
        # Unnamed semaphores: Linux. Elsewhere the worker is woken another way.
        self._post: Callable[[], Any] | None = None
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            place = ctypes.c_void_p(self._memory.address + 8 * r.SEMAPHORE)
            self._has_semaphore = libc.sem_init(place, 0, 0) == 0
            self._post = lambda: libc.sem_post(place)
        except (OSError, AttributeError, TypeError):
            self._has_semaphore = False

    def wake(self) -> None:
        """What a Python callback does after ``exchange``; compiled ones post."""
        if self._post:
            self._post()

    def step(self) -> bool:
        """Processes one hop if one is whole; False if there is none."""
        return self._step(waited=False)

    def run(self) -> None:
        """Processes until ``stop``; the body of the worker's thread."""
        words = self._memory.words
        hop = self.stream.hop
        while not self._stopping.is_set():
            waited = words[r.CAPTURED] < (self.hop_number + 1) * hop
            if waited and not self._sleep((self.hop_number + 1) * hop):
                continue
            self._step(waited)

    def _sleep(self, until: int) -> bool:
        words = self._memory.words
        if self._has_semaphore:
            return bool(_wait_jit(words, until))
        time.sleep(1e-9 * int(words[r.PERIOD_NS]) / 4)  # no semaphore: poll
        return bool(words[r.CAPTURED] >= until)

    def stop(self) -> None:
        """Lets ``run`` return after the hop in hand."""
        self._stopping.set()
        self.wake()

    def _step(self, waited: bool) -> bool:
        memory, words = self._memory, self._memory.words
        begin = self._clock_ns()
        wake_ns = begin - int(words[r.POSTED_NS]) if waited else -1
        # A stream may be changed between hops only; what is taken now it has not seen.
        k = _begin_jit(
            words, memory.reals, memory.capture, self._block, self.hop_number
        )
        if k < 0:
            self.hop_number = -1 - k
            return False
        self.hop_number = k
        if self._before_hop:
            self._before_hop()
        out = self._process()
        if out is not None:
            for c, clip in enumerate(self.stream.clips):
                self._sign[c] = clip.sign
            _finish_jit(
                words,
                memory.reals,
                memory.capture,
                memory.playback,
                out,
                self._sign,
                k,
                *self._scope,
            )
        _book_jit(words, memory.wake, memory.rtf, wake_ns, self._clock_ns() - begin)
        self.hop_number = k + 1
        return True

    def _process(self) -> Samples | None:
        try:
            return self.stream.process(self._block)
        # Whatever a plug-in's effect may raise: this hop is played dry, and as the
        # stream has lost its place, so is what it would still have had to give.
        except Exception as error:
            self.faults += 1
            self.last_fault = f"{type(error).__name__}: {error}"
            self.stream.reset()
            self._memory.words[r.VALID_FROM] = (self.hop_number + 1) * self.stream.hop
            return None
