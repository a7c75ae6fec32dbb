"""Hard clipping: at a level, at a fraction of the peak, to an input SDR, after a gain.

Protocols: fraction of the peak (Lasry and Feldinger), input SDR (Záviška, Rajmic,
Ozerov and Rencker, JSTSP 2021, doi:10.1109/JSTSP.2020.3042071), gain before a fixed
level (Imort et al., ISMIR 2022).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtdeclip.distortion._check import as_audio, peak_of, require
from rtdeclip.types import Samples, Signs

TINY = 1e-9  # smallest level: −180 dB below full scale, far under any sound
SDR_TOLERANCE_DB = 0.0005
MAX_SDR_DB = 100.0  # beyond it, float32 rounding outweighs the clipping


@dataclass(frozen=True, slots=True)
class Clipped:
    """Hard-clipped audio and the truth about its clipping.

    Attributes:
        audio: float32, shape of the input.
        sign: int8, same shape: 0 reliable, +1 clipped high, −1 clipped low. A sample
            within a part in 10⁶ of its level counts as clipped, because nobody who
            sees only the clipped audio can tell it from one.
        high: positive clip level, linear, > 0.
        low: magnitude of the negative clip level, linear, > 0.
        gain_db: gain given to the clean audio before clipping; what a restorer should
            return is the clean audio times this gain.
    """

    audio: Samples
    sign: Signs
    high: float
    low: float
    gain_db: float = 0.0


def clip(
    x: NDArray[Any], high: float, low: float | None = None, gain_db: float = 0.0
) -> Clipped:
    """``x`` times a gain, held within [−low, high].

    Args:
        x: audio, any float or integer type.
        high: positive clip level, linear, > 0.
        low: magnitude of the negative level, > 0; None: the same as ``high``.
        gain_db: −200 to 200 dB, before clipping.

    Raises:
        InputError: the audio is empty, misshapen or not finite.
        SettingError: a level is not above zero, or the gain is out of range.

    >>> clip(np.array([0.1, 0.9, -0.9]), 0.5, 0.25).audio.tolist()
    [0.10000000149011612, 0.5, -0.25]
    """
    low = high if low is None else low
    require("clip level", high, TINY, math.inf)
    require("negative clip level", low, TINY, math.inf)
    require("gain", gain_db, -200.0, 200.0, " dB")
    loud = as_audio(x) * 10.0 ** (gain_db / 20.0)
    audio = np.clip(loud, -low, high).astype(np.float32)
    sign = (audio >= high * (1 - 1e-6)).astype(np.int8)
    sign -= audio <= -low * (1 - 1e-6)
    return Clipped(audio, sign, float(high), float(low), gain_db)


def clip_with_gain(x: NDArray[Any], gain_db: float, level: float) -> Clipped:
    """``clip(10^(gain/20) · x, ±level)``: an input stage turned up too far.

    Raises:
        InputError: the audio is empty, misshapen or not finite.
        SettingError: the level is not above zero, or the gain is out of range.
    """
    return clip(x, level, gain_db=gain_db)


def clip_at_fraction(x: NDArray[Any], fraction: float) -> Clipped:
    """``x`` clipped at ±fraction · max|x| (the peak over all channels).

    Args:
        x: audio.
        fraction: above 0, at most 1.

    Raises:
        InputError: the audio is silent, empty, misshapen or not finite.
        SettingError: the fraction is out of range.
    """
    require("fraction of the peak", fraction, TINY, 1.0)
    return clip(x, fraction * peak_of(as_audio(x)))


def clip_to_sdr(x: NDArray[Any], sdr_db: float) -> Clipped:
    """``x`` clipped so that the input SDR is ``sdr_db``, to 0.001 dB.

    SDR = 20·log10(‖x‖ / ‖x − y‖) over all samples and channels.

    Args:
        x: audio.
        sdr_db: above 0 (all signal lost), at most 100 dB.

    Raises:
        InputError: the audio is silent, empty, misshapen or not finite.
        SettingError: the SDR is out of range.
    """
    return clip(x, level_for_sdr(x, sdr_db))


def level_for_sdr(x: NDArray[Any], sdr_db: float) -> float:
    """The clip level that gives ``x`` this input SDR, found by bisection.

    The SDR rises steadily with the level, from 0 dB at level 0 to infinity at the
    peak, so there is exactly one.

    Raises:
        InputError: the audio is silent, empty, misshapen or not finite.
        SettingError: the SDR is out of range.
    """
    require("input SDR", sdr_db, 0.001, MAX_SDR_DB, " dB")
    magnitude = np.abs(as_audio(x)).ravel()
    low, high = 0.0, peak_of(magnitude)
    signal = float(magnitude @ magnitude)
    while True:
        level = 0.5 * (low + high)
        excess = np.maximum(magnitude - level, 0.0)
        error = float(excess @ excess)
        sdr = 10.0 * math.log10(signal / error) if error > 0 else math.inf
        if abs(sdr - sdr_db) <= SDR_TOLERANCE_DB or level in (low, high):
            return level
        low, high = (level, high) if sdr < sdr_db else (low, level)
