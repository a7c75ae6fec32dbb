"""True-peak limiter: holds the peaks between the samples under a ceiling.

Method: the peak of each sample's neighbourhood is estimated on a 4 times finer grid
(a polyphase Kaiser-windowed sinc of 16 taps; ITU-R BS.1770-4, annex 2, measures true
peaks so); the gain that keeps it under the ceiling is held by a running minimum over
the look-ahead, released exponentially and smoothed by a box as long as the
look-ahead, so that it ramps down before the peak and never passes the gain that the
peak needs. All channels share one gain, so the picture does not wander.

Latency: 8 samples of interpolation and the look-ahead, 1.5 ms together at most.
Cost: a few ns per sample while nothing comes near the ceiling, about 20 ns per
channel otherwise. Below the ceiling the sound leaves bit-exact, delayed only.
Where it fails: the taps reach 0.45 times the sample rate and the gain itself moves, so
full-band noise 9 dB too loud passes the ceiling by up to 0.9 dB between the samples
(never at the samples); the usual ceiling of −1 dBFS leaves room for that.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rtdeclip.errors import SettingError
from rtdeclip.stream.processor import Setting, Value
from rtdeclip.types import Samples

HALF_TAPS = 8
MAX_LATENCY_MS = 1.5
CEILING_DB = Setting(
    "ceiling_db",
    -1.0,
    "highest true peak that leaves",
    unit="dBFS",
    low=-60.0,
    high=0.0,
    applies="live",
)
RELEASE_MS = Setting(
    "release_ms",
    80.0,
    "time constant of the gain's return",
    unit="ms",
    low=1.0,
    high=2000.0,
    applies="live",
)
_OVERSAMPLING = 4
_KAISER_BETA = 2.0  # within 0.3 dB up to 0.45 × sample rate
_ONE = 1 << 40  # gain 1.0 in fixed point: sums of gains stay exact for ever


def interpolation_taps() -> Samples:
    """Taps that estimate the signal at 1/4, 2/4 and 3/4 between two samples.

    Returns:
        ``(16, 3)`` float32: column p weighs x[k−7] … x[k+8] to give x(k + (p+1)/4).
    """
    offsets = np.arange(1 - HALF_TAPS, HALF_TAPS + 1)[:, None]
    distance = np.arange(1, _OVERSAMPLING) / _OVERSAMPLING - offsets
    inside = np.clip(1.0 - (distance / HALF_TAPS) ** 2, 0.0, None)
    taps = np.sinc(distance) * np.i0(_KAISER_BETA * np.sqrt(inside))
    return np.asarray(taps / taps.sum(axis=0), np.float32)


# Glossary: q peak between two neighbouring samples, r gain that a sample needs,
# e held and released gain, s smoothed gain (fixed point: r, e, s are × 2^40);
# n counts input samples, L latency, A look-ahead, w window of the 16 newest samples.
# queue columns: r and n of the running minimum, and the ring of the A + 1 last e.
# numbers: ceiling, its share that no interpolation can pass, release, last q.
# state: 0 history write index, 1 e, 2 sum of e, 3 e ring index, 4 hot samples left,
# 5 queue head, 6 queue length, 7 n, 8 limited samples, 9 smallest s
def _limit(
    x: Samples,
    y: Samples,
    taps: Samples,
    history: Samples,
    queue: NDArray[np.int64],
    state: NDArray[np.int64],
    numbers: NDArray[np.float64],
) -> None:
    size = history.shape[1] // 2
    n_channels = x.shape[1]
    A1 = queue.shape[0]
    ceiling, quiet, release, q_before = numbers
    L = HALF_TAPS + A1 - 1
    full = A1 * _ONE
    audible = int(full * 0.99885)  # −0.01 dB
    at, e, total, slot, hot, head, length, n, limited, least = state
    for i in range(x.shape[0]):
        for c in range(n_channels):
            v = x[i, c]
            if not np.isfinite(v):
                v = np.float32(0.0)
            history[c, at] = v
            history[c, at + size] = v
            if abs(v) > quiet:
                hot = 2 * HALF_TAPS
        newest = at + size
        q = 0.0
        if hot > 0:
            hot -= 1
            for c in range(n_channels):
                w = history[c, newest - 2 * HALF_TAPS + 1 : newest + 1]
                a1 = np.float32(0.0)
                a2 = np.float32(0.0)
                a3 = np.float32(0.0)
                for j in range(2 * HALF_TAPS):
                    a1 += taps[j, 0] * w[j]
                    a2 += taps[j, 1] * w[j]
                    a3 += taps[j, 2] * w[j]
                near = max(abs(w[HALF_TAPS - 1]), abs(w[HALF_TAPS]))
                q = max(q, max(max(abs(a1), abs(a2)), max(abs(a3), near)))
        p = max(q, q_before)
        q_before = q
        r = _ONE
        if p > ceiling:
            # The share under 1 covers the rounding of the product to float32.
            r = int(ceiling / p * (1.0 - 1e-7) * _ONE)
        # Running minimum over A + 1 samples: a queue of rising values with their n.
        idle = r == _ONE and total == full and queue[head, 0] == _ONE
        if idle:
            length = 1
            queue[head, 0] = r
            queue[head, 1] = n
        else:
            # The oldest leaves first: the queue has room for exactly one window.
            if length > 0 and queue[head, 1] <= n - A1:
                head = (head + 1) % A1
                length -= 1
            while length > 0 and queue[(head + length - 1) % A1, 0] >= r:
                length -= 1
            queue[(head + length) % A1, 0] = r
            queue[(head + length) % A1, 1] = n
            length += 1
            if e < _ONE:
                e += int((_ONE - e) * release) + 1
            e = min(e, queue[head, 0])
            total += e - queue[slot, 2]
            queue[slot, 2] = e
            slot += 1
            if slot == A1:
                slot = 0
        old = newest - L
        if total == full:
            for c in range(n_channels):
                y[i, c] = history[c, old]
        else:
            s = total / full
            limited += total < audible
            least = min(least, total // A1)
            for c in range(n_channels):
                y[i, c] = history[c, old] * s
        at += 1
        if at == size:
            at = 0
        n += 1
    state[0], state[1], state[2], state[3], state[4] = at, e, total, slot, hot
    state[5], state[6], state[7], state[8], state[9] = head, length, n, limited, least
    numbers[3] = q_before


limit = njit(nogil=True, cache=True, error_model="numpy")(_limit)


class TruePeakLimiter:
    """Keeps the true peak under a ceiling; all channels share the gain.

    Args:
        sample_rate: Hz.
        n_channels: linked channels.
        ceiling_db: highest true peak, dBFS, −60 to 0.
        release_ms: time constant of the gain's return, 1 to 2000 ms.
        lookahead_ms: latency, up to 1.5 ms; never less than 7 samples.

    Attributes:
        hop: 0, any block length will do, and every split gives the same bits.
        latency_samples: index delay, constant.
    """

    hop = 0

    def __init__(
        self,
        sample_rate: int,
        n_channels: int = 1,
        ceiling_db: float = -1.0,
        release_ms: float = 80.0,
        lookahead_ms: float = MAX_LATENCY_MS,
    ) -> None:
        ahead = int(lookahead_ms * 1e-3 * sample_rate) - HALF_TAPS
        self._n_window = max(1, ahead) + 1
        self.latency_samples = HALF_TAPS + self._n_window - 1
        self._sample_rate = sample_rate
        self._taps = interpolation_taps()
        self._gain_sum = float(np.abs(self._taps).sum(axis=0).max()) * (1.0 + 1e-6)
        size = self.latency_samples + 2 * HALF_TAPS
        self._history: Samples = np.zeros((n_channels, 2 * size), np.float32)
        self._queue = np.zeros((self._n_window, 3), np.int64)
        self._state = np.zeros(10, np.int64)
        self._numbers = np.zeros(4)
        self._out: Samples = np.zeros((0, n_channels), np.float32)
        self.set_setting("ceiling_db", ceiling_db)
        self.set_setting("release_ms", release_ms)
        self.reset()
        self.process(np.zeros((1, n_channels), np.float32))  # compiles or loads
        self.reset()

    def process(self, block: Samples) -> Samples:
        """``(n_samples, n_channels)`` float32, any length, ``latency_samples`` late.

        Returns a buffer that the next call overwrites. Non-finite samples count as 0.
        """
        n = block.shape[0]
        if n > self._out.shape[0]:
            self._out = np.zeros((n, block.shape[1]), np.float32)
        out = self._out[:n]
        limit(
            block,
            out,
            self._taps,
            self._history,
            self._queue,
            self._state,
            self._numbers,
        )
        return out

    def reset(self) -> None:
        """Forget all audio and the counters."""
        self._history.fill(0.0)
        self._queue[:, 2] = _ONE
        self._state[:] = (0, _ONE, self._n_window * _ONE, 0, 0, 0, 1, 0, 0, _ONE)
        self._numbers[3] = 0.0
        self._queue[0, :2] = (_ONE, -1)

    def set_setting(self, name: str, value: Value) -> None:
        """Change ``ceiling_db`` or ``release_ms``, from the next sample on.

        Raises:
            SettingError: another name, or a value out of range.
        """
        if name == CEILING_DB.name:
            self._ceiling = 10.0 ** (float(CEILING_DB.parse(value)) / 20.0)
            self.set_open(False)
        elif name == RELEASE_MS.name:
            release_samples = float(RELEASE_MS.parse(value)) * 1e-3 * self._sample_rate
            self._numbers[2] = -math.expm1(-1.0 / release_samples)
        else:
            raise SettingError(
                f"limiter has no setting {name!r}; it has: ceiling_db, release_ms."
            )

    def set_open(self, on: bool) -> None:
        """Only delays (True), or holds the ceiling again."""
        self._numbers[0] = math.inf if on else self._ceiling
        self._numbers[1] = self._numbers[0] / self._gain_sum

    @property
    def limited_samples(self) -> int:
        """How many samples left 0.01 dB or more quieter since the last reset."""
        return int(self._state[8])

    @property
    def max_reduction_db(self) -> float:
        """Largest gain reduction since the last reset, dB ≥ 0."""
        return -20.0 * math.log10(max(int(self._state[9]), 1) / _ONE)
