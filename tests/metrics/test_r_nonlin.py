"""R_nonlin (an approximation): its ends, its order, its indifference to filters."""

import numpy as np
import pytest
from numpy.typing import NDArray

from rtdeclip.distortion import clip_to_sdr
from rtdeclip.errors import InputError
from rtdeclip.metrics.r_nonlin import r_nonlin

RATE = 44_100


def music(n: int = RATE // 2) -> NDArray[np.float64]:
    rng = np.random.default_rng(5)
    t = np.arange(n) / RATE
    x = sum(np.sin(2 * np.pi * (147 * k * t + rng.random())) / k for k in range(1, 40))
    return 0.2 * np.asarray(x) + rng.normal(0, 0.002, n)


X = music()


def test_identical_sound_scores_one() -> None:
    assert r_nonlin(X, X, RATE) == 1.0


def test_the_score_rises_with_the_input_sdr() -> None:
    scores = [r_nonlin(X, clip_to_sdr(X, sdr).audio, RATE) for sdr in (1, 5, 10, 20)]
    assert all(np.diff(scores) > 0)
    assert 0 < scores[0] < 0.7 < 0.85 < scores[-1] < 1


def test_gain_and_a_small_delay_are_not_nonlinear() -> None:
    assert r_nonlin(X, 0.3 * X, RATE) == pytest.approx(1.0)
    assert r_nonlin(X, np.roll(X, 20), RATE) > 0.95


def test_unrelated_noise_has_little_in_common() -> None:
    noise = np.random.default_rng(9).normal(0, 0.1, len(X))
    assert r_nonlin(X, noise, RATE) < 0.7


def test_silent_stretches_do_not_count() -> None:
    y = np.clip(X, -0.1, 0.1)
    quiet = np.zeros(30 * 1323)
    with_silence = r_nonlin(np.append(X, quiet), np.append(y, quiet), RATE)
    assert with_silence == pytest.approx(r_nonlin(X, y, RATE), abs=0.03)


def test_unusable_sound_is_refused() -> None:
    for x, rate in ((np.zeros(RATE), RATE), (X[:1000], RATE), (X, 4000)):
        with pytest.raises(InputError):
            r_nonlin(x, x, rate)
