"""Spectrograms of input and output, column by column as the sound comes in."""

import numpy as np
from numpy.typing import NDArray

from rtdeclip.types import Samples

WINDOW = 1024
"""Samples of one analysis window (21 ms at 48 kHz)."""
COLUMNS = 512
SPAN_S = 8.0
FLOOR_DB = -100.0


class Spectra:
    """The last ``SPAN_S`` seconds of one sound as an image.

    Args:
        sample_rate: Hz.

    Attributes:
        image: ``(COLUMNS, WINDOW // 2)`` float32 in dBFS, oldest column first.
    """

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self.hop = max(1, round(SPAN_S * sample_rate / COLUMNS))
        self.image = np.full((COLUMNS, WINDOW // 2), FLOOR_DB, np.float32)
        self._hann = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
        self._scale = 2.0 / self._hann.sum()
        self._line = np.zeros(WINDOW, np.float32)

    def feed(self, x: Samples) -> int:
        """Takes ``(n,)`` float32; returns how many columns came in."""
        self._line = np.concatenate([self._line, np.nan_to_num(x)])
        n = max(0, (len(self._line) - WINDOW) // self.hop)
        if n == 0:
            return 0
        kept = min(n, COLUMNS)
        starts = (n - kept + np.arange(1, kept + 1)) * self.hop
        frames = self._line[starts[:, None] + np.arange(WINDOW)] * self._hann
        power = np.abs(np.fft.rfft(frames, axis=1)[:, 1:]) * self._scale
        columns = 20.0 * np.log10(power + 1e-6)
        self.image = np.concatenate([self.image[kept:], columns.astype(np.float32)])
        self._line = self._line[n * self.hop :]
        return kept

    @property
    def frequencies(self) -> NDArray[np.float64]:
        """``(WINDOW // 2,)`` Hz of the image's rows."""
        step = self.sample_rate / WINDOW
        return np.asarray(step * np.arange(1, WINDOW // 2 + 1))
