"""MSE, RMSE, the SDR family, spectral convergence, segmental SNR."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from rtdeclip.errors import InputError, SettingError
from rtdeclip.metrics.error import mse, rmse_missing
from rtdeclip.metrics.sdr import (
    delta_sdr_db,
    mean_delta_sdr_db,
    pooled_delta_sdr_db,
    sdr_clipped_db,
    sdr_db,
    si_sdr_db,
)
from rtdeclip.metrics.segmental import segmental_snr_db
from rtdeclip.metrics.spectral import spectral_convergence, spectral_convergence_db

Array = NDArray[np.float64]
Score = Callable[[Array, Array], float]

RNG = np.random.default_rng(7)
X = RNG.normal(0, 0.2, 8000)
Y = np.clip(X, -0.2, 0.2)
Z = 0.5 * (X + Y)


def test_halving_the_error_gives_six_decibels() -> None:
    assert delta_sdr_db(X, Y, Z) == pytest.approx(20 * math.log10(2))


def test_sdr_on_clipped_samples_gains_as_much_when_the_rest_is_exact() -> None:
    mask = X != Y
    gain = sdr_clipped_db(X, Z, mask) - sdr_clipped_db(X, Y, mask)
    assert gain == pytest.approx(delta_sdr_db(X, Y, Z))
    assert sdr_clipped_db(X, Y, mask) < sdr_db(X, Y)


def test_a_mask_of_signs_is_a_mask() -> None:
    signs = np.sign(X) * (X != Y)
    assert sdr_clipped_db(X, Y, signs) == sdr_clipped_db(X, Y, X != Y)


def test_no_error_is_infinite_and_no_signal_is_undefined() -> None:
    silence = np.zeros(100)
    assert sdr_db(X, X) == math.inf
    assert si_sdr_db(X, X) == math.inf
    assert math.isnan(sdr_db(silence, silence))
    assert math.isnan(si_sdr_db(silence, X[:100]))
    assert math.isnan(si_sdr_db(X[:100], silence))
    assert math.isnan(sdr_clipped_db(X, Y, np.zeros(X.shape, bool)))
    assert math.isnan(rmse_missing(X, Y, np.zeros(X.shape, bool)))
    assert math.isnan(delta_sdr_db(X, X, X))
    assert math.isnan(spectral_convergence(silence, silence))
    assert math.isnan(spectral_convergence_db(silence, silence))


def test_si_sdr_ignores_the_scale_but_not_the_mean() -> None:
    assert si_sdr_db(X, 0.1 * Y) == pytest.approx(si_sdr_db(X, Y))
    assert si_sdr_db(X, Y + 0.5) < si_sdr_db(X, Y) - 10


def test_si_sdr_equals_its_formula() -> None:
    a = (Y @ X) / (X @ X)
    expected = 10 * np.log10(((a * X) ** 2).sum() / ((a * X - Y) ** 2).sum())
    assert si_sdr_db(X, Y) == pytest.approx(expected)


def test_the_mean_counts_files_and_the_pool_counts_energy() -> None:
    loud, quiet = (X, Y, Z), (0.01 * X, 0.01 * Y, 0.01 * Y)
    six = 20 * math.log10(2)
    assert mean_delta_sdr_db([loud, quiet]) == pytest.approx(six / 2)
    assert pooled_delta_sdr_db([loud, quiet]) == pytest.approx(six, abs=0.01)
    assert math.isnan(mean_delta_sdr_db([]))
    assert math.isnan(pooled_delta_sdr_db([]))


def test_rmse_counts_missing_samples_only() -> None:
    x, z = np.array([0.0, 1.0, 1.0]), np.array([9.0, 0.5, 1.5])
    assert rmse_missing(x, z, np.array([False, True, True])) == 0.5
    assert mse(x, z) == pytest.approx((81 + 0.25 + 0.25) / 3)


def test_spectral_convergence_of_half_the_level_is_a_half() -> None:
    assert spectral_convergence(X, 0.5 * X) == pytest.approx(0.5)
    assert spectral_convergence(X, X) == 0.0
    assert spectral_convergence_db(X, 0.5 * X) == pytest.approx(0.0, abs=1e-9)


def test_spectral_convergence_equals_a_plain_stft() -> None:
    window = np.hanning(257)[:-1]

    def magnitude(x: np.ndarray) -> np.ndarray:
        padded = np.pad(x, 128)
        return np.array(
            [
                np.abs(np.fft.rfft(padded[n : n + 256] * window))
                for n in range(0, len(padded) - 255, 64)
            ]
        )

    a, b = magnitude(X), magnitude(Y)
    expected = np.linalg.norm(a - b) / np.linalg.norm(a)
    assert spectral_convergence(X, Y, 256, 64) == pytest.approx(expected)


def test_spectral_convergence_does_not_depend_on_how_frames_are_grouped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = spectral_convergence_db(X, Y, 256, 64)
    monkeypatch.setattr("rtdeclip.metrics.spectral.FRAMES_AT_ONCE", 7)
    assert spectral_convergence_db(X, Y, 256, 64) == pytest.approx(whole)


def test_segmental_snr_of_a_constant_ratio_is_that_ratio() -> None:
    assert segmental_snr_db(X, 0.9 * X, 16_000) == pytest.approx(20.0, abs=1e-6)


def test_segmental_snr_is_held_in_range() -> None:
    assert segmental_snr_db(X, X, 16_000) == 35.0
    assert segmental_snr_db(X, 100 * X, 16_000) == -10.0
    assert math.isnan(segmental_snr_db(X[:100], X[:100], 16_000))


@pytest.mark.parametrize(
    "score", [mse, sdr_db, si_sdr_db, spectral_convergence, spectral_convergence_db]
)
@pytest.mark.parametrize(
    ("x", "z"),
    [
        (X, X[:-1]),
        (np.zeros(0), np.zeros(0)),
        (X, np.where(np.arange(8000) == 5, np.nan, X)),
        (np.where(np.arange(8000) == 5, np.inf, X), X),
        (np.zeros((2, 2, 2)), np.zeros((2, 2, 2))),
    ],
)
def test_unusable_signals_are_refused(score: Score, x: Array, z: Array) -> None:
    with pytest.raises(InputError):
        score(x, z)


def test_a_mask_of_another_shape_is_refused() -> None:
    with pytest.raises(InputError, match="mask"):
        sdr_clipped_db(X, Y, np.ones(3, bool))


def test_stereo_is_pooled_or_refused() -> None:
    stereo = np.stack([X, Y], axis=1)
    assert sdr_db(stereo, stereo * 0.9) == pytest.approx(20.0)
    with pytest.raises(InputError, match="channels"):
        spectral_convergence(stereo, stereo)


def test_a_window_that_is_none_is_refused() -> None:
    for window, hop in ((0, 1), (255, 64), (256, 0), (256, 257)):
        with pytest.raises(SettingError):
            spectral_convergence(X, Y, window, hop)
