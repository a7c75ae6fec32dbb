"""A-SPADE on whole signals: overlapping frames, restored by every core.

Frames are independent of each other and added in their order, so the result does not
depend on the number of threads. A frame without clipped samples costs nothing, and
only clipped samples change.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from rtdeclip.processors.spade_kernel import Schedule, SpadeFrame
from rtdeclip.stream.overlap_add import sine_window
from rtdeclip.types import Samples, Signs

_BATCH = 64  # frames restored before their sum is taken: bounds the memory

Progress = Callable[[float], None]
_Array: TypeAlias = NDArray[np.float32] | NDArray[np.int8]


def aspade_estimate(
    y: Samples,
    sign: Signs,
    bound: Samples,
    window: int,
    growth: float = 0.03,
    threads: int = 1,
) -> Samples:
    """One channel restored by A-SPADE with 75 % overlap and a sine window.

    Args:
        y: ``(n_samples,)`` float32, the clipped signal.
        sign: ``(n_samples,)`` int8: 0 reliable, ±1 clipped high or low.
        bound: ``(n_samples,)`` float32 magnitude that ``sign · x`` must reach.
        window: frame length in samples, a size of ``simd_fft.RADICES``.
        growth: sparsity grows by this share per iteration, 0.01 to 0.3.
        threads: how many cores to use; the result is the same for any number.

    Returns:
        ``(n_samples,)`` float32; reliable samples are those of ``y``.

    Raises:
        SettingError: no kernel has this window.
    """
    kernels = [SpadeFrame(window, Schedule(growth)) for _ in range(threads)]
    return restore_frames(y, sign, bound, kernels, window // 4)


def restore_frames(
    y: Samples,
    sign: Signs,
    bound: Samples,
    kernels: list[SpadeFrame],
    hop: int,
    progress: Progress | None = None,
) -> Samples:
    """One channel restored frame by frame, a thread for each of ``kernels``.

    Args:
        y: ``(n_samples,)`` float32.
        sign: ``(n_samples,)`` int8.
        bound: ``(n_samples,)`` float32.
        kernels: frame kernels of equal settings.
        hop: samples between frames; divides the window.
        progress: told the share that is done, 0 to 1.

    Returns:
        ``(n_samples,)`` float32.
    """
    window = kernels[0].window
    analysis = sine_window(window)
    total = np.zeros(len(y) + 2 * window, np.float32)
    weight = np.float32(1) / (analysis**2).reshape(-1, hop).sum(axis=0)
    synthesis = analysis * np.tile(weight, window // hop)
    starts = _clipped_starts(sign, window, hop)
    batch = np.zeros((_BATCH, window), np.float32)

    def work(part: int, chosen: list[int]) -> None:
        frame, limit = np.zeros(window, np.float32), np.zeros(window, np.float32)
        signs = np.zeros(window, np.int8)
        for i in range(part, len(chosen), len(kernels)):
            for target, source in ((frame, y), (limit, bound), (signs, sign)):
                _cut(source, chosen[i], target)
            frame *= analysis
            limit *= analysis
            kernels[part].restore(frame, signs, limit, batch[i])

    with ThreadPoolExecutor(len(kernels)) as pool:
        for first in range(0, len(starts), _BATCH):
            chosen = starts[first : first + _BATCH]
            jobs = [pool.submit(work, part, chosen) for part in range(len(kernels))]
            for job in jobs:
                job.result()
            for start, restored in zip(chosen, batch, strict=False):
                at = start + window
                total[at : at + window] += restored * synthesis
            if progress:
                progress(min(1.0, (first + _BATCH) / len(starts)))
    x = total[window : window + len(y)]
    held = np.maximum(x * sign, bound) * sign
    return np.where(sign == 0, y, held).astype(np.float32)


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _clipped_starts(sign: Signs, window: int, hop: int) -> list[int]:
    """First samples of the frames that hold clipped samples; the earliest < 0."""
    sums = np.concatenate([[0], np.cumsum(sign != 0)])
    starts = np.arange(hop - window, len(sign), hop)
    low = np.clip(starts, 0, len(sign))
    high = np.clip(starts + window, 0, len(sign))
    return [int(s) for s in starts[sums[high] > sums[low]]]


def _cut(source: _Array, start: int, target: _Array) -> None:
    """``target`` = the samples of ``source`` from ``start`` on, zeros outside."""
    first, last = max(start, 0), min(start + len(target), len(source))
    target[:] = 0
    target[first - start : last - start] = source[first:last]
