"""The classical restorers: one synthetic signal, one bound in dB for each."""

from functools import cache

import numpy as np
import pytest

from rtdeclip.processors import (
    comp,
    cp_parabola,
    dl,
    iht,
    janssen,
    ss_pew,
    sspade,
)
from rtdeclip.stream.clip import Plateau
from rtdeclip.stream.levels import LevelSchedule, Segment
from rtdeclip.stream.offline import restore
from rtdeclip.stream.processor import Method, Value
from rtdeclip.types import Samples

RATE = 8000
LEVEL = 0.4

Settings = dict[str, Value]

CASES: list[tuple[Method, Settings, float]] = [
    (sspade.METHOD, {"window_ms": 64.0}, 15.0),
    (ss_pew.METHOD, {"window_ms": 64.0, "steps": 3, "inner": 200}, 10.0),
    (cp_parabola.METHOD, {"window_ms": 64.0, "iterations": 100}, 8.0),
    (janssen.METHOD, {"window_ms": 64.0, "order": 32}, 15.0),
    (iht.CONSISTENT, {"window_ms": 32.0}, 4.0),
    (dl.CONSISTENT, {"window_ms": 32.0, "rounds": 2}, 4.0),
    (comp.METHOD, {"sinusoids": 8}, 8.0),
]


@cache
def chord() -> Samples:
    """Four decaying partials and a little noise, 0.6 s."""
    rng = np.random.default_rng(5)
    t = np.arange(int(0.6 * RATE)) / RATE
    x = sum(
        np.sin(2 * np.pi * f * t + p) * np.exp(-1.5 * t)
        for f, p in zip((220, 331, 497, 880), rng.uniform(0, 6, 4), strict=True)
    )
    x = x / np.abs(x).max() + 1e-3 * rng.standard_normal(len(t))
    return np.asarray(x, np.float32)


def clipped(x: Samples, level: float = LEVEL) -> Samples:
    return np.clip(x, -np.float32(level), np.float32(level))


def run(
    y: Samples, method: Method, settings: Settings, *, raw: bool = False
) -> Samples:
    """``(n, n_channels)`` restored through the host."""
    plateau = Plateau.digital(LEVEL)
    schedule = LevelSchedule((Segment(0, len(y), plateau, plateau),))
    levels = [schedule] * y.shape[1]
    return restore(y, RATE, method, levels, settings, consistency=not raw)


def gain_db(x: Samples, y: Samples, out: Samples) -> float:
    before = np.sum((x.astype(np.float64) - y) ** 2)
    after = np.sum((x.astype(np.float64) - out) ** 2)
    return float(10 * np.log10(before / after))


@pytest.mark.parametrize(
    ("method", "settings", "least_db"), CASES, ids=[case[0].name for case in CASES]
)
def test_a_clipped_chord_is_restored(
    method: Method, settings: Settings, least_db: float
) -> None:
    x = chord()[:, None]
    y = clipped(x)
    out = run(y, method, settings)
    assert out.shape == y.shape
    assert out.dtype == np.float32
    assert gain_db(x, y, out) >= least_db


@pytest.mark.parametrize("method", [iht.METHOD, dl.METHOD], ids=["iht", "dl"])
def test_without_consistency_the_raw_output_loses_to_the_input(method: Method) -> None:
    x = chord()[:, None]
    y = clipped(x)
    rounds: Settings = {"rounds": 2} if method is dl.METHOD else {}
    assert gain_db(x, y, run(y, method, rounds, raw=True)) < 0.0


@pytest.mark.parametrize(
    ("method", "settings"), [case[:2] for case in CASES], ids=[c[0].name for c in CASES]
)
def test_channels_are_restored_alone_and_unclipped_ones_stay(
    method: Method, settings: Settings
) -> None:
    x = chord()[:2000]
    quiet = (0.3 * x).astype(np.float32)
    y = np.stack([clipped(x), quiet], axis=1)
    sign = (np.sign(y) * (np.abs(y) >= LEVEL)).astype(np.int8)
    bound = np.abs(sign) * np.float32(LEVEL)
    restorer = method.build(RATE, **settings)
    both = restorer.restore(y, sign, bound, RATE)
    alone = restorer.restore(y[:, :1], sign[:, :1], bound[:, :1], RATE)
    assert np.allclose(both[:, 1], quiet, atol=1e-6)
    assert np.array_equal(both[:, :1], alone)


@pytest.mark.parametrize(
    ("method", "settings"), [case[:2] for case in CASES], ids=[c[0].name for c in CASES]
)
def test_an_all_clipped_signal_stays_finite(method: Method, settings: Settings) -> None:
    y = np.full((700, 1), LEVEL, np.float32)
    assert np.isfinite(run(y, method, settings, raw=True)).all()


