from typing import Any

import numpy as np
import pytest

from rtdeclip.errors import SettingError
from rtdeclip.stream.registry import build_effect, find, listings
from rtdeclip.types import Samples

RATE = 48000
SETTINGS: dict[str, dict[str, Any]] = {
    "gain": {"gain_db": -3.0},
    "highpass": {"corner_hz": 100.0},
    "eq": {"low_db": 6.0, "mid_db": -4.0, "high_db": 3.0},
    "limiter": {"ceiling_db": -12.0},
}


def noise(n_samples: int = 4000, n_channels: int = 2) -> Samples:
    rng = np.random.default_rng(7)
    return (rng.standard_normal((n_samples, n_channels)) * 0.3).astype(np.float32)


def gain_at(name: str, frequency_hz: float, **settings: Any) -> float:
    """Steady gain in dB of a sine, after one second to settle."""
    n = np.arange(2 * RATE)
    x = (0.1 * np.sin(2 * np.pi * frequency_hz / RATE * n)).astype(np.float32)
    y = build_effect(name, RATE, 1, settings).process(x[:, None])
    tail = slice(RATE, None)
    return float(10 * np.log10(np.mean(y[tail] ** 2) / np.mean(x[tail] ** 2)))


def test_all_built_in_effects_are_found_through_their_entry_points() -> None:
    assert set(SETTINGS) <= set(listings("effects"))
    assert all(find(name, "effects").kind == "effect" for name in SETTINGS)


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("size", [1, 17, 509, 2048])
def test_every_split_gives_the_same_bits(name: str, size: int) -> None:
    x = noise()
    whole = build_effect(name, RATE, 2, SETTINGS[name]).process(x).copy()
    effect = build_effect(name, RATE, 2, SETTINGS[name])
    parts = [effect.process(x[i : i + size]).copy() for i in range(0, len(x), size)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("name", SETTINGS)
def test_an_impulse_shows_the_declared_latency(name: str) -> None:
    effect = build_effect(name, RATE, 1, {})
    x = np.zeros((500, 1), np.float32)
    x[50] = 0.5
    y = effect.process(x)
    assert np.abs(y[:, 0]).argmax() == 50 + effect.latency_samples


@pytest.mark.parametrize("name", SETTINGS)
def test_reset_forgets_all_audio_and_the_input_is_not_written_to(name: str) -> None:
    effect = build_effect(name, RATE, 2, SETTINGS[name])
    x = noise()
    kept = x.copy()
    first = effect.process(x).copy()
    effect.reset()
    np.testing.assert_array_equal(effect.process(x), first)
    np.testing.assert_array_equal(x, kept)


@pytest.mark.parametrize("name", ["highpass", "eq", "limiter"])
def test_one_nan_does_not_stay_in_the_filter(name: str) -> None:
    effect = build_effect(name, RATE, 1, SETTINGS[name])
    x = noise(n_channels=1)
    x[5] = np.nan
    assert np.isfinite(effect.process(x)).all()


@pytest.mark.parametrize("name", SETTINGS)
def test_live_settings_glide_without_a_step(name: str) -> None:
    effect: Any = build_effect(name, RATE, 1, {})
    n = np.arange(RATE // 4)
    x = (0.4 * np.sin(2 * np.pi * 100 / RATE * n)).astype(np.float32)[:, None]
    before = effect.process(x).copy()
    for setting, value in SETTINGS[name].items():
        effect.set_setting(setting, value)
    after = effect.process(x).copy()
    joint = np.concatenate([before, after])[RATE // 8 :, 0]
    steepest = 0.4 * 2 * np.pi * 100 / RATE
    assert np.abs(np.diff(joint)).max() < 4 * steepest
    fresh = build_effect(name, RATE, 1, SETTINGS[name]).process(x)
    assert np.abs(after[-500:] - before[-500:]).max() > 1e-4
    assert np.std(after[-480:]) == pytest.approx(np.std(fresh[-480:]), rel=0.02)


@pytest.mark.parametrize("name", SETTINGS)
def test_unknown_settings_are_refused_with_the_known_ones(name: str) -> None:
    effect: Any = build_effect(name, RATE, 1, {})
    with pytest.raises(SettingError, match=next(iter(SETTINGS[name]))):
        effect.set_setting("colour", 1.0)


def test_gain_multiplies_by_the_given_decibels() -> None:
    x = noise()
    y = build_effect("gain", RATE, 2, {"gain_db": 20.0}).process(x)
    np.testing.assert_allclose(y, x * 10.0, rtol=1e-6)


def test_highpass_takes_dc_away_and_keeps_what_is_above() -> None:
    x = np.full((RATE, 1), 0.5, np.float32)
    y = build_effect("highpass", RATE, 1, {}).process(x)
    assert np.abs(y[-1000:]).max() < 1e-6
    assert gain_at("highpass", 100.0, corner_hz=100.0) == pytest.approx(-3.01, abs=0.02)
    assert gain_at("highpass", 50.0, corner_hz=100.0) == pytest.approx(-12.3, abs=0.1)
    assert gain_at("highpass", 2000.0, corner_hz=100.0) == pytest.approx(0.0, abs=0.01)


def test_eq_bands_reach_their_gain_and_leave_the_others() -> None:
    assert gain_at("eq", 30.0, low_db=6.0) == pytest.approx(6.0, abs=0.2)
    assert gain_at("eq", 200.0, low_db=6.0) == pytest.approx(3.0, abs=0.05)
    assert gain_at("eq", 5000.0, low_db=6.0) == pytest.approx(0.0, abs=0.05)
    assert gain_at("eq", 1000.0, mid_db=-9.0) == pytest.approx(-9.0, abs=0.05)
    assert gain_at("eq", 20.0, mid_db=-9.0) == pytest.approx(0.0, abs=0.05)
    assert gain_at("eq", 18000.0, high_db=6.0) == pytest.approx(6.0, abs=0.2)
    assert gain_at("eq", 5000.0, high_db=6.0) == pytest.approx(3.0, abs=0.05)
    assert gain_at("eq", 500.0, high_db=6.0) == pytest.approx(0.0, abs=0.05)


def test_eq_works_where_its_corners_lie_above_half_the_rate() -> None:
    effect = build_effect("eq", 8000, 1, {"high_db": 6.0})
    assert np.isfinite(effect.process(noise(n_channels=1))).all()
