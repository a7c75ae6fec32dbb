"""Protocols make the items the papers test on."""

import numpy as np
import pytest

from rtdeclip.benchmarks.protocol import apply
from rtdeclip.benchmarks.synth import plucked, voice
from rtdeclip.errors import SettingError
from rtdeclip.metrics.sdr import sdr_db

CLEAN = voice(0.5, 16000)


def test_the_input_sdr_is_met():
    item = apply("sdr=7", CLEAN)
    assert abs(sdr_db(item.target, item.distorted) - 7) < 1e-3


def test_a_gain_changes_the_target_and_clips_at_full_scale():
    item = apply("gain=20", CLEAN)
    assert np.allclose(item.target, 10 * CLEAN, rtol=1e-5)
    assert np.abs(item.distorted).max() == 1.0
    assert item.levels[0].segments[0].high.level == 1.0


def test_noise_comes_before_the_clipping_and_is_seeded():
    item = apply("noise=0.05+fraction=0.3", CLEAN, seed=1)
    assert np.array_equal(item.target, CLEAN)
    assert np.abs(item.distorted).max() < 0.4 * np.abs(CLEAN).max()
    assert np.array_equal(
        item.distorted, apply("noise=0.05+fraction=0.3", CLEAN, 1).distorted
    )
    assert not np.array_equal(
        item.distorted, apply("noise=0.05+fraction=0.3", CLEAN, 2).distorted
    )


def test_soft_curves_have_no_level():
    for protocol in ("tanh=20", "overdrive=20:20", "fraction=0.2+wet=0.5"):
        item = apply(protocol, CLEAN)
        assert item.levels is None
        assert not np.array_equal(item.distorted, CLEAN)


@pytest.mark.parametrize("protocol", ["", "loud=3", "sdr", "sdr=x", "overdrive=20"])
def test_unknown_words_are_refused_with_the_known_ones(protocol):
    with pytest.raises(SettingError, match="Known: fraction, sdr"):
        apply(protocol, CLEAN)


def test_synthesised_audio_is_the_same_every_time_and_well_levelled():
    for synth in (voice, plucked):
        x = synth(1.0, 16000)
        assert x.dtype == np.float32
        assert np.array_equal(x, synth(1.0, 16000))
        assert not np.array_equal(x, synth(1.0, 16000, seed=1))
        assert np.isclose(np.abs(x).max(), 0.9)
