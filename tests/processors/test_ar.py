import numpy as np
import pytest

from rtdeclip.processors import ar, rbar
from rtdeclip.processors.autoregressive import (
    BLOCK,
    autocorrelate,
    fill,
    lag_sums,
    levinson,
)
from rtdeclip.stream.clip import Plateau
from rtdeclip.stream.levels import LevelSchedule, Segment
from rtdeclip.stream.offline import restore
from rtdeclip.stream.processor import Method, Value
from rtdeclip.testing import check_processor
from rtdeclip.types import Samples

RATE = 16000


def harmonic(n: int = 8000) -> Samples:
    """Three decaying, slightly inharmonic partials: a plucked string."""
    t = np.arange(n) / RATE
    x = sum(
        np.sin(2 * np.pi * 220 * k * (1 + 0.0005 * k * k) * t + k) * np.exp(-2 * k * t)
        for k in (1, 2, 3)
    )
    return np.asarray(x / np.abs(x).max(), np.float32)


def gain_db(x: Samples, level: float, method: Method, **settings: Value) -> float:
    plateau = Plateau.digital(level)
    levels = [LevelSchedule((Segment(0, len(x), plateau, plateau),))]
    y = np.clip(x, -np.float32(level), np.float32(level))[:, None]
    out = restore(y, RATE, method, levels, settings)[: len(x)]
    before = np.sum((x[:, None].astype(np.float64) - y) ** 2)
    after = np.sum((x[:, None].astype(np.float64) - out) ** 2)
    return float(10 * np.log10(before / after))


def test_the_predictor_solves_the_normal_equations() -> None:
    rng = np.random.default_rng(1)
    x = np.convolve(rng.standard_normal(400), [1, 0.9, 0.5], "same")
    p = 12
    r, a = np.zeros(p + 1), np.zeros(p + 1)
    autocorrelate(x, 400, p, r)
    levinson(r, p, a, np.zeros(p + 1))
    assert np.allclose(r, [np.dot(x[: 400 - k], x[k:]) for k in range(p + 1)])
    matrix = r[np.abs(np.subtract.outer(np.arange(p), np.arange(p)))]
    assert a[0] == 1.0
    assert np.allclose(a[1:], np.linalg.solve(matrix, -r[1:]), atol=1e-6)


@pytest.mark.parametrize("pull", [0.0, 0.3])
def test_the_fill_agrees_with_dense_least_squares(pull: float) -> None:
    rng = np.random.default_rng(2)
    n, p = 160, 7
    x, a = rng.standard_normal(n), rng.standard_normal(p + 1)
    a[0] = 1.0
    u = np.sort(rng.choice(np.arange(2, n), 61, replace=False)).astype(np.int64)
    m = len(u)
    target, weight = rng.standard_normal(m), np.full(m, pull)
    sums = np.zeros((p + 1, p + 2))
    lag_sums(a, p, sums)
    rows = np.zeros((n - p, n))
    for i in range(p, n):
        rows[i - p, i - p : i + 1] = a[::-1]
    known = np.setdiff1d(np.arange(n), u)
    dense = np.vstack([rows[:, u], np.sqrt(pull) * np.eye(m)])
    right = np.concatenate([-rows[:, known] @ x[known], np.sqrt(pull) * target])
    expected = np.linalg.lstsq(dense, right, rcond=None)[0]
    scratch = np.zeros((m, p + 1 + BLOCK))
    fill(x, n, u, m, a, p, sums, target, weight, scratch, np.zeros(n), np.zeros(m))
    assert np.allclose(x[u], expected, atol=1e-5)


@pytest.mark.parametrize("method", [ar.METHOD, rbar.METHOD], ids=["ar", "rbar"])
def test_they_keep_the_contract(method: Method) -> None:
    small: dict[str, Value] = {"order": 16} if method is ar.METHOD else {}
    check_processor(method, 16000, 2, **small)


@pytest.mark.parametrize(
    ("level", "least_db"), [(0.3, 12.0), (0.6, 25.0)], ids=["heavy", "light"]
)
def test_ar_restores_a_plucked_string(level: float, least_db: float) -> None:
    assert gain_db(harmonic(), level, ar.METHOD, order=32) >= least_db


@pytest.mark.parametrize(("level", "least_db"), [(0.3, 4.0), (0.6, 8.0)])
def test_rbar_rounds_a_plucked_string(level: float, least_db: float) -> None:
    assert gain_db(harmonic(), level, rbar.METHOD) >= least_db


def test_ar_improves_with_look_ahead_and_passes() -> None:
    x = harmonic()
    few = gain_db(x, 0.5, ar.METHOD, order=32, look_ahead=2.0)
    more = gain_db(x, 0.5, ar.METHOD, order=32, look_ahead=16.0)
    twice = gain_db(x, 0.5, ar.METHOD, order=32, look_ahead=16.0, passes=3)
    assert few < more < twice


def test_a_strong_pull_keeps_rbar_at_the_plateau() -> None:
    x = harmonic()
    assert gain_db(x, 0.5, rbar.METHOD, strength=1e6) < 0.5
    assert gain_db(x, 0.5, rbar.METHOD, strength=1e6) >= 0.0


def test_latency_is_the_look_ahead() -> None:
    assert ar.METHOD.build(48000).latency_samples == 768
    assert rbar.METHOD.build(48000, look_ahead=2.0).latency_samples == 96
