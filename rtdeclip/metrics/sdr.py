"""Signal-to-distortion ratios in dB: whole, improvement, clipped samples, scale-free.

x clean reference, y clipped input, z restored test. All sums run over samples and
channels. +inf means no error at all; NaN means undefined: a silent reference, or no
clipped sample.
"""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtdeclip.metrics._check import as_mask, as_pair

Triple = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]


def sdr_db(reference: NDArray[Any], test: NDArray[Any]) -> float:
    """SDR(x, z) = 10·log10(Σx² / Σ(x − z)²) over all samples, dB.

    Args:
        reference: x, ``(n_samples,)`` or ``(n_samples, n_channels)``.
        test: z, same shape.

    Raises:
        InputError: shapes differ, or a signal is empty or not finite.

    >>> sdr_db(np.array([1.0, 0.0]), np.array([0.9, 0.0]))
    20.0
    """
    x, z = as_pair(reference, test)
    return ratio_db(_energy(x), _energy(x - z))


def delta_sdr_db(
    reference: NDArray[Any], clipped: NDArray[Any], test: NDArray[Any]
) -> float:
    """ΔSDR = SDR(x, z) − SDR(x, y) over all samples, dB; NaN if both are infinite.

    Raises:
        InputError: shapes differ, or a signal is empty or not finite.
    """
    return _difference(sdr_db(reference, test), sdr_db(reference, clipped))


def mean_delta_sdr_db(files: Iterable[Triple]) -> float:
    """Mean of the ΔSDR of each file: every file counts the same.

    Args:
        files: triples ``(x, y, z)``.

    Returns:
        dB; NaN without files, or where a file's ΔSDR is undefined.

    Raises:
        InputError: as ``delta_sdr_db``.
    """
    deltas = [delta_sdr_db(x, y, z) for x, y, z in files]
    return float(np.mean(deltas)) if deltas else math.nan


def pooled_delta_sdr_db(files: Iterable[Triple]) -> float:
    """ΔSDR of all files as if they were one: loud and long files count more.

    Equals 10·log10 of the ratio of the summed squared errors, before over after.

    Args:
        files: triples ``(x, y, z)``.

    Returns:
        dB; NaN without files, or without any error before and after.

    Raises:
        InputError: as ``delta_sdr_db``.
    """
    before = after = 0.0
    for reference, clipped, test in files:
        x, y = as_pair(reference, clipped)
        _, z = as_pair(reference, test)
        before += _energy(x - y)
        after += _energy(x - z)
    return ratio_db(before, after) if before > 0 else -ratio_db(after, before)


def sdr_clipped_db(
    reference: NDArray[Any], test: NDArray[Any], clipped: NDArray[Any]
) -> float:
    """SDR over the clipped samples only, dB.

    Args:
        reference: x, ``(n_samples,)`` or ``(n_samples, n_channels)``.
        test: z, same shape.
        clipped: M, same shape, true where the sample was clipped (a mask or signs).

    Raises:
        InputError: shapes differ, or a signal is empty or not finite.
    """
    x, z = as_pair(reference, test)
    lost = as_mask(clipped, x.shape)
    return ratio_db(_energy(x[lost]), _energy(x[lost] - z[lost]))


def si_sdr_db(reference: NDArray[Any], test: NDArray[Any]) -> float:
    """Scale-invariant SDR in dB; the mean is not removed (Imort et al. 2022).

    a = ⟨z, x⟩ / ⟨x, x⟩, then 10·log10(‖a·x‖² / ‖a·x − z‖²) (Le Roux et al., ICASSP
    2019, doi:10.1109/ICASSP.2019.8683855). −inf if z holds nothing of x.

    Args:
        reference: x, ``(n_samples,)`` or ``(n_samples, n_channels)``.
        test: z, same shape; a silent one is undefined (NaN).

    Raises:
        InputError: shapes differ, or a signal is empty or not finite.
    """
    x, z = as_pair(reference, test)
    if not x.any() or not z.any():
        return math.nan
    target = float(np.vdot(z, x)) / _energy(x) * x
    signal, error = _energy(target), _energy(target - z)
    return ratio_db(signal, error) if signal > 0 else -math.inf


def ratio_db(signal: float, error: float) -> float:
    """``10·log10(signal / error)``: NaN for no signal, +inf for no error."""
    if signal <= 0:
        return math.nan
    return 10.0 * math.log10(signal / error) if error > 0 else math.inf


def _difference(after: float, before: float) -> float:
    return math.nan if math.isinf(after) and math.isinf(before) else after - before


def _energy(x: NDArray[np.float64]) -> float:
    return float(np.vdot(x, x))
