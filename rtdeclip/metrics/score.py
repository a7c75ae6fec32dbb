"""Any of the metrics by name, for one file: what `score` and the benchmarks call.

A metric's name stands for a family and gives one or more keys (``peaq`` gives
``peaq_odg``, ``peaq_di`` and ``peaq_5grade``). Metrics of one channel are averaged over
channels. Heavy modules are imported when their family is asked for.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtdeclip.errors import InputError, SettingError
from rtdeclip.metrics.clipped_mask import clipped_mask
from rtdeclip.metrics.error import mse, rmse_missing
from rtdeclip.metrics.llr import llr
from rtdeclip.metrics.peaq import peaq
from rtdeclip.metrics.pesq import pesq
from rtdeclip.metrics.r_nonlin import r_nonlin
from rtdeclip.metrics.resample import to_rate
from rtdeclip.metrics.sdr import delta_sdr_db, sdr_clipped_db, sdr_db, si_sdr_db
from rtdeclip.metrics.segmental import segmental_snr_db
from rtdeclip.metrics.spectral import spectral_convergence, spectral_convergence_db
from rtdeclip.metrics.stoi import estoi, stoi

Scores = dict[str, float]
BASIC_KEYS = ("mse", "sdr_db", "delta_sdr_db", "sdr_clipped_db", "si_sdr_db")


@dataclass(frozen=True, slots=True)
class Pair:
    """One file to score.

    Attributes:
        reference: x clean, ``(n_samples, n_channels)``, full scale ±1.
        test: z, same shape.
        sample_rate: Hz.
        clipped: y, same shape, or None where it is not known.
    """

    reference: NDArray[Any]
    test: NDArray[Any]
    sample_rate: int
    clipped: NDArray[Any] | None = None


def basic(pair: Pair) -> Scores:
    """The five keys of ``BASIC_KEYS``; NaN where undefined or no clipped file is given.

    Raises:
        InputError: shapes differ, or a signal is empty or not finite.
    """
    x, z, y = pair.reference, pair.test, pair.clipped
    return {
        "mse": mse(x, z),
        "sdr_db": sdr_db(x, z),
        "delta_sdr_db": math.nan if y is None else delta_sdr_db(x, y, z),
        "sdr_clipped_db": (
            math.nan if y is None else sdr_clipped_db(x, z, clipped_mask(y))
        ),
        "si_sdr_db": si_sdr_db(x, z),
    }


def score(pair: Pair, names: list[str]) -> tuple[Scores, dict[str, str]]:
    """The metrics named, and for each value that is not a finite number, the reason.

    Args:
        pair: the file.
        names: of ``FAMILIES``; those of ``OUTSIDE`` are left to the caller.

    Returns:
        Values by key (NaN or ±inf where undefined), reasons by key.

    Raises:
        InputError: shapes differ, or a signal is empty or not finite.
        MissingExtraError: a metric's library is not installed.
        SettingError: an unknown name.
    """
    check_names(names)
    values = basic(pair)
    reasons: dict[str, str] = {}
    for part in (part for name in names for part in FAMILIES.get(name, ())):
        try:
            found = part.compute(pair)
        except InputError as error:
            found = dict.fromkeys(part.keys, math.nan)
            reasons |= dict.fromkeys(part.keys, str(error))
        values |= found
    for key, value in values.items():
        if not math.isfinite(value):
            reasons.setdefault(key, _reason(key, value, pair))
    return values, reasons


def check_names(names: list[str]) -> None:
    """Nothing, if all are known.

    Raises:
        SettingError: an unknown name; the message lists the known ones.
    """
    for name in names:
        if name not in FAMILIES and name not in OUTSIDE:
            known = ", ".join([*FAMILIES, *OUTSIDE])
            raise SettingError(f"There is no metric {name!r}; choose from: {known}.")


def keys_of(name: str) -> tuple[str, ...]:
    """The keys that the metric ``name`` gives."""
    if name in OUTSIDE:
        return (OUTSIDE[name],)
    return tuple(key for part in FAMILIES[name] for key in part.keys)


def _reason(key: str, value: float, pair: Pair) -> str:
    if math.isinf(value):
        return "infinite: no error at all" if value > 0 else "nothing of the reference"
    if pair.clipped is None and key in NEEDS_CLIPPED:
        return "no clipped file given"
    if not np.any(pair.reference):
        return "the reference is silent"
    if not np.any(pair.test):
        return "the test is silent"
    if key in NEEDS_CLIPPED:
        return "no clipped samples, or no error to begin with"
    return "the signal is too short"


@dataclass(frozen=True, slots=True)
class Part:
    """Keys that are computed together, and how."""

    keys: tuple[str, ...]
    compute: Callable[[Pair], Scores]


def _of_basic(key: str) -> Part:
    return Part((key,), lambda pair: {key: basic(pair)[key]})


def _rmse_missing(pair: Pair) -> Scores:
    if pair.clipped is None:
        return {"rmse_missing": math.nan}
    lost = clipped_mask(pair.clipped)
    return {"rmse_missing": rmse_missing(pair.reference, pair.test, lost)}


def _mean(
    key: str, compute: Callable[[Any, Any, int], float], highest_hz: int | None = None
) -> Part:
    """Mean over channels of a metric of one channel, at ``highest_hz`` at most."""

    def over_channels(pair: Pair) -> Scores:
        rate = min(pair.sample_rate, highest_hz or pair.sample_rate)
        x, z = _resampled(pair, rate)
        return {
            key: float(
                np.mean([compute(*xz, rate) for xz in zip(x.T, z.T, strict=True)])
            )
        }

    return Part((key,), over_channels)


def _peaq(pair: Pair) -> Scores:
    found = peaq(*_resampled(pair, 48_000), 48_000)
    return {
        "peaq_odg": found.odg,
        "peaq_di": found.di,
        "peaq_5grade": found.five_grade,
    }


def _resampled(pair: Pair, rate: int) -> tuple[NDArray[Any], NDArray[Any]]:
    signals = (pair.reference, pair.test)
    x, z = (to_rate(signal, pair.sample_rate, rate) for signal in signals)
    return x, z


NEEDS_CLIPPED = ("delta_sdr_db", "sdr_clipped_db", "rmse_missing")
FAMILIES: dict[str, tuple[Part, ...]] = {
    "mse": (_of_basic("mse"),),
    "sdr": (_of_basic("sdr_db"),),
    "delta_sdr": (_of_basic("delta_sdr_db"),),
    "sdr_clipped": (_of_basic("sdr_clipped_db"),),
    "si_sdr": (_of_basic("si_sdr_db"),),
    "rmse_missing": (Part(("rmse_missing",), _rmse_missing),),
    "spectral_convergence": (
        _mean("spectral_convergence", lambda x, z, _: spectral_convergence(x, z)),
    ),
    "spectral_convergence_db": (
        _mean("spectral_convergence_db", lambda x, z, _: spectral_convergence_db(x, z)),
    ),
    "segsnr": (_mean("segsnr_db", segmental_snr_db),),
    "peaq": (Part(("peaq_odg", "peaq_di", "peaq_5grade"), _peaq),),
    "pesq": (
        _mean("pesq_wb", lambda x, z, rate: pesq(x, z, rate, "wb"), 16_000),
        _mean("pesq_nb", lambda x, z, rate: pesq(x, z, rate, "nb"), 8_000),
    ),
    "stoi": (_mean("stoi", stoi), _mean("estoi", estoi)),
    "llr": (
        _mean("llr", lambda x, z, rate: llr(x, z, rate).capped, 16_000),
        _mean("llr_composite", lambda x, z, rate: llr(x, z, rate).composite, 16_000),
    ),
    "r_nonlin": (_mean("r_nonlin", r_nonlin),),
}
# Metrics that need more than two signals (a model, a command, a set of files), and
# their keys.
OUTSIDE = {"fad": "fad", "speaker": "speaker_similarity", "wer": "wer"}
