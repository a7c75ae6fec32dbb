import numpy as np
import pytest

from rtdeclip.errors import SettingError
from rtdeclip.stream.headroom import LiveHeadroom, fit_gain, from_db, to_db


def test_quiet_sound_is_lowered_by_exactly_six_db_and_delayed() -> None:
    headroom = LiveHeadroom(48000, 2)
    x = np.random.default_rng(0).uniform(-0.5, 0.5, (3000, 2)).astype(np.float32)
    y = headroom.process(x)
    L = headroom.latency_samples
    assert 0 < L <= 72
    np.testing.assert_array_equal(y[L:], x[:-L] * np.float32(from_db(-6.0)))
    assert headroom.limited_samples == 0


def test_restored_peaks_meet_the_ceiling_and_are_counted() -> None:
    headroom = LiveHeadroom(16000)
    n = np.arange(8000)
    x = (4.0 * np.sin(0.05 * n)).astype(np.float32)[:, None]
    y = headroom.process(x)
    assert np.abs(y).max() <= from_db(-1.0)
    assert headroom.limited_samples > 1000
    assert headroom.max_reduction_db == pytest.approx(7.0, abs=0.3)


def test_gain_glides_and_ceiling_changes_while_sound_runs() -> None:
    headroom = LiveHeadroom(48000)
    x = np.full((4800, 1), 0.5, np.float32)
    headroom.process(x)
    headroom.set_setting("gain_db", 0.0)
    y = headroom.process(x).copy()
    assert np.abs(np.diff(y[:, 0])).max() < 1e-3
    assert y[-1, 0] == 0.5
    headroom.set_setting("ceiling_db", -20.0)
    assert np.abs(headroom.process(x)[-1]) <= 0.1


@pytest.mark.parametrize("size", [1, 17, 509])
def test_every_split_gives_the_same_bits(size: int) -> None:
    x = np.random.default_rng(1).standard_normal((3000, 1)).astype(np.float32)
    whole = LiveHeadroom(44100).process(x).copy()
    headroom = LiveHeadroom(44100)
    parts = [headroom.process(x[i : i + size]).copy() for i in range(0, len(x), size)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    headroom.reset()
    np.testing.assert_array_equal(headroom.process(x), whole)


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(SettingError, match="gain_db, ceiling_db"):
        LiveHeadroom(48000).set_setting("knee", 1.0)


def test_fit_gain_never_amplifies_and_brings_the_peak_to_the_ceiling() -> None:
    assert fit_gain(0.0, 1.0) == 1.0
    assert fit_gain(0.99, 1.0) == 1.0
    assert fit_gain(3.0, 1.0) * 3.0 == pytest.approx(1.0)


def test_decibels_go_there_and_back() -> None:
    assert from_db(to_db(0.37)) == pytest.approx(0.37)
