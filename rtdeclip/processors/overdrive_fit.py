"""Gain and colour of an overdrive, found from the distorted sound alone.

Each pair (gain, colour) gives a clean signal, of which all but one have kinks at the
ends of the cubic's range. Kinks are hard to predict: of all pairs, the one is taken
under which the sound is likeliest, if clean sound is locally autoregressive:

    −log L = Σ_frames ½·log(residual energy) + Σ_samples log(dy/dx)

The second sum is the Jacobian of the curve; without it, large gains would win because
they make quiet samples smaller. Distances are in dB per sample: how much better the
sound can be predicted. The rivals to beat are the sound as it is and a tanh undone,
which a weak overdrive would imitate.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rtdeclip.distortion.soft import DRY, WET
from rtdeclip.errors import InputError
from rtdeclip.processors.inverse_waveshaper import invert_overdrive
from rtdeclip.types import Samples

FRAME_S = 0.02
ORDER = 16
WARM_UP_S = 0.25  # until the unknown state at an excerpt's start has faded
ROUGH_S, FINE_S = 1.5, 6.0
QUIET_DB = -30.0  # frames this far below the loudest tell nothing
GAINS_DB = np.arange(2.0, 62.0, 1.5).tolist()
COLOURS = (0.0, 4.0, 10.0, 20.0, 35.0, 50.0, 75.0, 100.0)
MOVES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))
STARTS = 4  # of the grid's lowest points, the best are refined
TANH_ROOMS = 10.0 ** np.arange(-5.0, 0.75, 0.25)  # s above the peak, relative
CERTAIN_DB = 0.25  # evidence at which the confidence is 63 %: the least accepted


@dataclass(frozen=True, slots=True)
class OverdriveFit:
    """The overdrive that explains a sound best.

    Attributes:
        gain_db: its gain, dB.
        colour: its colour, 0 to 100.
        evidence_db: by how much better the undone sound can be predicted than its
            best rival, dB per sample.
        confidence: 0 (no sign of overdrive) to 1 (certain).
    """

    gain_db: float
    colour: float
    evidence_db: float
    confidence: float


def fit_overdrive(y: Samples, sample_rate: int) -> OverdriveFit:
    """Finds gain and colour of SoX's overdrive.

    Args:
        y: ``(n_samples,)`` float32, overdriven and else unchanged: no gain, filter or
            codec since.
        sample_rate: Hz.

    Raises:
        InputError: silent or shorter than 0.5 s.
    """
    if len(y) < 0.5 * sample_rate or not np.any(y):
        raise InputError(
            f"The sound is silent or only {len(y) / sample_rate:.2f} s long; to find "
            "an overdrive's settings give 0.5 s or more."
        )
    rough, fine = (_Likelihood(y, sample_rate, s) for s in (ROUGH_S, FINE_S))
    grid = {pair: rough(*pair) for pair in product(GAINS_DB, COLOURS)}
    starts = sorted(grid, key=grid.__getitem__)[:STARTS]
    refined = [_refine(rough, start, 0.75) for start in starts]
    best = min(refined, key=lambda pair: rough(*pair))
    best = _refine(fine, best, 0.1)
    evidence = min(fine.untouched(), fine.best_tanh()) - fine(*best)
    confidence = 1.0 - math.exp(-max(0.0, evidence) / CERTAIN_DB)
    return OverdriveFit(best[0], best[1], evidence, confidence)


class _Likelihood:
    """−log L of a pair (gain, colour) on the loudest excerpt, dB per sample."""

    def __init__(self, y: Samples, sample_rate: int, length_s: float) -> None:
        size = round(FRAME_S * sample_rate) // 4 * 4
        self._window = np.hanning(size + 1)[:-1]
        self._y = _loudest(y, round((length_s + WARM_UP_S) * sample_rate))
        self._x = np.empty_like(self._y)
        self._steep = np.empty(len(self._y))
        starts = np.arange(0, len(self._y) - size + 1, size // 2)
        energy = np.array([np.mean(self._y[s : s + size] ** 2) for s in starts])
        loud = energy > 10.0 ** (QUIET_DB / 10.0) * energy.max()
        settled = starts >= min(WARM_UP_S * sample_rate, starts[-1] / 2)
        self._starts = starts[loud & settled] if (loud & settled).any() else starts

    def __call__(self, gain_db: float, colour: float) -> float:
        gain = 10.0 ** (gain_db / 20.0)
        invert_overdrive(
            self._y,
            self._x,
            self._steep,
            np.zeros(1),
            1.0,
            gain,
            colour / 200.0,
            DRY,
            WET,
        )
        return self._cost(self._x, self._steep)

    def untouched(self) -> float:
        """The same for the sound as it is."""
        return self._cost(self._y, np.ones(len(self._y)))

    def best_tanh(self) -> float:
        """The same for the sound as s·tanh(x), by the best of several s."""
        y = self._y.astype(np.float64)
        costs = []
        for room in TANH_ROOMS:
            s = float(np.abs(y).max()) * (1.0 + room)
            clean = np.arctanh(y / s).astype(np.float32)
            costs.append(self._cost(clean, s * (1.0 - (y / s) ** 2)))
        return min(costs)

    def _cost(self, x: Samples, steep: NDArray[np.float64]) -> float:
        nats = _unlikelihood_jit(x, steep, self._starts, self._window, ORDER)
        return float(20.0 / math.log(10.0) * nats)


def _loudest(y: Samples, length: int) -> Samples:
    """The stretch of ``length`` samples with the most energy."""
    if len(y) <= length:
        return y
    energy = np.cumsum(np.concatenate([[0.0], y.astype(np.float64) ** 2]))
    start = int(np.argmax(energy[length:] - energy[:-length]))
    return np.ascontiguousarray(y[start : start + length])


def _refine(
    cost: Callable[[float, float], float], start: tuple[float, float], step_db: float
) -> tuple[float, float]:
    """The nearest minimum, by steps along both axes that halve when none helps."""
    best, lowest = start, cost(*start)
    d_gain, d_colour = step_db, 4.0 * step_db
    while d_gain > 2e-3:
        found = False
        for move in MOVES:
            gain = float(np.clip(best[0] + move[0] * d_gain, 0.1, 100.0))
            colour = float(np.clip(best[1] + move[1] * d_colour, 0.0, 100.0))
            now = cost(gain, colour)
            if now < lowest:
                best, lowest, found = (gain, colour), now, True
        if not found:
            d_gain, d_colour = d_gain / 2.0, d_colour / 2.0
    return best


# Glossary: x signal, w window, r autocorrelation, a predictor with a[0] = 1, b its
# copy, e residual energy.
def _unlikelihood(
    x: NDArray[np.float32],
    steep: NDArray[np.float64],
    starts: NDArray[np.int64],
    w: NDArray[np.float64],
    order: int,
) -> float:
    """Mean over frames of ½·log(e), and over their samples of log(dy/dx), in nats."""
    size = len(w)
    frame = np.empty(size)
    r, a, b = np.empty(order + 1), np.empty(order + 1), np.empty(order + 1)
    total = 0.0
    for start in starts:
        for n in range(size):
            frame[n] = x[start + n] * w[n]
        for lag in range(order + 1):
            r[lag] = 0.0
            for n in range(size - lag):
                r[lag] += frame[n] * frame[n + lag]
        e = r[0] * (1.0 + 1e-9) + 1e-20
        a[:] = 0.0
        a[0] = 1.0
        for i in range(1, order + 1):
            k = 0.0
            for j in range(i):
                k -= a[j] * r[i - j]
            k /= e
            b[: i + 1] = a[: i + 1]
            for j in range(1, i + 1):
                a[j] = b[j] + k * b[i - j]
            e *= 1.0 - k * k
        total += 0.5 * math.log(e)
        for n in range(size // 4, size // 4 + size // 2):
            total += math.log(steep[start + n]) / (size // 2)
    return total / len(starts)


_unlikelihood_jit = njit(
    nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "contract"}
)(_unlikelihood)
