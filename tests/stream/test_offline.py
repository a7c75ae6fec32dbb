"""Whole signals in memory go through the same Stream, and lose their latency."""

import numpy as np
import pytest

from rtdeclip.errors import InputError, SettingError
from rtdeclip.stream.offline import declip, find_levels, masks, restore
from rtdeclip.stream.processor import Method
from rtdeclip.stream.stream import Stream
from rtdeclip.testing import dummy

RATE = 16000


def tone(n=8000, level=0.5):
    t = np.arange(n) / RATE
    x = 0.5 * np.sin(2 * np.pi * 211 * t) + 0.45 * np.sin(2 * np.pi * 353 * t + 1)
    return np.clip(x, -level, level).astype(np.float32)


class Double:
    """A restorer that doubles everything and remembers what it was given."""

    seen = None

    def restore(self, y, sign, bound, sample_rate):
        Double.seen = (y.shape, sign.dtype, bound.dtype, sample_rate)
        return 2 * y


DOUBLE = Method("double", "test", lambda rate: Double(), kind="restorer")


@pytest.mark.parametrize("latency", [0, 5, 64, 333])
def test_latency_is_trimmed_and_length_kept(latency):
    x = tone()
    y = declip(x, RATE, dummy("identity", 64, latency))
    assert np.array_equal(x, y)


@pytest.mark.parametrize("n", [0, 1, 63, 64, 65])
def test_short_signals_are_ordinary(n):
    for method in (dummy("identity", 64, 10), DOUBLE):
        assert declip(tone(n), RATE, method, level=0.5).shape == (n,)


def test_offline_equals_the_stream_bit_for_bit():
    x = tone()[:, None]
    levels = find_levels(x, RATE)
    method = dummy("identity", 96, 50)
    stream = Stream(RATE, 1, method, levels=levels)
    by_hand = np.concatenate([stream.feed(x[:77]), stream.feed(x[77:]), stream.flush()])
    assert np.array_equal(restore(x, RATE, method, levels), by_hand[50:])


def test_a_restorer_sees_masks_and_is_held_to_them():
    x = tone()
    y = declip(x, RATE, DOUBLE, level=0.5)
    hit = np.abs(x) >= 0.5 * (1 - 1e-6)
    assert Double.seen == ((8000, 1), np.int8, np.float32, RATE)
    assert np.array_equal(y[~hit], x[~hit])
    assert np.array_equal(y[hit], 2 * x[hit])
    assert hit.any()


def test_a_restorer_that_returns_nonsense_is_played_dry():
    class Nan:
        def restore(self, y, sign, bound, sample_rate):
            return y * np.float32(np.nan)

    x = tone()
    method = Method("nan", "test", lambda rate: Nan(), kind="restorer")
    assert np.array_equal(declip(x, RATE, method, level=0.5), x)


def test_asymmetric_levels_can_be_given():
    x = np.clip(tone(level=2.0), -0.2, 0.6)
    sign, bound = masks(x[:, None], find_levels(x[:, None], RATE, (0.6, 0.2)))
    assert set(np.unique(sign)) == {-1, 0, 1}
    assert np.allclose(bound[sign > 0], 0.6, rtol=1e-5)
    assert np.allclose(bound[sign < 0], 0.2, rtol=1e-5)


def test_float64_and_columns_come_back_as_float32_of_the_same_shape():
    x = np.stack([tone(), tone()], axis=1).astype(np.float64)
    y = declip(x, RATE, "bypass")
    assert (y.dtype, y.shape) == (np.float32, x.shape)


@pytest.mark.parametrize(
    ("x", "error", "words"),
    [
        (np.zeros(9, np.int16), InputError, "int16"),
        (np.zeros((2, 2, 2), np.float32), InputError, "n_channels"),
    ],
)
def test_what_is_not_audio_is_refused(x, error, words):
    with pytest.raises(error, match=words):
        declip(x, RATE, "bypass")


@pytest.mark.parametrize("level", [0.0, -1.0, (0.5, 0.0), float("nan")])
def test_a_level_must_be_above_zero(level):
    with pytest.raises(SettingError, match="above 0"):
        declip(tone(), RATE, "bypass", level=level)
