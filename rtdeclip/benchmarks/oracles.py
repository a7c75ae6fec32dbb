"""Reference rows that know the clean file: what a method could reach, not a method.

``oracle-irm``: clean magnitude with the clipped phase, the upper limit of everything
that restores magnitudes only. Hann 1024/256, as the outputs that Imort et al. (ISMIR
2022) published show; the paper calls it ideal ratio mask.
``oracle-mid``: each clipped sample at half way between its level and the clean peak,
the best constant guess of who knows the peak.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rtdeclip.benchmarks.protocol import Item
from rtdeclip.errors import SettingError
from rtdeclip.types import Samples

WINDOW, HOP = 1024, 256


def clean_magnitude(item: Item) -> Samples:
    """iSTFT of ``|S|·exp(j∠Y)``, ``(n_samples,)`` float32.

    Args:
        item: S is the STFT of its target, Y that of its distorted signal.
    """
    clean, distorted = stft(item.target), stft(item.distorted)
    mixed = np.abs(clean) * np.exp(1j * np.angle(distorted))
    return istft(mixed, len(item.target))


def middle(item: Item) -> Samples:
    """Clipped samples at ±(level + clean peak)/2, the others as they are.

    Raises:
        SettingError: the item's distortion has no level.
    """
    if not item.levels:
        raise SettingError(
            "oracle-mid needs a hard clip level; use it with fraction=, sdr=, level= "
            "or gain= protocols."
        )
    segment = item.levels[0].segments[0]
    y = item.distorted
    out = y.copy()
    for sign, plateau in ((1, segment.high), (-1, segment.low)):
        assert plateau is not None  # a protocol clips both sides
        peak = max(float((sign * item.target).max(initial=0.0)), plateau.level)
        out[sign * y >= plateau.level * (1 - 1e-6)] = sign * (plateau.level + peak) / 2
    return out


ORACLES: dict[str, Callable[[Item], Samples]] = {
    "oracle-irm": clean_magnitude,
    "oracle-mid": middle,
}


def stft(x: Samples) -> NDArray[np.complex128]:
    """``(n_frames, 513)``; periodic Hann, a window of zeros before and after."""
    padded = np.pad(np.asarray(x, np.float64), (WINDOW, WINDOW + HOP))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    return np.fft.rfft(frames * _hann(), axis=1)


def istft(spectra: NDArray[np.complex128], n_samples: int) -> Samples:
    """The signal nearest to ``spectra`` (least squares), ``(n_samples,)`` float32."""
    window = _hann()
    frames = np.fft.irfft(spectra, WINDOW, axis=1) * window
    size = HOP * (len(frames) - 1) + WINDOW
    out, weight = np.zeros(size), np.zeros(size)
    for number, frame in enumerate(frames):
        part = slice(number * HOP, number * HOP + WINDOW)
        out[part] += frame
        weight[part] += window**2
    inside = slice(WINDOW, WINDOW + n_samples)
    return (out[inside] / weight[inside]).astype(np.float32)


def _hann() -> NDArray[np.float64]:
    return np.hanning(WINDOW + 1)[:-1]
