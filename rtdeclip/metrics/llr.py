"""Log-likelihood ratio: how far the envelope of speech is from the clean one.

Quackenbush, Barnwell and Clements, *Objective Measures of Speech Quality*, 1988;
frames, orders and limits of Loizou, *Speech Enhancement*, 2nd ed. 2013, chapter 11. Two
variants are in use and differ much on bad speech, so both are returned.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtdeclip.errors import InputError
from rtdeclip.metrics._check import Float64s, as_mono_pair
from rtdeclip.metrics.segmental import speech_frames

EPS = float(np.finfo(np.float64).eps)
CAP = 2.0
KEPT = 0.95  # the worst frames are left out


@dataclass(frozen=True, slots=True)
class Llr:
    """Mean over the best 95 % of the frames, 0 is perfect.

    Attributes:
        capped: each frame held at 2 first: the measure by itself, Kashani's tables.
        composite: not capped: the term of the composite measures CSIG and COVL.
    """

    capped: float
    composite: float


def llr(reference: NDArray[Any], test: NDArray[Any], sample_rate: int) -> Llr:
    """LLR of speech, 30 ms frames a quarter apart, linear prediction.

    The order is 10 below 10 kHz, 16 above; resample to 16 kHz what has more, since
    16 coefficients say little about a wider band.

    Args:
        reference: ``(n_samples,)``.
        test: ``(n_samples,)``.
        sample_rate: Hz.

    Raises:
        InputError: lengths differ, several channels, silent, not finite, or shorter
            than two frames (37.5 ms).
    """
    x, z = as_mono_pair(reference, test)
    clean = speech_frames(x + EPS, sample_rate)
    if not len(clean) or not x.any():
        raise InputError(
            f"The reference is silent or has only {len(x)} samples; LLR needs at "
            "least 37.5 ms of speech."
        )
    order = 10 if sample_rate < 10_000 else 16
    correlation = _autocorrelation(clean, order)
    ours = _predictor(correlation)
    theirs = _predictor(_autocorrelation(speech_frames(z + EPS, sample_rate), order))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = _residual(theirs, correlation) / _residual(ours, correlation)
    # Where prediction breaks down (digital silence) the frame says nothing bad.
    ratio = np.where(np.isfinite(ratio) & (ratio > 0.0), ratio, 1.0)
    frames = np.log(ratio)
    return Llr(_trimmed(np.minimum(frames, CAP)), _trimmed(frames))


def _trimmed(frames: Float64s) -> float:
    kept = np.sort(frames)[: max(1, round(KEPT * len(frames)))]
    return float(kept.mean())


def _autocorrelation(frames: Float64s, order: int) -> Float64s:
    """``(n_frames, order + 1)``: Σ x[n]·x[n + lag]."""
    length = frames.shape[1]
    lags = [
        np.einsum("fn,fn->f", frames[:, : length - lag], frames[:, lag:])
        for lag in range(order + 1)
    ]
    return np.stack(lags, axis=1)


def _predictor(r: Float64s) -> Float64s:
    """``(n_frames, order + 1)`` error filters, a₀ = 1, by Levinson and Durbin."""
    a = np.zeros_like(r)
    a[:, 0] = 1.0
    error = r[:, 0].copy()
    with np.errstate(divide="ignore", invalid="ignore"):
        for i in range(1, r.shape[1]):
            reflection = -np.einsum("fk,fk->f", a[:, :i], r[:, i:0:-1]) / error
            a[:, 1 : i + 1] += reflection[:, None] * a[:, i - 1 :: -1][:, :i]
            error *= 1.0 - reflection**2
    return a


def _residual(a: Float64s, r: Float64s) -> Float64s:
    """aᵀ·R·a for the Toeplitz matrix R of ``r``: the energy that a leaves of R."""
    order = r.shape[1] - 1
    own = _autocorrelation(a, order)
    return np.asarray(r[:, 0] * own[:, 0] + 2.0 * (r[:, 1:] * own[:, 1:]).sum(axis=1))
