"""Spectral convergence: how far the magnitudes are from the clean ones.

The STFT is stated because the number depends on it: periodic Hann window of
``window_samples``, every ``hop`` samples, the signal padded with half a window of
zeros at both ends (the layout of librosa's default, 2048 and 512).
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtdeclip.errors import SettingError
from rtdeclip.metrics._check import Float64s, as_mono_pair, frames_of

FLOOR = 1e-5  # amplitude floor of the dB variant, −100 dB
RANGE_DB = 80.0  # what lies further below the spectrogram's own maximum is raised
FRAMES_AT_ONCE = 512  # bounds the memory on long files


def spectral_convergence(
    reference: NDArray[Any],
    test: NDArray[Any],
    window_samples: int = 2048,
    hop: int = 512,
) -> float:
    """``‖|X| − |Z|‖_F / ‖|X|‖_F`` on linear magnitudes; 0 is perfect, 1 is silence.

    Arik, Jun and Diamos, IEEE SPL 2019, doi:10.1109/LSP.2018.2880284, eq. 1.

    Args:
        reference: x, ``(n_samples,)``.
        test: z, ``(n_samples,)``.
        window_samples: even, at least 2.
        hop: samples between frames, 1 to ``window_samples``.

    Returns:
        Ratio ≥ 0; NaN for a silent reference.

    Raises:
        InputError: lengths differ, several channels, empty or not finite.
        SettingError: window or hop is out of range.
    """
    x, z = as_mono_pair(reference, test)
    error = total = 0.0
    for clean, other in _magnitudes(x, z, window_samples, hop):
        error += float(np.sum((clean - other) ** 2))
        total += float(np.sum(clean**2))
    return math.sqrt(error / total) if total > 0 else math.nan


def spectral_convergence_db(
    reference: NDArray[Any],
    test: NDArray[Any],
    window_samples: int = 2048,
    hop: int = 512,
) -> float:
    """The same ratio on dB spectrograms, as Tousnakhoff and Aguié (2025) computed it.

    Each spectrogram is in dB below its own maximum, floored at −80 dB (amplitudes at
    1e-5). Not the published definition: print it beside that paper's row only.

    Args:
        reference: x, ``(n_samples,)``.
        test: z, ``(n_samples,)``.
        window_samples: even, at least 2.
        hop: samples between frames, 1 to ``window_samples``.

    Returns:
        Ratio ≥ 0; NaN for a silent reference.

    Raises:
        InputError: lengths differ, several channels, empty or not finite.
        SettingError: window or hop is out of range.
    """
    x, z = as_mono_pair(reference, test)
    top_x = top_z = FLOOR
    for clean, other in _magnitudes(x, z, window_samples, hop):
        top_x, top_z = max(top_x, float(clean.max())), max(top_z, float(other.max()))
    error = total = 0.0
    for clean, other in _magnitudes(x, z, window_samples, hop):
        clean_db, other_db = _decibels(clean, top_x), _decibels(other, top_z)
        error += float(np.sum((clean_db - other_db) ** 2))
        total += float(np.sum(clean_db**2))
    return math.sqrt(error / total) if x.any() and total > 0 else math.nan


def _decibels(magnitude: Float64s, top: float) -> Float64s:
    level = 20.0 * np.log10(np.maximum(magnitude, FLOOR) / top)
    return np.asarray(np.maximum(level, -RANGE_DB))


def _magnitudes(
    x: Float64s, z: Float64s, window_samples: int, hop: int
) -> Iterator[tuple[Float64s, Float64s]]:
    """Magnitude spectra of both, a group of frames after the other."""
    if window_samples < 2 or window_samples % 2 or not 1 <= hop <= window_samples:
        raise SettingError(
            f"An STFT with a window of {window_samples} and a hop of {hop} samples "
            "cannot be made; give an even window of 2 or more and a hop from 1 to it."
        )
    window = np.hanning(window_samples + 1)[:-1]
    half = window_samples // 2
    frames = [frames_of(np.pad(signal, half), window_samples, hop) for signal in (x, z)]
    for start in range(0, len(frames[0]), FRAMES_AT_ONCE):
        part = slice(start, start + FRAMES_AT_ONCE)
        clean, other = (np.abs(np.fft.rfft(f[part] * window)) for f in frames)
        yield clean, other
