"""Another sample rate for a metric that is defined at one."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def to_rate(x: NDArray[Any], sample_rate: int, wanted_hz: int) -> NDArray[np.float64]:
    """``x`` at ``wanted_hz``, by soxr's very-high quality, in float64.

    Args:
        x: ``(n_samples,)`` or ``(n_samples, n_channels)``.
        sample_rate: of ``x``, Hz.
        wanted_hz: Hz.
    """
    audio = np.asarray(x, np.float64)
    if sample_rate == wanted_hz:
        return audio
    import soxr

    return np.asarray(soxr.resample(audio, sample_rate, wanted_hz, quality="VHQ"))
