"""A frame method as a streaming processor: windows, overlap, add.

The weights of all frames over one sample sum to one for any pair of windows whose
summed product is positive at every hop position, so what the kernel leaves alone is
reconstructed (up to rounding; the host then puts reliable samples back bit-exact).
"""

from typing import Protocol

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rtdeclip.errors import SettingError
from rtdeclip.stream.clip import Clip
from rtdeclip.types import Samples, Signs


class FrameKernel(Protocol):
    """Restores one analysis-windowed frame.

    Attributes:
        window: frame length in samples.
    """

    window: int

    def restore(
        self, frame: Samples, sign: Signs, bound: Samples, out: Samples
    ) -> None:
        """Restores ``frame`` into ``out``.

        Args:
            frame: ``(window,)`` float32, already multiplied by the analysis window.
            sign: ``(window,)`` int8, 0 reliable, ±1 clipped.
            bound: ``(window,)`` float32, windowed magnitude ``sign · x`` must reach.
            out: ``(window,)`` float32, filled in place, windowed like ``frame``.
        """
        ...


def sine_window(window: int) -> Samples:
    """``(window,)`` float32 sine (square root of a periodic Hann) window."""
    return np.sin(np.pi * (np.arange(window) + 0.5) / window).astype(np.float32)


def _push(
    frame_y: NDArray[np.float32],
    frame_sign: NDArray[np.int8],
    frame_bound: NDArray[np.float32],
    block: NDArray[np.float32],
    sign: NDArray[np.int8],
    bound: NDArray[np.float32],
    analysis: NDArray[np.float32],
    windowed: NDArray[np.float32],
    windowed_bound: NDArray[np.float32],
) -> int:
    """Shifts a block into the frame, windows it; returns the frame's clipped count."""
    window, hop = len(frame_y), len(block)
    keep = window - hop
    clipped = 0
    for i in range(keep):
        frame_y[i] = frame_y[i + hop]
        frame_sign[i] = frame_sign[i + hop]
        frame_bound[i] = frame_bound[i + hop]
    for i in range(hop):
        frame_y[keep + i] = block[i]
        frame_sign[keep + i] = sign[i]
        frame_bound[keep + i] = bound[i]
    for i in range(window):
        windowed[i] = frame_y[i] * analysis[i]
        windowed_bound[i] = frame_bound[i] * analysis[i]
        clipped += frame_sign[i] != 0
    return clipped


def _pop(
    total: NDArray[np.float32],
    frame: NDArray[np.float32],
    weight: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Adds the weighted frame, hands out its first hop, shifts the rest."""
    window, hop = len(total), len(out)
    for i in range(window):
        total[i] += frame[i] * weight[i]
    for i in range(hop):
        out[i] = total[i]
    for i in range(window - hop):
        total[i] = total[i + hop]
    for i in range(window - hop, window):
        total[i] = 0.0


_push_jit = njit(nogil=True, cache=True)(_push)
_pop_jit = njit(nogil=True, cache=True)(_pop)


class OverlapAdd:
    """A ``Processor`` around a frame kernel.

    Frames without clipped samples never reach the kernel. Latency: window − hop.

    Args:
        kernel: the frame method.
        hop: samples between frames; must divide the window.
        analysis: ``(window,)`` float32 window before the kernel.
        synthesis: ``(window,)`` float32 window after it; the summed products of both
            over all overlapping frames are divided out.

    Raises:
        SettingError: the hop does not divide the window, or the windows leave a
            position without weight.
    """

    def __init__(
        self, kernel: FrameKernel, hop: int, analysis: Samples, synthesis: Samples
    ) -> None:
        window = kernel.window
        if hop < 1 or window % hop:
            raise SettingError(
                f"hop {hop} does not divide the window of {window} samples; "
                f"choose {window // 4} (75 % overlap) or {window // 2}."
            )
        self.hop = hop
        self.latency_samples = window - hop
        self._kernel = kernel
        self._analysis = np.ascontiguousarray(analysis, np.float32)
        self._weight = _weights(self._analysis, synthesis, hop)
        self._y = np.zeros(window, np.float32)
        self._sign = np.zeros(window, np.int8)
        self._bound = np.zeros(window, np.float32)
        self._frame = np.zeros(window, np.float32)
        self._frame_bound = np.zeros(window, np.float32)
        self._restored = np.zeros(window, np.float32)
        self._total = np.zeros(window, np.float32)
        self._out = np.zeros(hop, np.float32)
        self.process(np.zeros(hop, np.float32), Clip(hop))  # compiles, off the audio

    def process(self, block: Samples, clip: Clip) -> Samples:
        """The block restored ``latency_samples`` ago; see ``Processor.process``."""
        clipped = _push_jit(
            self._y,
            self._sign,
            self._bound,
            block,
            clip.sign,
            clip.bound,
            self._analysis,
            self._frame,
            self._frame_bound,
        )
        frame = self._frame
        if clipped:
            frame = self._restored
            self._kernel.restore(self._frame, self._sign, self._frame_bound, frame)
        _pop_jit(self._total, frame, self._weight, self._out)
        return self._out

    def reset(self) -> None:
        """Forgets all audio."""
        for state in (self._y, self._sign, self._bound, self._total):
            state.fill(0)


def _weights(analysis: Samples, synthesis: Samples, hop: int) -> Samples:
    """The synthesis window divided by the overlapped product of both windows."""
    product = analysis.astype(np.float64) * synthesis
    total = product.reshape(-1, hop).sum(axis=0)
    if np.any(total <= 1e-9):
        raise SettingError(
            "these windows leave samples without weight at this hop; "
            "use a smaller hop or wider windows."
        )
    return (synthesis / np.tile(total, len(product) // hop)).astype(np.float32)
