"""What an analogue path adds: noise before the clipping, AC coupling after it."""

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rtdeclip.distortion._check import as_audio, require
from rtdeclip.types import Samples


def add_noise(x: NDArray[Any], sigma: float, seed: int) -> Samples:
    """``x`` plus white Gaussian noise; added before clipping, plateaus stay flat.

    Args:
        x: audio.
        sigma: standard deviation, linear, 0 to 10 (0.01 is 40 dB below full scale).
        seed: the same seed gives the same noise.

    Returns:
        float32, same shape.

    Raises:
        InputError: the audio is empty, misshapen or not finite.
        SettingError: sigma is out of range.
    """
    require("noise sigma", sigma, 0.0, 10.0)
    clean = as_audio(x)
    noise = np.random.default_rng(seed).normal(0.0, sigma, clean.shape)
    return (clean + noise).astype(np.float32)


def high_pass(x: NDArray[Any], cutoff_hz: float, sample_rate: int) -> Samples:
    """``x`` through a first-order high-pass: a coupling capacitor; tilts plateaus.

    The bilinear transform of s/(s + 2π·cutoff), pre-warped: −3 dB at the cutoff.

    Args:
        x: audio, each channel by itself.
        cutoff_hz: above 0, below half the sample rate.
        sample_rate: Hz.

    Returns:
        float32, same shape.

    Raises:
        InputError: the audio is empty, misshapen or not finite.
        SettingError: the cutoff is out of range.
    """
    require("high-pass cutoff", cutoff_hz, 1e-3, 0.499 * sample_rate, " Hz")
    clean = as_audio(x)
    k = math.tan(math.pi * cutoff_hz / sample_rate)
    out = np.empty(clean.shape, np.float32)
    columns = clean.reshape(len(clean), -1)
    for channel, written in zip(columns.T, out.reshape(len(out), -1).T, strict=True):
        written[:] = _filter(
            np.ascontiguousarray(channel), 1.0 / (1.0 + k), (1.0 - k) / (1.0 + k)
        )
    return out


def _first_order(x: NDArray[np.float64], b: float, a: float) -> NDArray[np.float64]:
    """``y[n] = b·(x[n] − x[n−1]) + a·y[n−1]``, at rest before the first sample."""
    y = np.empty_like(x)
    x_last = y_last = 0.0
    for n in range(len(x)):
        y_last = b * (x[n] - x_last) + a * y_last
        x_last = x[n]
        y[n] = y_last
    return y


_filter = njit(nogil=True, cache=True)(_first_order)
