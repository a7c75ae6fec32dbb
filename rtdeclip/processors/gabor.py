"""Frames and segments: what whole-signal methods share; see also ``gabor_kernel``."""

from collections.abc import Callable
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from rtdeclip.types import Samples, Signs

Scalar = TypeVar("Scalar", bound=np.generic)


class Restore(Protocol):
    """Restores one stretch of one channel; see ``by_segments``."""

    def __call__(self, y: Samples, sign: Signs, bound: Samples) -> Samples:
        """All ``(n,)``; returns ``(n,)`` float32."""
        ...


def hann(window: int) -> Samples:
    """``(window,)`` float32 periodic Hann window."""
    return np.asarray(
        0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window), np.float32
    )


def window_by_duration(sample_rate: int, duration_ms: float) -> int:
    """The power of two nearest to ``duration_ms`` (in octaves), in samples.

    Example:
        >>> [window_by_duration(rate, 170.0) for rate in (8000, 16000, 44100, 48000)]
        [1024, 2048, 8192, 8192]
    """
    return 1 << max(round(float(np.log2(duration_ms * 1e-3 * sample_rate))), 4)


def frame_count(n: int, window: int, hop: int) -> int:
    """How many frames ``cut`` makes of n samples."""
    return -(-(n + window - hop) // hop)


def cut(x: NDArray[Scalar], window: int, hop: int) -> NDArray[Scalar]:
    """Overlapping frames; zeros around ``x`` put every sample into window/hop of them.

    Returns:
        ``(n_frames, window)``, a read-only view of one padded copy.
    """
    frames = frame_count(len(x), window, hop)
    lead = window - hop
    padded = np.zeros((frames - 1) * hop + window, x.dtype)
    padded[lead : lead + len(x)] = x
    return np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]


def overlap_add(frames: Samples, n: int, hop: int) -> Samples:
    """The sum of frames made by ``cut``, the zeros around taken off: ``(n,)``."""
    n_frames, window = frames.shape
    rows = -(-window // hop)
    padded = np.zeros((n_frames + rows - 1, hop), frames.dtype)
    for r in range(rows):
        part = frames[:, r * hop : (r + 1) * hop]
        padded[r : r + n_frames, : part.shape[1]] += part
    lead = window - hop
    return padded.reshape(-1)[lead : lead + n]


def project(x: Samples, y: Samples, sign: Signs, bound: Samples) -> Samples:
    """Π_Γ: reliable samples from ``y``, clipped ones at or beyond their bound."""
    return np.where(sign == 0, y, sign * np.maximum(sign * x, bound))


def by_segments(
    y: Samples,
    sign: Signs,
    bound: Samples,
    restore: Restore,
    length: int,
    overlap: int,
) -> Samples:
    """Restores each channel stretch by stretch, so that memory stays bounded.

    Stretches without clipped samples are left alone; neighbours are crossfaded.

    Args:
        y: ``(n, n_channels)`` float32, as are ``sign`` and ``bound``.
        restore: what is done to one stretch of one channel.
        length: samples of a stretch, > 2 · overlap.
        overlap: samples shared by neighbours.
    """
    out = y.astype(np.float32, copy=True)
    step = length - overlap
    for c in range(y.shape[1]):
        for start in range(0, max(len(y) - overlap, 1), step):
            at = slice(start, min(start + length, len(y)))
            if not sign[at, c].any():
                continue
            part = restore(
                np.ascontiguousarray(y[at, c]),
                np.ascontiguousarray(sign[at, c]),
                np.ascontiguousarray(bound[at, c]),
            )
            fade = np.ones(len(part), np.float32)
            if start:
                n = min(overlap, len(part))
                fade[:n] = (np.arange(n, dtype=np.float32) + 0.5) / n
            out[at, c] += fade * (part - out[at, c])
    return out


class FrameRestorer:
    """A ``Restorer`` that treats overlapping frames of a channel in batches.

    Args:
        window: samples of a frame.
        hop: samples between frames, a divisor of the window.
        analysis: ``(window,)`` window before the method.
        synthesis: ``(window,)`` window after it; what both add up to is divided out.
        restore: ``(frames, signs, bounds) → frames``, all ``(n_frames, window)``; the
            bounds are windowed like the frames. Only frames with clipped samples come.
        batch: most frames handed over at once; 0 hands over all.
    """

    def __init__(
        self,
        window: int,
        hop: int,
        analysis: Samples,
        synthesis: Samples,
        restore: Callable[[Samples, Signs, Samples], Samples],
        batch: int = 64,
    ) -> None:
        self._window, self._hop, self._batch = window, hop, batch
        self._analysis, self._synthesis = analysis, synthesis
        self._restore = restore

    def restore(
        self, y: Samples, sign: Signs, bound: Samples, sample_rate: int
    ) -> Samples:
        """See ``Restorer.restore``."""
        out = y.astype(np.float32, copy=True)
        for c in range(y.shape[1]):
            if sign[:, c].any():
                out[:, c] = self._channel(y[:, c], sign[:, c], bound[:, c])
        return out

    def _channel(self, y: Samples, sign: Signs, bound: Samples) -> Samples:
        window, hop = self._window, self._hop
        frames = cut(y, window, hop) * self._analysis
        signs = cut(sign, window, hop)
        bounds = cut(bound, window, hop)
        busy = np.flatnonzero(signs.any(axis=1))
        size = self._batch or len(busy)
        for at in range(0, len(busy), size):
            rows = busy[at : at + size]
            frames[rows] = self._restore(
                frames[rows], signs[rows], bounds[rows] * self._analysis
            )
        frames *= self._synthesis
        weight = np.tile(self._analysis * self._synthesis, (len(frames), 1))
        total = overlap_add(weight, len(y), hop)
        return overlap_add(frames, len(y), hop) / total
