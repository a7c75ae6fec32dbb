"""Segmental signal-to-noise ratio: the mean of short frames' SNR, each held in range.

Frames, window and limits of Loizou, *Speech Enhancement*, 2nd ed. 2013, chapter 11:
30 ms frames, a quarter of a frame apart, −10 to 35 dB, the last frame left out.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtdeclip.metrics._check import Float64s, as_mono_pair, frames_of

FRAME_S = 0.030
LOWEST_DB, HIGHEST_DB = -10.0, 35.0
EPS = float(np.finfo(np.float64).eps)


def segmental_snr_db(
    reference: NDArray[Any], test: NDArray[Any], sample_rate: int
) -> float:
    """Mean over frames of 10·log10(E_x / E_(x−z)), each within [−10, 35] dB.

    Args:
        reference: x, ``(n_samples,)``.
        test: z, ``(n_samples,)``.
        sample_rate: Hz.

    Returns:
        dB; NaN if the signals are shorter than two frames (37.5 ms).

    Raises:
        InputError: lengths differ, several channels, empty or not finite.
    """
    x, z = as_mono_pair(reference, test)
    clean, error = (speech_frames(s, sample_rate) for s in (x, x - z))
    if not len(clean):
        return math.nan
    ratio = (clean**2).sum(axis=1) / ((error**2).sum(axis=1) + EPS)
    return float(np.clip(10 * np.log10(ratio + EPS), LOWEST_DB, HIGHEST_DB).mean())


def speech_frames(x: Float64s, sample_rate: int) -> Float64s:
    """``(n_frames, round(0.03 · rate))``: windowed frames, the last one left out."""
    length = round(FRAME_S * sample_rate)
    hop = math.floor(0.25 * FRAME_S * sample_rate)
    k = np.arange(1, length + 1)
    window = 0.5 * (1 - np.cos(2 * np.pi * k / (length + 1)))
    return np.asarray(frames_of(x, length, hop)[:-1] * window)
