"""How late this machine wakes a real-time thread that sleeps a millisecond."""

import threading

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from rtdeclip.live.callback import clock_gettime
from rtdeclip.live.realtime import FIFO_PRIORITY, make_thread_realtime

BIN_US = 10.0
_BINS = 5000
_SLEEP_NS = 1_000_000
_nanosleep = types.ExternalFunction("nanosleep", types.int32(types.uintp, types.uintp))


# words: 0–1 time asked, 2–3 time read; worst[0] ns
def _sleep_and_look(
    words: NDArray[np.int64],
    address: int,
    n: int,
    bins: NDArray[np.int64],
    worst: NDArray[np.int64],
) -> None:
    for _ in range(n):
        clock_gettime(1, types.uintp(address + 16))
        before = words[2] * 1_000_000_000 + words[3]
        words[0] = 0
        words[1] = 1_000_000
        _nanosleep(types.uintp(address), types.uintp(0))
        clock_gettime(1, types.uintp(address + 16))
        late = words[2] * 1_000_000_000 + words[3] - before - 1_000_000
        bins[min(max(late, 0) // 10_000, len(bins) - 1)] += 1
        worst[0] = max(worst[0], late)


_look_jit = njit(nogil=True, cache=True)(_sleep_and_look)


def wake_histogram(
    seconds: float, priority: int = FIFO_PRIORITY
) -> tuple[NDArray[np.int64], float]:
    """Lateness of each waking, in bins of 10 µs, and the worst in µs."""
    stop = threading.Event()
    timer = threading.Timer(seconds, stop.set)
    timer.start()
    return wake_histogram_until(stop, priority)


def wake_histogram_until(
    stop: threading.Event, priority: int = FIFO_PRIORITY
) -> tuple[NDArray[np.int64], float]:
    """The same until ``stop`` is set."""
    bins, worst = np.zeros(_BINS, np.int64), np.zeros(1, np.int64)
    words = np.zeros(4, np.int64)
    address = words.ctypes.data
    _look_jit(words, address, 1, np.zeros(1, np.int64), np.zeros(1, np.int64))

    def work() -> None:
        make_thread_realtime(priority)
        while not stop.is_set():
            _look_jit(words, address, 50, bins, worst)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return bins, float(worst[0]) * 1e-3
