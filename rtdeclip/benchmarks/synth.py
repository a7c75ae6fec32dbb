"""Test audio made from nothing: a voice and a plucked string, the same every time."""

import numpy as np
from numpy.typing import NDArray

from rtdeclip.types import Samples

# Vowels a, e, i, o as (centre Hz, bandwidth Hz, gain) of three formants.
_VOWELS = (
    ((730, 90, 1.0), (1090, 110, 0.5), (2440, 170, 0.2)),
    ((530, 70, 1.0), (1840, 120, 0.4), (2480, 170, 0.2)),
    ((270, 60, 1.0), (2290, 130, 0.25), (3010, 200, 0.15)),
    ((570, 80, 1.0), (840, 100, 0.6), (2410, 170, 0.1)),
)
_SYLLABLE_S = 0.24
# Guitar strings of an E minor arpeggio, Hz.
_NOTES = (82.4, 123.5, 164.8, 196.0, 246.9, 329.6, 246.9, 196.0)
_NOTE_S = 0.3


def voice(seconds: float, sample_rate: int, seed: int = 0) -> Samples:
    """Speech-like audio: a gliding voice through vowels, with breath between.

    Args:
        seconds: length, > 0.
        sample_rate: Hz.
        seed: which utterance.

    Returns:
        ``(n_samples,)`` float32, peak 0.9.
    """
    rng = np.random.default_rng(seed)
    n = round(seconds * sample_rate)
    t = np.arange(n) / sample_rate
    syllable = np.minimum((t / _SYLLABLE_S).astype(int), int(seconds / _SYLLABLE_S))
    pitch = 120 * 2 ** (
        0.15 * np.sin(2 * np.pi * 0.7 * t) + 0.02 * rng.standard_normal(1)
    )
    phase = 2 * np.pi * np.cumsum(pitch) / sample_rate
    which = rng.integers(0, len(_VOWELS), syllable.max() + 1)[syllable]
    out = np.zeros(n)
    for k in range(1, int(4000 / 90)):
        shape = np.zeros(n)
        for number, vowel in enumerate(_VOWELS):
            shape += (which == number) * _formants(k * pitch, vowel)
        out += _smooth(shape, sample_rate) * np.sin(k * phase) / k**0.5
    within = (t % _SYLLABLE_S) / _SYLLABLE_S
    breath = rng.standard_normal(n) * 0.02 * (within > 0.85)
    return _normalised(out * np.sin(np.pi * np.minimum(within * 1.15, 1)) + breath)


def plucked(seconds: float, sample_rate: int, seed: int = 0) -> Samples:
    """A plucked string's arpeggio: decaying, slightly inharmonic partials.

    Args:
        seconds: length, > 0.
        sample_rate: Hz.
        seed: where the string is plucked.

    Returns:
        ``(n_samples,)`` float32, peak 0.9.
    """
    rng = np.random.default_rng(seed)
    n = round(seconds * sample_rate)
    out = np.zeros(n)
    for number in range(int(np.ceil(seconds / _NOTE_S))):
        start = round(number * _NOTE_S * sample_rate)
        pitch = _NOTES[number % len(_NOTES)]
        out[start:] += _pluck(n - start, pitch, sample_rate, rng.uniform(0.1, 0.3))
    return _normalised(out)


def _pluck(n: int, pitch: float, sample_rate: int, at: float) -> NDArray[np.float64]:
    """One note; ``at``: where along the string it is plucked, 0 … 1."""
    t = np.arange(n) / sample_rate
    out = np.zeros(n)
    for k in range(1, 40):
        hz = k * pitch * np.sqrt(1 + 4e-5 * k * k)
        if hz > min(8000.0, 0.45 * sample_rate):
            break
        size = np.sin(np.pi * k * at) / k**1.5
        out += size * np.exp(-t * (1.5 + 0.35 * k)) * np.sin(2 * np.pi * hz * t + k)
    return out * (1 - np.exp(-t * 2000))


def _formants(
    hz: NDArray[np.float64], vowel: tuple[tuple[float, float, float], ...]
) -> NDArray[np.float64]:
    """Gain of a vowel's resonances at ``hz``."""
    return np.asarray(
        sum(gain / (1 + ((hz - centre) / width) ** 2) for centre, width, gain in vowel)
    )


def _smooth(x: NDArray[np.float64], sample_rate: int) -> NDArray[np.float64]:
    """A moving mean of 20 ms, so that vowels glide into one another."""
    width = max(1, round(0.02 * sample_rate))
    total = np.cumsum(np.concatenate([np.full(width, x[0]), x]))
    return (total[width:] - total[:-width]) / width


def _normalised(x: NDArray[np.float64]) -> Samples:
    return (0.9 * x / np.abs(x).max()).astype(np.float32)
