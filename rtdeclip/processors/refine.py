"""A second pass over an estimate, frame by frame, as it streams.

Each frame is restored anew with the spectrum that the estimate leads to expect there
(``prior_kernel``): its power averaged over neighbouring bins and the frames before and
after, so that what is strong beside a coefficient speaks for it, as in the persistent
empirical Wiener shrinkage (Siedenburg & Dörfler 2013) and in the variances of NMF.
Latency: one frame.
"""

from __future__ import annotations

import numpy as np

from rtdeclip.processors.past import Past
from rtdeclip.processors.prior_kernel import PriorFrame, Spectrum
from rtdeclip.stream.overlap_add import sine_window
from rtdeclip.types import Samples, Signs

_OVERLAP = 4
_BESIDE, _HERE = np.float32(0.25), np.float32(0.5)  # of the frames in a prior


class Refine:
    """Restores one channel by the spectra of an estimate of it.

    Args:
        window: frame length in samples, a size of ``simd_fft.RADICES``.
        levelled: whether priors are trusted less, see ``prior_kernel``.

    Attributes:
        hop: block length in samples, a quarter of the window.
        latency_samples: the window.
    """

    def __init__(self, window: int, *, levelled: bool = False) -> None:
        self.hop = window // _OVERLAP
        self.latency_samples = window
        self._kernel = PriorFrame(window, levelled=levelled)
        self._spectrum = Spectrum(window)
        self._window = sine_window(window)
        self._synthesis = self._window / np.float32(_OVERLAP / 2)
        self._past = Past(window, wait=self.hop)  # restored a block before analysed
        self._spectra = np.zeros((3, window), np.float32)
        self._prior = np.zeros(window, np.float32)
        self._frame = np.zeros(window, np.float32)
        self._limit = np.zeros(window, np.float32)
        self._restored = np.zeros(window, np.float32)
        self._total = np.zeros(window, np.float32)
        self._out = np.zeros(self.hop, np.float32)

    def process(
        self, block: Samples, sign: Signs, bound: Samples, estimate: Samples
    ) -> Samples:
        """The block of ``latency_samples`` ago, restored.

        Args:
            block: ``(hop,)`` float32, the clipped sound.
            sign: ``(hop,)`` int8.
            bound: ``(hop,)`` float32.
            estimate: ``(hop,)`` float32, ``block`` restored by something else.

        Returns:
            ``(hop,)`` float32, overwritten at the next call.
        """
        past, window = self._past, len(self._window)
        past.push(block, sign, bound, estimate)
        self._analyse()
        np.multiply(past.y[:window], self._window, out=self._frame)
        restored = self._frame
        if past.sign[:window].any():
            restored = self._restored
            np.multiply(past.bound[:window], self._window, out=self._limit)
            self._kernel.restore(
                self._frame, past.sign[:window], self._limit, self._prior, restored
            )
        self._total += restored * self._synthesis
        self._out[:] = self._total[: self.hop]
        self._total[: -self.hop] = self._total[self.hop :]
        self._total[-self.hop :] = 0
        return self._out

    def reset(self) -> None:
        """Forgets all audio."""
        self._past.reset()
        self._spectra.fill(0)
        self._total.fill(0)

    def _analyse(self) -> None:
        """The newest frame's spectrum, and the prior of the frame before it."""
        np.multiply(self._past.estimate, self._window, out=self._limit)
        self._spectra[:2] = self._spectra[1:]
        self._spectrum.measure(self._limit, self._spectra[2])
        before, here, after = self._spectra
        np.multiply(before + after, _BESIDE, out=self._prior)
        self._prior += here * _HERE


class Sparsity:
    """How well a frame length suits a sound: how few coefficients hold its energy.

    The ℓ1 norm of the spectra over their ℓ2 norm, at a quarter of the work of an
    analysis with overlap 75 % (the ratio does not need it), forgotten slowly.

    Args:
        window: frame length in samples, a size of ``simd_fft.RADICES``.
        hop: block length in samples.
        memory_samples: time constant.
    """

    def __init__(self, window: int, hop: int, memory_samples: float) -> None:
        self._spectrum = Spectrum(window)
        self._window = sine_window(window)
        self._buffer = np.zeros(window + hop, np.float32)
        self._frame = np.zeros(window, np.float32)
        self._power = np.zeros(window, np.float32)
        self._forget = float(np.exp(-window / memory_samples))
        self._held = 0
        self._magnitudes = self._energy = self._count = 0.0

    def measure(self, block: Samples) -> float:
        """Takes ``(hop,)`` float32 in; the ratio so far, 0 (one coefficient) to 1.

        1 as long as there was silence alone.
        """
        window = len(self._window)
        self._buffer[self._held : self._held + len(block)] = block
        self._held += len(block)
        while self._held >= window:
            np.multiply(self._buffer[:window], self._window, out=self._frame)
            magnitudes, energy = self._spectrum.measure(self._frame, self._power)
            self._magnitudes = self._forget * self._magnitudes + magnitudes
            self._energy = self._forget * self._energy + energy
            self._count = self._forget * self._count + window
            self._held -= window
            self._buffer[: self._held] = self._buffer[window : window + self._held]
        if self._energy <= 0:
            return 1.0
        return float(self._magnitudes / np.sqrt(self._energy * self._count))

    def reset(self) -> None:
        """Forgets all audio."""
        self._held = 0
        self._magnitudes = self._energy = self._count = 0.0
