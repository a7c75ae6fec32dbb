"""The FFT ear: from samples to excitation patterns in 109 bands of a quarter Bark.

Section numbers are those of BS.1387-1, annex 2. Arrays are ``(n_frames, 2, …)``: the
reference first, the test second.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtdeclip.metrics._check import Float64s

SAMPLE_RATE = 48_000
FRAME = 2048
HOP = 1024
FRAMES_PER_S = SAMPLE_RATE / HOP
LOWEST_HZ, HIGHEST_HZ = 80.0, 18_000.0
BARK = 0.25  # width of a band
FULL_SCALE_DB_SPL = 92.0  # of a sine of amplitude 1
CALIBRATION_HZ = 1019.5
FLOOR = 1e-12
POWER = 0.4  # excitations of neighbouring bands add as E^0.4


@dataclass(frozen=True, slots=True)
class Bands:
    """The bands, ``(109,)`` each: centres in Hz and what depends on them.

    ``inner_noise`` is the ear's own noise and ``threshold`` the hearing threshold,
    both as excitations; ``index`` is the growth of loudness's threshold index.
    """

    centre_hz: Float64s
    inner_noise: Float64s
    threshold: Float64s
    index: Float64s
    to_bands: Float64s

    def smoothing(self, slowest_s: float) -> Float64s:
        """Pole of a first-order low-pass per frame: ``slowest_s`` at 100 Hz, 2.1.6."""
        fastest_s = 0.008
        time_s = fastest_s + 100.0 / self.centre_hz * (slowest_s - fastest_s)
        return np.asarray(np.exp(-1.0 / (FRAMES_PER_S * time_s)))


@dataclass(frozen=True, slots=True)
class Ear:
    """What the ear makes of a run of frames.

    Attributes:
        power: ``(n, 2, 1025)`` power spectra, in sound pressure.
        noise: ``(n, 109)`` band energies of the difference of magnitudes.
        unsmeared: ``(n, 2, 109)`` excitation before forward masking.
        excitation: ``(n, 2, 109)`` excitation after it.
    """

    power: Float64s
    noise: Float64s
    unsmeared: Float64s
    excitation: Float64s


def make_bands() -> Bands:
    """The band edges of 2.1.5 and the level-independent curves of 2.1.3 to 2.1.7."""
    low, high = (7.0 * math.asinh(f / 650.0) for f in (LOWEST_HZ, HIGHEST_HZ))
    starts = low + BARK * np.arange(math.ceil((high - low) / BARK))
    ends = np.minimum(starts + BARK, high)
    edges = [650.0 * np.sinh(z / 7.0) for z in (starts, ends)]
    centre = 650.0 * np.sinh(0.5 * (starts + ends) / 7.0)
    index_db = (
        -2.0
        - 2.05 * np.arctan(centre / 4000.0)
        - 0.75 * np.arctan((centre / 1600) ** 2)
    )
    return Bands(
        centre_hz=centre,
        inner_noise=10.0 ** (0.1456 * (centre / 1000.0) ** -0.8),
        threshold=10.0 ** (0.364 * (centre / 1000.0) ** -0.8),
        index=10.0 ** (index_db / 10.0),
        to_bands=_sharing(edges[0], edges[1]),
    )


def _sharing(starts: Float64s, ends: Float64s) -> Float64s:
    """``(1025, 109)``: share of each bin's width that falls into each band."""
    width = SAMPLE_RATE / FRAME
    bins = np.arange(FRAME // 2 + 1)[:, None]
    upper = np.minimum(ends, (bins + 0.5) * width)
    lower = np.maximum(starts, (bins - 0.5) * width)
    return np.asarray(np.maximum(upper - lower, 0.0) / width)


def _window() -> Float64s:
    """Hann, scaled so that a full-scale sine reaches 92 dB SPL in its bin, 2.1.3."""
    bins = CALIBRATION_HZ * FRAME / SAMPLE_RATE
    off = min(bins % 1.0, 1.0 - bins % 1.0) / FRAME * (FRAME - 1)
    peak = math.sin(math.pi * off) / (math.pi * off * (1.0 - off * off))
    gain = 10.0 ** (FULL_SCALE_DB_SPL / 20.0) / (peak * (FRAME - 1) / 4.0)
    return np.asarray(gain * np.hanning(FRAME))


def _outer_ear() -> Float64s:
    """``(1025,)`` power weights of outer and middle ear, 2.1.4; 0 at 0 Hz."""
    khz = np.arange(1, FRAME // 2 + 1) * SAMPLE_RATE / FRAME / 1000.0
    db = -2.184 * khz**-0.8 + 6.5 * np.exp(-0.6 * (khz - 3.3) ** 2) - 0.001 * khz**3.6
    return np.concatenate([[0.0], 10.0 ** (db / 10.0)])


def smooth(x: Float64s, pole: Float64s, state: Float64s, gain: Float64s) -> Float64s:
    """``s ← pole·s + gain·x`` along the first axis; ``state`` is carried on."""
    out = np.empty_like(x)
    scaled = gain * x
    for n in range(len(x)):
        state *= pole
        state += scaled[n]
        out[n] = state
    return out


class FftEar:
    """Turns frames into excitations, a group of frames after the other."""

    def __init__(self, bands: Bands) -> None:
        self._bands = bands
        self._window = _window()
        self._outer_ear = _outer_ear()
        self._pole = bands.smoothing(0.030)
        self._smeared = np.zeros((2, len(bands.centre_hz)))
        self._no_spread = np.ones(len(bands.centre_hz))
        ones = np.ones((1, len(bands.centre_hz)))
        self._spread_norm = self._spread(ones, self._no_spread)[0]

    def hear(self, frames: Float64s) -> Ear:
        """The next frames, ``(n, 2, 2048)``, full scale ±1."""
        power = np.abs(np.fft.rfft(frames * self._window)) ** 2
        weighted = power * self._outer_ear
        magnitude = np.sqrt(weighted)
        noise = self._to_bands((magnitude[:, 0] - magnitude[:, 1]) ** 2)
        heard = self._to_bands(weighted) + self._bands.inner_noise
        spread = self._spread(heard, self._spread_norm)
        slow = smooth(spread, self._pole, self._smeared, 1.0 - self._pole)
        return Ear(power, noise, spread, np.maximum(slow, spread))

    def _to_bands(self, power: Float64s) -> Float64s:
        return np.maximum(power @ self._bands.to_bands, FLOOR)

    def _spread(self, energy: Float64s, norm: Float64s) -> Float64s:
        """Masking across bands, 2.1.6: fixed slope downwards, by level upwards.

        −27 dB/Bark downwards, −24 − 230/f + 0.2·L dB/Bark upwards; each band's
        spreading is normalised to its energy, and parts add as powers of 0.4.
        """
        n_bands = energy.shape[-1]
        place = np.arange(n_bands)
        down = 10.0 ** (-2.7 * BARK)
        slope = 10.0 ** ((-2.4 - 23.0 / self._bands.centre_hz) * BARK)
        up = slope * energy ** (0.2 * BARK)
        below = (1.0 - down ** (place + 1)) / (1.0 - down)
        above = (1.0 - up ** (n_bands - place)) / (1.0 - up)
        part = (energy / (below + above - 1.0)) ** POWER
        total = part.copy()
        rising, falling = part.copy(), part.copy()
        up, down = up**POWER, down**POWER
        for distance in range(1, n_bands):
            rising *= up
            falling *= down
            total[..., distance:] += rising[..., :-distance]
            total[..., :-distance] += falling[..., distance:]
        return np.asarray(total ** (1.0 / POWER) / norm)


def frames_with_sound(reference: NDArray[np.float64]) -> tuple[int, int]:
    """First frame and end of the frames that PEAQ looks at, by the reference.

    Sound begins and ends where five neighbouring samples of a channel sum to more
    than 200/32768 in magnitude (5.2.4.4); the last frame holds half a frame of it.

    Args:
        reference: ``(n_samples, n_channels)``.

    Returns:
        ``(first, end)``; equal if there is no sound.
    """
    magnitude = np.abs(reference)
    if len(magnitude) < 5:
        return 0, 0
    sums = np.lib.stride_tricks.sliding_window_view(magnitude, 5, axis=0).sum(axis=-1)
    loud = np.flatnonzero((sums > 200.0 / 32768.0).any(axis=1))
    if not len(loud):
        return 0, 0
    first = max(0, int(loud[0]) // HOP - 1)
    last = (int(loud[-1]) + 5 - FRAME // 2) // HOP
    return first, max(first, last) + 1
