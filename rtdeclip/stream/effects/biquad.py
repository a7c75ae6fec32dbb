"""Second-order filters in cascade, the body of ``highpass`` and ``eq``.

Transposed direct form II in float64; when coefficients change they glide (linearly:
the region of stable coefficients is convex, so every step on the way is stable).
Source of the formulas: R. Bristow-Johnson, "Audio EQ Cookbook", W3C note, 2021.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rtdeclip.types import Samples

GLIDE_MS = 15.0
HIGHEST_SHARE = 0.45
"""Corner frequencies are held at this share of the sample rate."""

Coefficients = NDArray[np.float64]
"""``(n_sections, 5)``: b0 b1 b2 a1 a2 of each section, a0 = 1."""


# Glossary: k coefficients now, d their step per sample, z the two delays of each
# section and channel, z[c, s, :]; left samples of glide.
def _filter(
    x: Samples,
    y: Samples,
    k: NDArray[np.float64],
    target: NDArray[np.float64],
    d: NDArray[np.float64],
    z: NDArray[np.float64],
    left: int,
) -> int:
    n_sections = k.shape[0]
    for i in range(x.shape[0]):
        if left > 0:
            left -= 1
            for s in range(n_sections):
                for j in range(5):
                    k[s, j] = k[s, j] + d[s, j] if left > 0 else target[s, j]
        for c in range(x.shape[1]):
            # One non-finite sample would stay in the filter for ever.
            v = np.float64(x[i, c]) if np.isfinite(x[i, c]) else 0.0
            for s in range(n_sections):
                u = v
                v = k[s, 0] * u + z[c, s, 0]
                z[c, s, 0] = k[s, 1] * u - k[s, 3] * v + z[c, s, 1]
                z[c, s, 1] = k[s, 2] * u - k[s, 4] * v
            y[i, c] = v
    return left


run_filter = njit(nogil=True, cache=True)(_filter)


class BiquadCascade:
    """Filters all channels alike; blocks of any length, latency 0.

    Args:
        sample_rate: Hz.
        n_channels: 1 or more.
        coefficients: ``(n_sections, 5)`` float64.
    """

    hop = 0
    latency_samples = 0

    def __init__(
        self, sample_rate: int, n_channels: int, coefficients: Coefficients
    ) -> None:
        self._glide_samples = max(1, round(GLIDE_MS * 1e-3 * sample_rate))
        self._now = coefficients.copy()
        self._target = coefficients.copy()
        self._step = np.zeros_like(coefficients)
        self._left = 0
        self._delays = np.zeros((n_channels, len(coefficients), 2))
        self._out: Samples = np.zeros((1, n_channels), np.float32)
        self.process(np.zeros((1, n_channels), np.float32))  # compiles or loads

    def process(self, block: Samples) -> Samples:
        """``(n_samples, n_channels)`` float32; the next call overwrites the result."""
        if len(block) > len(self._out):
            self._out = np.zeros_like(block)
        out = self._out[: len(block)]
        self._left = run_filter(
            block, out, self._now, self._target, self._step, self._delays, self._left
        )
        return out

    def reset(self) -> None:
        """Forget all audio and end a glide that is under way."""
        self._delays.fill(0.0)
        self._now[:] = self._target
        self._left = 0

    def glide_to(self, coefficients: Coefficients) -> None:
        """Reach ``coefficients`` within 15 ms."""
        self._target[:] = coefficients
        self._step[:] = (coefficients - self._now) / self._glide_samples
        self._left = self._glide_samples


def high_pass(corner_hz: float, sample_rate: int) -> Coefficients:
    """``(1, 5)``: Butterworth high-pass of second order, −3 dB at ``corner_hz``."""
    w = _angle(corner_hz, sample_rate)
    alpha = math.sin(w) / math.sqrt(2.0)
    c = math.cos(w)
    return _section((1 + c) / 2, -(1 + c), (1 + c) / 2, 1 + alpha, -2 * c, 1 - alpha)


def peak(centre_hz: float, gain_db: float, q: float, sample_rate: int) -> Coefficients:
    """``(1, 5)``: bell of ``gain_db`` at ``centre_hz``."""
    a = 10.0 ** (gain_db / 40.0)
    w = _angle(centre_hz, sample_rate)
    alpha = math.sin(w) / (2.0 * q)
    c = math.cos(w)
    return _section(
        1 + alpha * a, -2 * c, 1 - alpha * a, 1 + alpha / a, -2 * c, 1 - alpha / a
    )


def shelf(
    corner_hz: float, gain_db: float, sample_rate: int, *, high: bool
) -> Coefficients:
    """``(1, 5)``: shelf of slope 1; half of ``gain_db`` is reached at ``corner_hz``."""
    a = 10.0 ** (gain_db / 40.0)
    w = _angle(corner_hz, sample_rate)
    # A high shelf is a low shelf with the sign of cos w turned and odd terms negated.
    c = -math.cos(w) if high else math.cos(w)
    odd = -1.0 if high else 1.0
    beta = 2.0 * math.sqrt(a) * math.sin(w) / math.sqrt(2.0)
    return _section(
        a * ((a + 1) - (a - 1) * c + beta),
        odd * 2 * a * ((a - 1) - (a + 1) * c),
        a * ((a + 1) - (a - 1) * c - beta),
        (a + 1) + (a - 1) * c + beta,
        odd * -2 * ((a - 1) + (a + 1) * c),
        (a + 1) + (a - 1) * c - beta,
    )


def _angle(frequency_hz: float, sample_rate: int) -> float:
    return 2.0 * math.pi * min(frequency_hz / sample_rate, HIGHEST_SHARE)


def _section(
    b0: float, b1: float, b2: float, a0: float, a1: float, a2: float
) -> Coefficients:
    return np.array([[b0, b1, b2, a1, a2]]) / a0
