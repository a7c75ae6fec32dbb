"""The one check at the edge: is this audio that can be degraded?"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtdeclip.errors import InputError, SettingError


def as_audio(x: NDArray[Any]) -> NDArray[np.float64]:
    """``x`` as float64, shape kept.

    Raises:
        InputError: not one- or two-dimensional, empty, or holding NaN or infinity.
    """
    audio = np.asarray(x, np.float64)
    if audio.ndim not in (1, 2) or audio.size == 0:
        raise InputError(
            f"The audio has the shape {audio.shape}; give (n_samples,) or "
            "(n_samples, n_channels) with at least one sample."
        )
    if not np.isfinite(audio).all():
        raise InputError(
            "The audio holds NaN or infinite samples; replace them first: "
            "numpy.nan_to_num(x)."
        )
    return audio


def peak_of(audio: NDArray[np.float64]) -> float:
    """Largest magnitude over all channels, > 0.

    Raises:
        InputError: the audio is silent, so no level can be set from it.
    """
    peak = float(np.abs(audio).max())
    if peak == 0.0:
        raise InputError(
            "The audio is silent, so it has no peak to set a clip level from; "
            "give audio with sound in it, or an absolute level."
        )
    return peak


def require(name: str, value: float, low: float, high: float, unit: str = "") -> None:
    """Nothing, if ``low ≤ value ≤ high``.

    Raises:
        SettingError: out of the range, or NaN.
    """
    if not low <= value <= high:
        raise SettingError(
            f"{name} = {value:g}{unit} is out of range; give {low:g} to {high:g}{unit}."
        )