@pytest.mark.parametrize(
    ("method", "less", "more"),
    [
        (sspade.METHOD, {"growth": 0.3}, {"growth": 0.03}),
        (ss_pew.METHOD, {"inner": 20}, {"inner": 200}),
        (ss_pew.METHOD, {"steps": 2, "inner": 20}, {"inner": 20}),
        (ss_pew.METHOD, {"first": 1e-2, "inner": 100}, {"inner": 100}),
        (cp_parabola.METHOD, {"iterations": 10}, {"iterations": 100}),
        (janssen.METHOD, {"order": 4}, {"order": 32}),
        (janssen.METHOD, {"order": 32, "iterations": 1}, {"order": 32}),
        (iht.CONSISTENT, {"iterations": 5}, {"iterations": 50}),
        (dl.CONSISTENT, {"rounds": 1}, {"rounds": 4}),
        (comp.METHOD, {"sinusoids": 1}, {"sinusoids": 8}),
        (sspade.METHOD, {"epsilon": 0.3}, {"epsilon": 0.02}),
    ],
)
def test_each_setting_buys_quality(
    method: Method, less: Settings, more: Settings
) -> None:
    x = chord()[:, None]
    y = clipped(x)
    window: Settings = {"window_ms": 64.0}
    worse = run(y, method, window | less)
    better = run(y, method, window | more)
    assert gain_db(x, y, better) > gain_db(x, y, worse)


def test_sspade_schedule_settings_change_the_result() -> None:
    y = clipped(chord()[:, None])
    base: Settings = {"window_ms": 64.0, "growth": 0.0}
    first = run(y, sspade.METHOD, base)
    assert not np.array_equal(first, run(y, sspade.METHOD, base | {"step": 4}))
    assert not np.array_equal(first, run(y, sspade.METHOD, base | {"every": 2}))


def test_the_last_threshold_changes_the_result() -> None:
    y = clipped(chord()[:, None])
    base: Settings = {"window_ms": 64.0, "inner": 20}
    last = run(y, ss_pew.METHOD, base | {"last": 1e-2})
    assert not np.array_equal(last, run(y, ss_pew.METHOD, base))


def test_social_shrinkage_agrees_with_sums_over_neighbours() -> None:
    rng = np.random.default_rng(10)
    frames, bins = 9, 12
    u = rng.standard_normal((frames, 2 * bins)).astype(np.float32)
    before = rng.standard_normal((frames, 2 * bins)).astype(np.float32)
    order = np.arange(bins, dtype=np.int32)
    beside = np.clip(np.stack([order - 1, order + 1]), 0, bins - 1)
    power = u[:, :bins] ** 2 + u[:, bins:] ** 2
    energy = np.empty_like(power)
    ss_pew._across_bins_jit(power, beside, energy)
    gains = np.empty_like(power)
    for i in range(frames):
        near = np.pad(power, ((0, 0), (1, 1)), "edge")[max(i - 3, 0) : i + 4]
        for k in range(bins):
            gains[i, k] = max(0.0, 1 - 16.0 / near[:, k : k + 3].sum())
    expected = u * np.tile(gains, 2)
    z, ahead = before.copy(), u.copy()
    changed = ss_pew._shrink_jit(ahead, z, 4.0, 0.5, energy, np.empty(bins, np.float32))
    assert np.allclose(z, expected, atol=1e-5)
    assert np.allclose(ahead, expected + 0.5 * (expected - before), atol=1e-5)
    size = np.sum(expected**2)
    assert changed == pytest.approx(np.sum((expected - before) ** 2) / size, rel=1e-4)


def test_the_dual_of_weighted_l1_is_a_clip() -> None:
    rng = np.random.default_rng(12)
    q = rng.standard_normal((3, 10)).astype(np.float32)
    weight = np.linspace(0.1, 3.0, 5, dtype=np.float32)
    whole = q[:, :5] + 1j * q[:, 5:]
    expected = whole / np.maximum(1.0, np.abs(whole) / weight)
    power = (np.abs(whole) ** 2).astype(np.float32)
    cp_parabola._clip_dual_jit(q, weight, power)
    assert np.allclose(q[:, :5] + 1j * q[:, 5:], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("method", "settings"),
    [
        (sspade.METHOD, {}),
        (ss_pew.METHOD, {"steps": 2, "inner": 2}),
        (cp_parabola.METHOD, {"iterations": 10}),
        (janssen.METHOD, {"order": 8, "iterations": 1}),
        (iht.CONSISTENT, {"iterations": 5}),
        (dl.CONSISTENT, {"rounds": 1}),
        (comp.METHOD, {"sinusoids": 8}),
    ],
    ids=lambda case: getattr(case, "name", ""),
)
def test_the_window_changes_the_result(method: Method, settings: Settings) -> None:
    y = clipped(chord()[:3000, None])
    short = run(y, method, settings | {"window_ms": 16.0})
    assert not np.array_equal(short, run(y, method, settings | {"window_ms": 64.0}))


def test_the_scale_of_weighted_l1_sets_how_fast_it_converges() -> None:
    y = clipped(chord()[:, None])
    base: Settings = {"window_ms": 64.0, "iterations": 20}
    slow = run(y, cp_parabola.METHOD, base | {"scale": 0.1})
    fast = run(y, cp_parabola.METHOD, base)
    x = chord()[:, None]
    assert gain_db(x, y, fast) > gain_db(x, y, slow)
