"""ar: linear prediction fills the clipped samples, live, hop by hop.

Every hop, a predictor of order p is estimated from the recent past (already restored),
the block that leaves and the look-ahead, where clipped samples hold their last estimate
(a warm start: one pass a hop is enough). The clipped samples of block and look-ahead
are then those that minimise the residual energy. Those that miss their bound are set
to it, and the others are solved once more around them. What leaves is final, the rest
is estimated again at the next hop.

Source: Janssen, Veldhuis & Vries, IEEE Trans. ASSP 34(2), 1986,
doi:10.1109/TASSP.1986.1164824, equations 10 to 18; the running form, the lopsided
window and the second solve are this project's. No sample is reflected at the clip
level.

Latency: the look-ahead (16 ms). It wins on tonal sound (music, and voices that are
lightly clipped: twice the dB of ``cubic`` and more) and loses to ``aspade`` on heavily
clipped speech. Cost grows with order² times the clipped samples.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rtdeclip.processors.autoregressive import (
    BLOCK,
    autocorrelate,
    fill,
    hold,
    lag_sums,
    levinson,
)
from rtdeclip.processors.bypass import default_hop
from rtdeclip.stream.clip import Clip
from rtdeclip.stream.processor import Method, Rung, Setting
from rtdeclip.types import Samples

PAST_MS = 64.0


def _restore(
    x: NDArray[np.float64],
    sign: NDArray[np.int8],
    bound: NDArray[np.float32],
    begin: int,
    p: int,
    taper: NDArray[np.float64],
    tapered: NDArray[np.float64],
    r: NDArray[np.float64],
    a: NDArray[np.float64],
    sums: NDArray[np.float64],
    u: NDArray[np.int64],
    zero: NDArray[np.float64],
    U: NDArray[np.float64],
    residual: NDArray[np.float64],
    solution: NDArray[np.float64],
    passes: int,
) -> None:
    """Estimates the clipped samples of ``x[begin:]`` anew, in place.

    ``taper`` is the window under which the predictor is estimated; ``zero`` is
    ``(≥ n − begin,)`` zeros (nothing pulls the unknowns); the rest is scratch.
    """
    n = len(x)
    for _ in range(passes):
        m = 0
        for i in range(begin, n):
            if sign[i] != 0:
                u[m] = i
                m += 1
        for i in range(n):
            tapered[i] = x[i] * taper[i]
        autocorrelate(tapered, n, p, r)
        levinson(r, p, a, residual)
        lag_sums(a, p, sums)
        fill(x, n, u, m, a, p, sums, zero, zero, U, residual, solution)
        free = hold(x, sign, bound, u, m)
        if 0 < free < m:
            fill(x, n, u, free, a, p, sums, zero, zero, U, residual, solution)
            hold(x, sign, bound, u, free)


_restore_jit = njit(nogil=True, cache=True, error_model="numpy")(_restore)


class AutoRegressive:
    """The ``Processor`` of one channel.

    Args:
        hop: samples per block.
        look_ahead: samples known beyond the block that leaves; the latency.
        order: p, coefficients of the predictor.
        past: restored samples kept, ≥ 2 · order.
        passes: estimates per hop.
    """

    def __init__(
        self, hop: int, look_ahead: int, order: int, past: int, passes: int
    ) -> None:
        self.hop = hop
        self.latency_samples = look_ahead
        self._begin, self._order = past, order
        n, zone = past + look_ahead + hop, look_ahead + hop
        self._x = np.zeros(n)
        self._sign = np.zeros(n, np.int8)
        self._bound = np.zeros(n, np.float32)
        self._scratch = (
            _taper(n),
            np.zeros(n),
            np.zeros(order + 1),
            np.zeros(order + 1),
            np.zeros((order + 1, order + 2)),
            np.zeros(zone, np.int64),
            np.zeros(zone),
            np.zeros((zone, order + 1 + BLOCK)),
            np.zeros(n),
            np.zeros(zone),
            passes,
        )
        self._out = np.zeros(hop, np.float32)
        self._unclear = 0
        self._solve()

    def process(self, block: Samples, clip: Clip) -> Samples:
        """The block from ``latency_samples`` ago, restored; see ``Processor``."""
        hop, begin = self.hop, self._begin
        self._x[:-hop] = self._x[hop:]
        self._x[-hop:] = block
        if clip.count:
            self._unclear = len(self._x) - begin
        if self._unclear > 0:
            self._unclear -= hop
            self._sign[:-hop] = self._sign[hop:]
            self._bound[:-hop] = self._bound[hop:]
            self._sign[-hop:] = clip.sign
            self._bound[-hop:] = clip.bound
            self._solve()
        self._out[:] = self._x[begin : begin + hop]
        return self._out

    def reset(self) -> None:
        """Forgets all audio."""
        self._x.fill(0.0)
        self._sign.fill(0)
        self._unclear = 0

    def _solve(self) -> None:
        _restore_jit(
            self._x, self._sign, self._bound, self._begin, self._order, *self._scratch
        )


def _taper(n: int) -> NDArray[np.float64]:
    """A lopsided Hann window: slow into the past, over 10 % at the newest samples."""
    fall = max(n // 10, 1)
    rise = n - fall
    up = np.sin(0.5 * np.pi * (np.arange(rise) + 0.5) / rise) ** 2
    down = np.cos(0.5 * np.pi * (np.arange(fall) + 0.5) / fall) ** 2
    return np.concatenate([up, down])


def make(
    sample_rate: int,
    order: int = 128,
    look_ahead: float = 16.0,
    passes: int = 1,
    hop: int = 0,
) -> AutoRegressive:
    """A predictor for ``sample_rate``; settings as declared in ``METHOD``."""
    return AutoRegressive(
        hop or default_hop(sample_rate),
        round(look_ahead * 1e-3 * sample_rate),
        order,
        max(round(PAST_MS * 1e-3 * sample_rate), 4 * order),
        passes,
    )


METHOD = Method(
    name="ar",
    summary="Linear prediction over 16 ms; strong on tonal sound and light clipping.",
    make=make,
    settings=(
        Setting("order", 128, "coefficients of the predictor", "", 4, 1024),
        Setting("look_ahead", 16.0, "future it sees, and the latency", "ms", 0.0, 64.0),
        Setting("passes", 1, "estimates per hop; 2 or 3 for light clipping", "", 1, 8),
        Setting("hop", 0, "block length; 0 chooses by rate", "samples", 0, 16384),
    ),
    source="Janssen, Veldhuis & Vries 1986, doi:10.1109/TASSP.1986.1164824",
    # Measured by: python -m bench.ladder. Above 24 kHz blend is as good or better.
    rungs=(Rung((), 0.0480, (16.44, 16.05, 14.52, 11.33, 5.83), high_hz=24000),),
)
