"""Soft distortion: tanh, the overdrive of SoX, and any of them mixed with the dry.

Overdrive is what Imort et al. (ISMIR 2022) distorted their guitars with; the formula
is written down from SoX's documented behaviour: a cubic soft clipper, a DC blocker,
and half of the clean signal beside it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rtdeclip.distortion._check import as_audio, require
from rtdeclip.errors import InputError
from rtdeclip.types import Samples

DC_POLE = 0.995  # corner near 13 Hz at 16 kHz, 35 Hz at 44.1 kHz
DRY = 0.5
WET = 0.75


@dataclass(frozen=True, slots=True)
class Shaped:
    """Softly distorted audio and the curve that made it.

    Attributes:
        audio: float32, shape of the input. May pass full scale.
        curve: ``tanh`` or ``overdrive``.
        gain_db: gain before the curve.
        colour: overdrive's colour, 0 to 100 (even harmonics); 0 for tanh.
        wet: share of the distorted signal, 0 to 1; the rest is the clean one.
    """

    audio: Samples
    curve: str
    gain_db: float
    colour: float = 0.0
    wet: float = 1.0


def saturate(x: NDArray[Any], gain_db: float = 0.0) -> Shaped:
    """``tanh(10^(gain/20) · x)``.

    Args:
        x: audio.
        gain_db: −100 to 100 dB.

    Raises:
        InputError: the audio is empty, misshapen or not finite.
        SettingError: the gain is out of range.
    """
    require("gain", gain_db, -100.0, 100.0, " dB")
    audio = np.tanh(as_audio(x) * 10.0 ** (gain_db / 20.0))
    return Shaped(audio.astype(np.float32), "tanh", gain_db)


def overdrive(x: NDArray[Any], gain_db: float = 20.0, colour: float = 20.0) -> Shaped:
    """``sox overdrive GAIN COLOUR``, each channel by itself.

    SoX writes integers, so its files are also held within ±1: ``clip(audio, 1.0)``
    does the same. This function does not, because what passes ±1 is not lost here.

    Args:
        x: audio, full scale ±1.
        gain_db: 0 to 100 dB; at 0 dB SoX leaves the sound as it is, and so do we.
        colour: 0 to 100; anything above 0 makes a step at the first sample.

    Raises:
        InputError: the audio is empty, misshapen or not finite.
        SettingError: gain or colour is out of SoX's range.
    """
    require("overdrive gain", gain_db, 0.0, 100.0, " dB")
    require("overdrive colour", colour, 0.0, 100.0)
    clean = as_audio(x)
    out = clean.astype(np.float32)
    if gain_db > 0.0:
        columns = clean.reshape(len(clean), -1)
        for channel, written in zip(
            columns.T, out.reshape(len(out), -1).T, strict=True
        ):
            written[:] = overdrive_kernel(
                np.ascontiguousarray(channel),
                10.0 ** (gain_db / 20.0),
                colour / 200.0,
                np.zeros(2),
            )
    return Shaped(out, "overdrive", gain_db, colour)


def with_dry(clean: NDArray[Any], wet: NDArray[Any], share: float) -> Samples:
    """``share · wet + (1 − share) · clean``: the dry signal leaks past the distortion.

    Args:
        clean: audio.
        wet: its distorted version, same shape.
        share: 0 (all clean) to 1 (all distorted).

    Returns:
        float32, same shape.

    Raises:
        InputError: shapes differ, or the audio is empty or not finite.
        SettingError: the share is out of range.
    """
    require("wet share", share, 0.0, 1.0)
    dry, distorted = as_audio(clean), as_audio(wet)
    if dry.shape != distorted.shape:
        raise InputError(
            f"The clean audio has the shape {dry.shape}, the distorted one "
            f"{distorted.shape}; give two of the same shape."
        )
    return (share * distorted + (1.0 - share) * dry).astype(np.float32)


def _overdrive_kernel(
    x: NDArray[np.float64], g: float, c: float, state: NDArray[np.float64]
) -> NDArray[np.float64]:
    """One channel through the overdrive; ``state`` is carried on.

    g linear gain, c colour/200, d output of the cubic, o output of the DC blocker;
    state = (d, o) of the last sample, zeros at the start.
    """
    y = np.empty_like(x)
    d_last, o = state[0], state[1]
    for n in range(len(x)):
        d = g * x[n] + c
        # 2/3 is where d − d³/3 arrives, with slope zero, at d = 1.
        d = -2.0 / 3.0 if d < -1.0 else 2.0 / 3.0 if d > 1.0 else d - d * d * d / 3.0
        o = d - d_last + DC_POLE * o
        d_last = d
        y[n] = DRY * x[n] + WET * o
    state[0], state[1] = d_last, o
    return y


overdrive_kernel = njit(nogil=True, cache=True)(_overdrive_kernel)
