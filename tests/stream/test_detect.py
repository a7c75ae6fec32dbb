"""The causal detector: what it finds, what it leaves alone, what it never does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtdeclip.errors import SettingError
from rtdeclip.stream.clip import Clip, Plateau
from rtdeclip.stream.detect import ClipDetector, link

RATE = 16000
HOP = 128


def voice(seconds=4.0, seed=0):
    """Harmonics of a wandering pitch under a syllable's envelope, peak 1."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(120 + 30 * np.sin(2 * np.pi * 0.7 * t)) / RATE
    x = sum(np.sin(k * phase + rng.uniform(0, 6)) / k**0.7 for k in range(1, 24))
    x = (
        x
        * (0.1 + np.sin(2 * np.pi * 1.9 * t) ** 2)
        * rng.uniform(0.7, 1, len(t) // 800 + 1).repeat(800)[: len(t)]
    )
    x = np.convolve(x, np.hanning(9) / 4, "same")
    return (x / np.abs(x).max()).astype(np.float32)


def run(detector, y, hop=HOP):
    """Signs and bounds of the whole blocks of ``y``."""
    clip = Clip(hop)
    signs, bounds = [], []
    for start in range(0, len(y) - hop + 1, hop):
        detector.process(y[start : start + hop], clip)
        assert clip.count == np.count_nonzero(clip.sign)
        signs.append(clip.sign.copy())
        bounds.append(clip.bound.copy())
    return np.concatenate(signs), np.concatenate(bounds)


def fresh():
    return ClipDetector(RATE, HOP)


def flat_music():
    t = np.arange(3 * RATE) / RATE
    tone = np.sin(2 * np.pi * 220 * t)
    rich = sum(np.sin(2 * np.pi * 110 * k * t) / k for k in range(1, 60, 2))
    stairs = np.round(7 * np.sin(2 * np.pi * 91.7 * t)).repeat(4)[: len(t)] / 9
    sounds = {
        "a sine": 0.7 * tone,
        "a square wave": 0.7 * np.sign(tone),
        "a band-limited square wave": 0.6 * rich,
        "a pulse wave": np.where(t * 131 % 1 < 0.2, 0.6, -0.3),
        "a saturated sine": 0.8 * np.tanh(4 * tone),
        "stairs of 15 levels": stairs,
        "a saw": 0.9 * (t * 220 % 1) - 0.4,
        "silence": 0 * t,
        "a constant": 0 * t + 0.4,
        "denormals": 0 * t + 1e-40,
        "16-bit quiet sine": np.round(300 * tone) / 32768,
        "8-bit voice": np.round(127 * voice(3.0)) / 128,
        "a voice": voice(3.0),
        "a voice on an offset": 0.5 * voice(3.0) + 0.3,
        "noise": 0.2 * np.random.default_rng(1).standard_normal(len(t)),
    }
    return {name: x.astype(np.float32) for name, x in sounds.items()}


@pytest.mark.parametrize("name", flat_music())
def test_unclipped_sound_raises_no_alarm(name):
    signs, bounds = run(fresh(), flat_music()[name])
    assert not signs.any()
    assert not bounds.any()


@pytest.mark.parametrize("level", [0.02, 0.3, 0.5])
@pytest.mark.parametrize("gain", [0.1, 1.0, 3.0])
def test_digital_clipping_is_masked_exactly_once_known(level, gain):
    y = np.clip(voice(), -level, level) * np.float32(gain)
    top = y.max()
    signs, bounds = run(fresh(), y)
    y = y[: len(signs)]
    late = slice(len(y) // 2, None)
    assert (signs == 1)[late].sum() == (y == top)[late].sum() > 0
    assert (signs == -1)[late].sum() == (y == -top)[late].sum() > 0
    assert not (signs[np.abs(y) < top * (1 - 2e-6)]).any()
    np.testing.assert_allclose(bounds[signs != 0], top, rtol=2e-6)


def test_digital_clipping_is_in_force_from_the_second_run_on():
    t = np.arange(RATE) / RATE
    hum = np.sin(2 * np.pi * 50 * t) * np.where(t < 0.2, 0.3, 1.0)
    y = np.clip(hum, -2, 0.6).astype(np.float32)
    signs, _ = run(fresh(), y)
    at = np.flatnonzero(y[: len(signs)] == y.max())
    runs = np.split(at, np.flatnonzero(np.diff(at) > 1) + 1)
    assert not signs[runs[0]].any()
    # Runs within one block with what confirms them are masked from their start.
    known = runs[1][runs[1] >= (runs[1][0] + 3 + HOP) // HOP * HOP]
    assert (signs[known] == 1).all()
    for later in runs[2:]:
        assert (signs[later] == 1).all()
    assert not (signs < 0).any()


def test_a_higher_gain_ends_a_digital_level_at_once_and_the_new_one_is_found():
    y = np.clip(voice(8.0), -0.3, 0.3)
    y[len(y) // 2 :] *= np.float32(1.7)
    detector = fresh()
    signs, bounds = run(detector, y)
    change = len(y) // 2 + np.flatnonzero(np.abs(y[len(y) // 2 :]) > 0.31)[0]
    at = (change // HOP + 1) * HOP
    assert (bounds[at:][signs[at:] > 0] > 0.4).all()
    assert detector.high is not None
    assert detector.low is not None
    assert detector.high.level == pytest.approx(0.51, rel=1e-5)
    assert detector.low.level == pytest.approx(0.51, rel=1e-5)


def test_a_lower_gain_is_followed():
    y = np.clip(voice(8.0), -0.3, 0.3)
    y[len(y) // 2 :] *= np.float32(0.7)
    detector = fresh()
    run(detector, y)
    assert detector.high is not None
    assert detector.high.level == pytest.approx(0.21, rel=1e-5)


def test_the_two_polarities_have_levels_of_their_own():
    y = np.clip(voice(), -0.42, 0.25)
    detector = fresh()
    run(detector, y)
    assert detector.high is not None
    assert detector.low is not None
    assert detector.high.level == pytest.approx(0.25, rel=1e-6)
    assert detector.low.level == pytest.approx(0.42, rel=1e-6)


def test_an_offset_moves_the_levels_and_hides_nothing():
    detector = fresh()
    run(detector, np.clip(voice(), -0.3, 0.3) + np.float32(0.1))
    assert detector.high is not None
    assert detector.low is not None
    assert detector.high.level == pytest.approx(0.4, rel=1e-5)
    assert detector.low.level == pytest.approx(0.2, rel=1e-5)


@pytest.mark.parametrize("sigma", [0.001, 0.003, 0.01])
def test_a_smeared_plateau_is_found_within_a_second_of_clipped_voice(sigma):
    x = np.clip(voice(), -0.25, 0.25)
    noise = np.random.default_rng(2).standard_normal(len(x))
    y = (x + 0.25 * sigma * noise).astype(np.float32)
    detector = fresh()
    signs, bounds = run(detector, y)
    assert detector.high is not None
    assert detector.low is not None
    assert detector.high.level == pytest.approx(0.25, rel=0.01)
    assert detector.low.level == pytest.approx(0.25, rel=0.01)
    assert detector.high.edge < detector.high.level
    clipped = np.abs(x[: len(signs)]) >= 0.25
    steps = np.arange(len(signs)) // (RATE // 10)
    loud = np.unique(steps[clipped])
    assert len(loud) > 12
    after = clipped & (steps > loud[10])
    assert (signs[after] != 0).mean() > 0.8
    assert (bounds[signs != 0] < 0.26).all()


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [0.0, -0.0, 0.5, -0.5, 1.0, 1e-40, np.nan, np.inf, -np.inf, 3e38]
        ),
        max_size=40,
    ),
    st.integers(0, 3),
)
def test_no_sample_whatever_breaks_it(odd, seed):
    y = np.clip(voice(1.0, seed), -0.3, 0.3)
    y[1000 : 1000 + len(odd)] = np.array(odd, np.float32)
    detector = fresh()
    signs, bounds = run(detector, y)
    assert np.isfinite(bounds).all()
    assert ((bounds > 0) == (signs != 0)).all()
    assert detector.high is not None
    assert detector.high.level in (np.float32(0.3), np.float32(0.5), np.float32(1.0))


def test_reset_makes_the_same_bits_again():
    y = np.clip(voice(), -0.3, 0.3) + np.float32(0.001) * voice(seed=3)
    detector = fresh()
    first = run(detector, y)
    detector.reset()
    assert detector.high is None
    second = run(detector, y)
    np.testing.assert_array_equal(first, second)


def test_a_strided_block_is_taken_as_it_is():
    y = np.clip(voice(1.0), -0.3, 0.3)
    both = np.stack([y, -y], axis=1)
    signs, _ = run(fresh(), both[:, 1])
    np.testing.assert_array_equal(signs, run(fresh(), -y)[0])


def test_given_levels_hold_from_the_first_sample():
    y = np.clip(voice(1.0), -0.3, 0.3)
    plateau = Plateau.digital(float(y.max()))
    signs, _ = run(ClipDetector(RATE, HOP, high=plateau, low=plateau), y)
    np.testing.assert_array_equal(signs != 0, (np.abs(y) == y.max())[: len(signs)])


def test_locked_levels_are_never_changed():
    y = np.clip(voice(1.0), -0.3, 0.3)
    detector = ClipDetector(RATE, HOP, high=Plateau(0.2, 0.19), locked=True)
    signs, bounds = run(detector, y)
    np.testing.assert_array_equal(signs, (y >= np.float32(0.19))[: len(signs)])
    assert set(bounds) == {np.float32(0.0), np.float32(0.19)}
    assert detector.high == Plateau(0.2, 0.19)
    assert detector.low is None
    detector.lock(None, Plateau(0.1, 0.1))
    signs, _ = run(detector, y)
    np.testing.assert_array_equal(
        signs, -(y <= np.float32(-0.1)).astype(int)[: len(signs)]
    )


@pytest.mark.parametrize(("rate", "hop"), [(0, 64), (16000, 0), (-1, 64)])
def test_a_rate_or_hop_that_is_not_positive_is_refused(rate, hop):
    with pytest.raises(SettingError, match="positive"):
        ClipDetector(rate, hop)


def linked(left, right):
    """The right channel's signs while ``link`` runs after every block."""
    detectors, clips = (fresh(), fresh()), (Clip(HOP), Clip(HOP))
    signs = []
    for start in range(0, len(left) - HOP + 1, HOP):
        for detector, clip, y in zip(detectors, clips, (left, right), strict=True):
            detector.process(y[start : start + HOP], clip)
        link(detectors)
        signs.append(clips[1].sign.copy())
    return np.concatenate(signs), clips[1]


def test_a_linked_channel_that_clips_once_is_masked_by_the_others_level():
    x = voice()
    left = np.clip(x, -0.3, 0.3)
    right = 0.29 * np.sin(np.arange(len(x)) * 0.1).astype(np.float32)
    right[40000:40003] = 0.3  # one top of three samples: no evidence of its own
    assert not run(fresh(), right)[0].any()
    sign, clip = linked(left, right)
    assert np.flatnonzero(sign).tolist() == [40000, 40001, 40002]
    assert clip.high.level == pytest.approx(0.3)


def test_a_linked_channel_that_goes_on_beyond_the_level_keeps_its_own():
    x = voice()
    left = np.clip(x, -0.3, 0.3)
    right = 0.7 * np.sin(np.arange(len(x)) * 0.1).astype(np.float32)
    sign, clip = linked(left, right)
    assert not sign[HOP:].any()
    assert clip.high is None
