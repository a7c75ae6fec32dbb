"""PESQ, ITU-T P.862 and P.862.2, by the library ``pesq`` (extra ``speech-metrics``)."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rtdeclip.errors import InputError, MissingExtraError
from rtdeclip.metrics._check import as_mono_pair

SHORTEST_S = 0.25
RATES = {"wb": (16_000,), "nb": (8_000, 16_000)}


def pesq(
    reference: NDArray[Any],
    test: NDArray[Any],
    sample_rate: int,
    band: Literal["wb", "nb"],
) -> float:
    """MOS-LQO of speech: 1.04 (bad) to 4.64 wide-band, 1.02 to 4.55 narrow-band.

    Both signals are aligned in level and time by the method itself.

    Args:
        reference: ``(n_samples,)``.
        test: ``(n_samples,)``.
        sample_rate: 16000 Hz; narrow-band also 8000 Hz.
        band: ``wb`` or ``nb``.

    Raises:
        InputError: lengths differ (the library would not say so), another rate, several
            channels, silent, not finite, shorter than 0.25 s, or no speech found.
        MissingExtraError: the library is not installed.
    """
    x, z = as_mono_pair(reference, test)
    if sample_rate not in RATES[band]:
        allowed = " or ".join(map(str, RATES[band]))
        raise InputError(
            f"PESQ {band} is defined at {allowed} Hz, the audio has {sample_rate} Hz; "
            "resample both signals first."
        )
    if len(x) < SHORTEST_S * sample_rate:
        raise InputError(
            f"PESQ needs at least {SHORTEST_S} s, the audio has "
            f"{len(x) / sample_rate:.3f} s; give a longer piece."
        )
    if not x.any() or not z.any():
        raise InputError("PESQ of silence is undefined; give speech.")
    library = _library()
    try:
        return float(
            library.pesq(sample_rate, x.astype(np.float32), z.astype(np.float32), band)
        )
    except (library.PesqError, ValueError) as error:
        raise InputError(
            f"PESQ cannot score this audio ({_text(error)}); give speech with pauses."
        ) from error


def _text(error: Exception) -> str:
    """The library raises with bytes."""
    first = error.args[0] if error.args else error
    return first.decode() if isinstance(first, bytes) else str(first)


def _library() -> Any:
    try:
        import pesq as library
    except ImportError as error:
        raise MissingExtraError(
            "PESQ needs the package pesq, which is not installed; it is built with a C "
            "compiler (apt install gcc): pip install 'rtdeclip[speech-metrics]'"
        ) from error
    return library
