"""STOI and ESTOI: intelligibility, by the library ``pystoi`` (``speech-metrics``).

Taal et al., IEEE TASLP 2011, doi:10.1109/TASL.2011.2114881; Jensen and Taal, IEEE/ACM
TASLP 2016, doi:10.1109/TASLP.2016.2585878.
"""

import warnings
from typing import Any

from numpy.typing import NDArray

from rtdeclip.errors import InputError, MissingExtraError
from rtdeclip.metrics._check import as_mono_pair


def stoi(reference: NDArray[Any], test: NDArray[Any], sample_rate: int) -> float:
    """Short-time objective intelligibility, about 0 to 1.

    Args:
        reference: ``(n_samples,)``.
        test: ``(n_samples,)``.
        sample_rate: Hz; the library resamples to 10 kHz.

    Raises:
        InputError: lengths differ, several channels, silent, not finite, or less than
            0.4 s of speech.
        MissingExtraError: the library is not installed.
    """
    return _score(reference, test, sample_rate, extended=False)


def estoi(reference: NDArray[Any], test: NDArray[Any], sample_rate: int) -> float:
    """Extended STOI, about 0 to 1; also right for noise that comes and goes.

    Args:
        reference: ``(n_samples,)``.
        test: ``(n_samples,)``.
        sample_rate: Hz; the library resamples to 10 kHz.

    Raises:
        InputError: lengths differ, several channels, silent, not finite, or less than
            0.4 s of speech.
        MissingExtraError: the library is not installed.
    """
    return _score(reference, test, sample_rate, extended=True)


def _score(
    reference: NDArray[Any], test: NDArray[Any], sample_rate: int, extended: bool
) -> float:
    x, z = as_mono_pair(reference, test)
    # The library answers 0 or 1e-5 where it should say that it cannot answer.
    if not x.any() or not z.any():
        raise InputError("STOI of silence is undefined; give speech.")
    try:
        from pystoi import stoi as library
    except ImportError as error:
        raise MissingExtraError(
            "STOI needs the package pystoi, which is not installed: "
            "pip install 'rtdeclip[speech-metrics]'"
        ) from error
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Not enough STFT frames")
        try:
            return float(library(x, z, sample_rate, extended=extended))
        except RuntimeWarning as error:
            raise InputError(
                "STOI needs at least 0.4 s of sound that is not silence; the audio has "
                "less: give a longer piece."
            ) from error
