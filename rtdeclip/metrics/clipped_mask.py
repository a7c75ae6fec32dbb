"""Which samples of a clipped file are clipped, for scores over those samples."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtdeclip.errors import InputError

# A 16-bit file with dither smears a plateau over three steps of 1/32768.
SMEAR = 2.0 / 32768.0
FEWEST = 3  # one sample at the maximum is a peak, not a plateau


def clipped_mask(clipped: NDArray[Any]) -> NDArray[np.bool_]:
    """True where a sample lies on its channel's highest or lowest plateau.

    For files whose clipping is digital, 16-bit dither included. A plateau tilted by a
    filter or smeared by a codec is not found: give a mask of your own then.

    Args:
        clipped: y, ``(n_samples,)`` or ``(n_samples, n_channels)``.

    Raises:
        InputError: empty or not finite.
    """
    y = np.asarray(clipped, np.float64)
    if y.size == 0 or not np.isfinite(y).all():
        raise InputError(
            "The clipped signal is empty or holds NaN; give the audio that was clipped."
        )
    mask = np.zeros(y.shape, bool)
    columns, marks = y.reshape(len(y), -1), mask.reshape(len(y), -1)
    for channel, mark in zip(columns.T, marks.T, strict=True):
        mark[:] = _plateau(channel) | _plateau(-channel)
    return mask


def _plateau(channel: NDArray[np.float64]) -> NDArray[np.bool_]:
    top = float(channel.max())
    found = channel >= top - min(SMEAR, 1e-3 * top)
    if top <= 0 or np.count_nonzero(found) < FEWEST:
        return np.zeros(channel.shape, bool)
    return np.asarray(found)
