"""Patterns in time: adaptation, modulation, loudness (BS.1387-1, annex 2, 3.1–3.3).

Arrays are ``(n_frames, 2, 109)``: the reference first, the test second.
"""

import numpy as np

from rtdeclip.metrics._check import Float64s
from rtdeclip.metrics.peaq.ear import FRAMES_PER_S, Bands, smooth

SLOW_S = 0.050
LOUDNESS_POWER = 0.23
MODULATION_POWER = 0.3
NEIGHBOURS_BELOW, NEIGHBOURS_ABOVE = 3, 4


class Adaptation:
    """Takes level and slow spectral differences out of the excitations, 3.1."""

    def __init__(self, bands: Bands) -> None:
        n_bands = len(bands.centre_hz)
        self._pole = bands.smoothing(SLOW_S)
        self._levels = np.zeros((2, n_bands))
        self._products = np.zeros((2, n_bands))
        self._corrections = np.zeros((2, n_bands))
        place = np.arange(n_bands)
        offset = place[None, :] - place[:, None]
        near = (offset >= -NEIGHBOURS_BELOW) & (offset <= NEIGHBOURS_ABOVE)
        self._average = (near / near.sum(axis=1, keepdims=True)).T

    def adapt(self, excitation: Float64s) -> Float64s:
        """The adapted excitations of the next frames."""
        fresh = 1.0 - self._pole
        level = smooth(excitation, self._pole, self._levels, fresh)
        total = level[:, 1].sum(axis=1)
        ratio = (np.sqrt(level[:, 0] * level[:, 1]).sum(axis=1) / total) ** 2
        even = excitation.copy()
        even[:, 0] /= np.maximum(ratio, 1.0)[:, None]
        even[:, 1] *= np.minimum(ratio, 1.0)[:, None]
        # Slope of the regression of test on reference, each band by itself.
        pair = np.stack([even[:, 0] * even[:, 1], even[:, 0] ** 2], axis=1)
        sums = smooth(pair, self._pole, self._products, np.ones_like(self._pole))
        slope = sums[:, 0] / sums[:, 1]
        correction = np.stack(
            [np.minimum(slope, 1.0), 1.0 / np.maximum(slope, 1.0)], axis=1
        )
        local = correction @ self._average
        return even * smooth(local, self._pole, self._corrections, fresh)


class Modulation:
    """How much the envelopes of the bands move, 3.2."""

    def __init__(self, bands: Bands) -> None:
        shape = (2, len(bands.centre_hz))
        self._pole = bands.smoothing(SLOW_S)
        self._last = np.zeros(shape)
        self._movement = np.zeros(shape)
        self._mean = np.zeros(shape)

    def measure(self, unsmeared: Float64s) -> tuple[Float64s, Float64s]:
        """Modulation ``(n, 2, 109)``, mean loudness of the reference ``(n, 109)``."""
        loud = unsmeared**MODULATION_POWER
        change = np.diff(loud, axis=0, prepend=self._last[None])
        self._last = loud[-1].copy()
        fresh = 1.0 - self._pole
        movement = smooth(
            FRAMES_PER_S * np.abs(change), self._pole, self._movement, fresh
        )
        mean = smooth(loud, self._pole, self._mean, fresh)
        return movement / (1.0 + mean / 0.3), mean[:, 0]


def loudness(excitation: Float64s, bands: Bands) -> Float64s:
    """Total loudness in sone, ``(n, 2)``, 3.3 (Zwicker's law)."""
    s, quiet = bands.index, bands.threshold
    scale = 1.07664 * (quiet / (s * 1e4)) ** LOUDNESS_POWER
    specific = scale * ((1.0 - s + s * excitation / quiet) ** LOUDNESS_POWER - 1.0)
    share = 24.0 / len(bands.centre_hz)
    return np.asarray(share * np.maximum(specific, 0.0).sum(axis=-1))
