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
from rtdeclip.metrics.sdr import delta_sdr_db, sdr_clipped_db, sdr_db, si_sdr_db
from rtdeclip.metrics.segmental import segmental_snr_db
from rtdeclip.metrics.spectral import spectral_convergence, spectral_convergence_db

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
        names: of ``FAMILIES``.

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
    for name in names:
        family = FAMILIES[name]
        try:
            found = family.compute(pair)
        except InputError as error:
            found = dict.fromkeys(family.keys, math.nan)
            reasons |= dict.fromkeys(family.keys, str(error))
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
        if name not in FAMILIES:
            raise SettingError(
                f"There is no metric {name!r}; choose from: {', '.join(FAMILIES)}."
            )


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


def _of_basic(key: str) -> "Family":
    return Family((key,), lambda pair: {key: basic(pair)[key]})


def _mean(key: str, compute: Callable[[Any, Any, int], float]) -> "Family":
    """A family of one key whose metric takes one channel: mean over channels."""

    def over_channels(pair: Pair) -> Scores:
        columns = zip(pair.reference.T, pair.test.T, strict=True)
        return {
            key: float(np.mean([compute(x, z, pair.sample_rate) for x, z in columns]))
        }

    return Family((key,), over_channels)


def _rmse_missing(pair: Pair) -> Scores:
    if pair.clipped is None:
        return {"rmse_missing": math.nan}
    lost = clipped_mask(pair.clipped)
    return {"rmse_missing": rmse_missing(pair.reference, pair.test, lost)}


@dataclass(frozen=True, slots=True)
class Family:
    """The keys a metric's name gives, and how to get them."""

    keys: tuple[str, ...]
    compute: Callable[[Pair], Scores]


NEEDS_CLIPPED = ("delta_sdr_db", "sdr_clipped_db", "rmse_missing")
FAMILIES: dict[str, Family] = {
    "mse": _of_basic("mse"),
    "sdr": _of_basic("sdr_db"),
    "delta_sdr": _of_basic("delta_sdr_db"),
    "sdr_clipped": _of_basic("sdr_clipped_db"),
    "si_sdr": _of_basic("si_sdr_db"),
    "rmse_missing": Family(("rmse_missing",), _rmse_missing),
    "spectral_convergence": _mean(
        "spectral_convergence", lambda x, z, _: spectral_convergence(x, z)
    ),
    "spectral_convergence_db": _mean(
        "spectral_convergence_db", lambda x, z, _: spectral_convergence_db(x, z)
    ),
    "segsnr": _mean("segsnr_db", segmental_snr_db),
}
