"""rbar: the straightest samples that fit, by regularised least squares, live.

Clipped samples minimise the energy of the second difference of the signal plus a pull
towards their bound, Σ (D²x)² + Σ λ (x − s·bound)², in closed form: a banded solve, some
tens of multiplications per clipped sample. The pull falls with the fourth power of the
run's length, as the second difference does, so that long arches are tamed as much as
short ones. (The third difference, which systems of this kind also use, was tried: it
loses 2 to 5 dB, since it lets long runs shoot up.)

Source: M. J. Harvilla, R. M. Stern, "Efficient audio declipping using regularized least
squares", ICASSP 2015, doi:10.1109/ICASSP.2015.7177963 (energy of a difference plus a
regulariser, solved for the clipped samples of a window); the strength by run length
and the running form are this project's.

Latency: the look-ahead (5 ms). Cost: between ``cubic`` and ``ar``. Quality is that of
``cubic``; it differs where runs stand close together, since all runs of a window are
solved at once. On music whose long runs carry ripples it can lose.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rtdeclip.processors.ar_window import RunningWindow
from rtdeclip.processors.autoregressive import BLOCK, fill, lag_sums
from rtdeclip.processors.bypass import default_hop
from rtdeclip.stream.clip import Clip
from rtdeclip.stream.processor import Method, Setting
from rtdeclip.types import Samples

SECOND_DIFFERENCE = np.array([1.0, -2.0, 1.0])
ORDER = 2
PAST = 8  # reliable samples before the block that its runs lean on


def _restore(
    x: NDArray[np.float64],
    sign: NDArray[np.int8],
    bound: NDArray[np.float32],
    begin: int,
    strength: float,
    a: NDArray[np.float64],
    sums: NDArray[np.float64],
    u: NDArray[np.int64],
    target: NDArray[np.float64],
    pull: NDArray[np.float64],
    U: NDArray[np.float64],
    residual: NDArray[np.float64],
    solution: NDArray[np.float64],
) -> None:
    """Estimates the clipped samples of ``x[begin:]`` anew, in place."""
    n, m = len(x), 0
    start = begin
    while start > 0 and sign[start] != 0 and sign[start - 1] == sign[start]:
        start -= 1
    for i in range(begin, n):
        s = sign[i]
        if i > begin and s != sign[i - 1]:
            start = i
        if s == 0:
            continue
        u[m] = i
        target[m] = s * bound[i]
        m += 1
        if i + 1 == n or sign[i + 1] != s:
            # The run ends here: all of it feels the same pull.
            weight = strength / float(i - start + 2) ** 4
            for k in range(m - min(i - max(start, begin) + 1, m), m):
                pull[k] = weight
    fill(x, n, u, m, a, ORDER, sums, target, pull, U, residual, solution)
    for k in range(m):
        i = u[k]
        if not sign[i] * x[i] >= bound[i]:
            x[i] = sign[i] * bound[i]


_restore_jit = njit(nogil=True, cache=True, error_model="numpy")(_restore)


class RegularisedLeastSquares:
    """The ``Processor`` of one channel.

    Args:
        hop: samples per block.
        look_ahead: samples known beyond the block that leaves; the latency.
        strength: λ of a run is this over (length + 1)⁴.
    """

    def __init__(self, hop: int, look_ahead: int, strength: float) -> None:
        self.hop = hop
        self.latency_samples = look_ahead
        self._strength = strength
        self._window = RunningWindow(hop, look_ahead, max(look_ahead, PAST))
        zone = look_ahead + hop
        sums = np.zeros((ORDER + 1, ORDER + 2))
        lag_sums(SECOND_DIFFERENCE, ORDER, sums)
        self._scratch = (
            SECOND_DIFFERENCE,
            sums,
            np.zeros(zone, np.int64),
            np.zeros(zone),
            np.zeros(zone),
            np.zeros((zone, ORDER + 1 + BLOCK)),
            np.zeros(self._window.begin + zone),
            np.zeros(zone),
        )
        self._solve()

    def process(self, block: Samples, clip: Clip) -> Samples:
        """The block from ``latency_samples`` ago, restored; see ``Processor``."""
        if self._window.push(block, clip):
            self._solve()
        return self._window.leaving()

    def reset(self) -> None:
        """Forgets all audio."""
        self._window.reset()

    def _solve(self) -> None:
        one = self._window
        _restore_jit(
            one.x, one.sign, one.bound, one.begin, self._strength, *self._scratch
        )


def make(
    sample_rate: int, strength: float = 50.0, look_ahead: float = 5.0, hop: int = 0
) -> RegularisedLeastSquares:
    """Regularised least squares; settings as declared in ``METHOD``."""
    return RegularisedLeastSquares(
        hop or default_hop(sample_rate),
        round(look_ahead * 1e-3 * sample_rate),
        strength,
    )


METHOD = Method(
    name="rbar",
    summary="The smoothest peaks that fit, in closed form; cheap.",
    make=make,
    settings=(
        Setting("strength", 50.0, "pull towards the clip level", "", 0.0, 1e6),
        Setting("look_ahead", 5.0, "future it sees, and the latency", "ms", 1.0, 50.0),
        Setting("hop", 0, "block length; 0 chooses by rate", "samples", 0, 16384),
    ),
    source="Harvilla & Stern 2015, doi:10.1109/ICASSP.2015.7177963",
    note="experimental",
)
