"""Gain in dB, gliding when it changes. Latency 0; about 1 ns per sample."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rtdeclip.errors import SettingError
from rtdeclip.stream.processor import Method, Setting, Value
from rtdeclip.types import Samples

GLIDE_MS = 15.0

GAIN_DB = Setting(
    "gain_db",
    0.0,
    "how much louder (+) or quieter (−)",
    unit="dB",
    low=-120.0,
    high=60.0,
    applies="live",
)


# state: 0 gain now, 1 gain to reach, 2 step per sample, 3 samples left to glide
def _amplify(x: Samples, y: Samples, state: NDArray[np.float64]) -> None:
    gain, target, step, left = state
    for i in range(x.shape[0]):
        if left > 0.0:
            left -= 1.0
            gain = gain + step if left > 0.0 else target
        g = np.float32(gain)
        for c in range(x.shape[1]):
            y[i, c] = x[i, c] * g
    state[0] = gain
    state[3] = left


amplify = njit(nogil=True, cache=True)(_amplify)


class Gain:
    """Multiplies all channels by one gain.

    Args:
        sample_rate: Hz.
        n_channels: 1 or more.
        gain_db: −120 to 60 dB.

    Attributes:
        hop: 0, any block length will do.
        latency_samples: 0.
    """

    hop = 0
    latency_samples = 0

    def __init__(
        self, sample_rate: int, n_channels: int = 1, gain_db: float = 0.0
    ) -> None:
        self._glide_samples = max(1, round(GLIDE_MS * 1e-3 * sample_rate))
        self._state = np.zeros(4)
        self._out: Samples = np.zeros((1, n_channels), np.float32)
        self.set_setting("gain_db", gain_db)
        self.reset()
        self.process(np.zeros((1, n_channels), np.float32))  # compiles or loads

    def process(self, block: Samples) -> Samples:
        """``(n_samples, n_channels)`` float32; the next call overwrites the result."""
        if len(block) > len(self._out):
            self._out = np.zeros_like(block)
        out = self._out[: len(block)]
        amplify(block, out, self._state)
        return out

    def reset(self) -> None:
        """End a glide that is under way."""
        self._state[0] = self._state[1]
        self._state[3] = 0.0

    def set_setting(self, name: str, value: Value) -> None:
        """Glide to ``gain_db`` within 15 ms.

        Raises:
            SettingError: another name, or a value out of range.
        """
        if name != GAIN_DB.name:
            raise SettingError(f"gain has no setting {name!r}; it has: gain_db.")
        target = 10.0 ** (float(GAIN_DB.parse(value)) / 20.0)
        step = (target - self._state[0]) / self._glide_samples
        self._state[1:] = target, step, self._glide_samples


METHOD = Method(
    name="gain",
    summary="Gain before or after the declipper.",
    make=Gain,
    kind="effect",
    scope="all",
    channels="joint",
    settings=(GAIN_DB,),
    source="",
)
