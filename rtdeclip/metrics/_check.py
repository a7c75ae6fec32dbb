"""The one check at the edge: can these two signals be compared?"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtdeclip.errors import InputError

Float64s = NDArray[np.float64]


def as_pair(reference: NDArray[Any], test: NDArray[Any]) -> tuple[Float64s, Float64s]:
    """Both signals as float64, shapes kept.

    Raises:
        InputError: shapes differ, a signal is empty, not one- or two-dimensional, or
            holds NaN or infinity.
    """
    x, z = np.asarray(reference, np.float64), np.asarray(test, np.float64)
    if x.shape != z.shape:
        raise InputError(
            f"The reference has the shape {x.shape}, the test {z.shape}; they must be "
            "equal and in step: trim or pad one of them."
        )
    if x.ndim not in (1, 2) or x.size == 0:
        raise InputError(
            f"The signals have the shape {x.shape}; give (n_samples,) or "
            "(n_samples, n_channels) with at least one sample."
        )
    for name, signal in (("reference", x), ("test", z)):
        if not np.isfinite(signal).all():
            raise InputError(
                f"The {name} holds NaN or infinite samples, which no metric can "
                "score; repair them first."
            )
    return x, z


def as_mono_pair(
    reference: NDArray[Any], test: NDArray[Any]
) -> tuple[Float64s, Float64s]:
    """Both signals as ``(n_samples,)`` float64.

    Raises:
        InputError: as ``as_pair``, or more than one channel.
    """
    x, z = as_pair(reference, test)
    if x.ndim == 2 and x.shape[1] != 1:
        raise InputError(
            f"The signals have {x.shape[1]} channels; this metric takes one: call it "
            "for each channel."
        )
    return x.reshape(-1), z.reshape(-1)


def as_mask(mask: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """``mask`` as bool.

    Raises:
        InputError: its shape is not the audio's.
    """
    chosen = np.asarray(mask, bool)
    if chosen.shape != shape:
        raise InputError(
            f"The mask has the shape {chosen.shape}, the audio {shape}; give one "
            "truth value per sample."
        )
    return chosen


def frames_of(x: Float64s, length: int, hop: int) -> Float64s:
    """``(n_frames, length)`` view of ``(n_samples,)``: whole frames only."""
    if len(x) < length:
        return np.empty((0, length))
    return np.lib.stride_tricks.sliding_window_view(x, length)[::hop]
