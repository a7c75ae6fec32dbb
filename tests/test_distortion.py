"""The degradations do what the papers say, exactly."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from rtdeclip.distortion import (
    add_noise,
    clip,
    clip_at_fraction,
    clip_to_sdr,
    clip_with_gain,
    high_pass,
    lose_samples,
    overdrive,
    saturate,
    with_dry,
)
from rtdeclip.distortion.soft import overdrive_kernel
from rtdeclip.errors import InputError, SettingError


def tone(n: int = 4000, peak: float = 0.8) -> np.ndarray:
    t = np.arange(n) / 8000
    x = np.sin(2 * np.pi * 220 * t) + 0.5 * np.sin(2 * np.pi * 523 * t + 1)
    return (peak * x / np.abs(x).max()).astype(np.float32)


def sdr(x: np.ndarray, y: np.ndarray) -> float:
    x = x.astype(float)
    return float(10 * np.log10((x**2).sum() / ((x - y) ** 2).sum()))


def test_clipping_holds_the_level_and_leaves_the_rest_bit_exact() -> None:
    x = tone()
    out = clip(x, 0.3)
    assert out.audio.dtype == np.float32
    assert out.audio.max() == np.float32(0.3)
    assert out.audio.min() == np.float32(-0.3)
    assert (out.audio[out.sign == 0] == x[out.sign == 0]).all()
    assert (out.sign == np.where(x >= 0.3, 1, np.where(x <= -0.3, -1, 0))).all()


def test_asymmetric_levels_are_kept_apart() -> None:
    out = clip(tone(), 0.5, 0.2)
    assert (out.high, out.low) == (0.5, 0.2)
    assert out.audio.max() == np.float32(0.5)
    assert out.audio.min() == np.float32(-0.2)
    assert (out.sign == -1).sum() > (out.sign == 1).sum() > 0


def test_the_input_is_never_written_to() -> None:
    x = tone()
    x.flags.writeable = False
    for result in (clip(x, 0.3).audio, overdrive(x).audio, saturate(x).audio):
        assert not np.shares_memory(result, x)
    add_noise(x, 0.0, 1)
    high_pass(x, 20.0, 8000)


def test_a_fraction_of_the_peak_counts_all_channels() -> None:
    x = np.stack([tone(peak=0.8), tone(peak=0.1)], axis=1)
    out = clip_at_fraction(x, 0.2)
    assert out.high == pytest.approx(0.16)
    assert out.audio.shape == x.shape
    assert not out.sign[:, 1].any()


@given(
    target=st.floats(0.5, 60.0),
    seed=st.integers(0, 99),
    channels=st.sampled_from([0, 1, 2]),
)
@settings(max_examples=30, deadline=None)
def test_the_input_sdr_is_met_to_a_thousandth_of_a_decibel(
    target: float, seed: int, channels: int
) -> None:
    shape = (3000, channels) if channels else (3000,)
    x = np.random.default_rng(seed).normal(0, 0.2, shape)
    assert sdr(x, clip_to_sdr(x, target).audio) == pytest.approx(target, abs=1e-3)


def test_gain_comes_before_the_level_and_is_told() -> None:
    x = tone(peak=0.1)
    out = clip_with_gain(x, 20.0, 0.5)
    assert out.gain_db == 20.0
    assert out.audio.max() == np.float32(0.5)
    quiet = out.sign == 0
    np.testing.assert_allclose(out.audio[quiet], 10 * x[quiet], rtol=1e-6)


def test_tanh_is_tanh() -> None:
    x = tone()
    expected = np.tanh(10.0 * x.astype(float))
    np.testing.assert_allclose(saturate(x, 20.0).audio, expected, atol=1e-7)


def test_overdrive_equals_its_formula_written_with_a_recursive_filter() -> None:
    x = tone(peak=0.9).astype(float)
    d = np.clip(10.0 * x + 0.1, -1, 1)
    d -= d**3 / 3
    n = np.arange(len(x))
    step = np.diff(d, prepend=0.0)
    blocked = np.convolve(step, 0.995**n)[: len(x)]
    out = overdrive(x, 20.0, 20.0)
    np.testing.assert_allclose(out.audio, 0.5 * x + 0.75 * blocked, atol=1e-6)
    assert (out.curve, out.gain_db, out.colour) == ("overdrive", 20.0, 20.0)


@pytest.mark.skipif(not shutil.which("sox"), reason="sox is not installed")
@pytest.mark.parametrize(("gain", "colour"), [(20, 0), (35, 20), (50, 100)])
def test_overdrive_equals_sox(tmp_path: Path, gain: int, colour: int) -> None:
    x = tone(peak=0.9)
    soundfile.write(tmp_path / "in.wav", x, 8000, subtype="FLOAT")
    command = ["sox", "-D", "in.wav", "-b", "32", "-e", "signed", "out.wav"]
    subprocess.run(
        [*command, "overdrive", str(gain), str(colour)],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    theirs = soundfile.read(tmp_path / "out.wav", dtype="float64")[0]
    ours = clip(overdrive(x, gain, colour).audio, 1.0).audio
    np.testing.assert_allclose(ours, theirs, atol=3e-7)


def test_overdrive_by_zero_decibels_changes_nothing_as_in_sox() -> None:
    x = tone()
    assert (overdrive(x, 0.0).audio == x).all()


def test_overdrive_goes_on_from_its_state() -> None:
    x = tone().astype(float)
    whole = overdrive_kernel(x, 10.0, 0.1, np.zeros(2))
    state = np.zeros(2)
    parts = [overdrive_kernel(p, 10.0, 0.1, state) for p in np.split(x, [1, 18, 527])]
    assert (np.concatenate(parts) == whole).all()


def test_each_channel_is_overdriven_by_itself() -> None:
    x = np.stack([tone(), -tone(peak=0.3)], axis=1)
    out = overdrive(x, 30.0, 0.0).audio
    assert (out[:, 1] == overdrive(x[:, 1], 30.0, 0.0).audio).all()


def test_the_dry_share_is_what_it_says() -> None:
    x = tone()
    mixed = with_dry(x, clip(x, 0.2).audio, 0.25)
    np.testing.assert_allclose(
        mixed, 0.25 * np.clip(x, -0.2, 0.2) + 0.75 * x, atol=1e-7
    )


def test_the_logistic_law_loses_the_share_it_predicts() -> None:
    x = np.full(20_000, 0.3)
    x[0] = 1.0
    out = lose_samples(x, 5.0, 0.5, seed=1)
    predicted = 1 / (1 + np.exp(5.0 * (0.3 - 0.5)))
    assert out.observed.mean() == pytest.approx(predicted, abs=0.01)
    assert not out.audio[~out.observed].any()
    assert (out.audio[out.observed] == x[out.observed].astype(np.float32)).all()


def test_an_infinitely_steep_law_is_a_threshold() -> None:
    x = tone(peak=1.0)
    out = lose_samples(x, 1e6, 0.5, seed=1)
    assert (out.observed == (np.abs(x) < 0.5)).mean() > 0.999


def test_the_same_seed_gives_the_same_result() -> None:
    x = tone()
    assert (add_noise(x, 0.1, 3) == add_noise(x, 0.1, 3)).all()
    assert (add_noise(x, 0.1, 3) != add_noise(x, 0.1, 4)).any()
    first, second = (lose_samples(x, 5.0, 0.5, 3) for _ in range(2))
    assert (first.observed == second.observed).all()


def test_the_noise_has_its_sigma() -> None:
    noise = add_noise(np.zeros(50_000), 0.05, 0)
    assert noise.std() == pytest.approx(0.05, rel=0.02)


def test_the_high_pass_is_three_decibels_down_at_its_cutoff() -> None:
    t = np.arange(48_000) / 48_000
    out = high_pass(np.sin(2 * np.pi * 80 * t), 80.0, 48_000)
    assert np.abs(out[24_000:]).max() == pytest.approx(np.sqrt(0.5), rel=1e-3)


def test_the_high_pass_tilts_a_plateau() -> None:
    out = high_pass(np.ones(1000), 40.0, 48_000)
    assert out[0] > out[500] > out[999]


@pytest.mark.parametrize(
    "bad", [np.zeros(0), np.array([0.1, np.nan]), np.zeros((2, 2, 2))]
)
def test_unusable_audio_is_refused(bad: np.ndarray) -> None:
    for degrade in (
        lambda x: clip(x, 0.5),
        lambda x: saturate(x),
        lambda x: overdrive(x),
        lambda x: add_noise(x, 0.1, 0),
        lambda x: high_pass(x, 20, 8000),
        lambda x: lose_samples(x, 5, 0.5, 0),
    ):
        with pytest.raises(InputError):
            degrade(bad)


def test_a_silent_file_has_no_peak_to_clip_at() -> None:
    for degrade in (
        lambda x: clip_at_fraction(x, 0.2),
        lambda x: clip_to_sdr(x, 7),
        lambda x: lose_samples(x, 5, 0.5, 0),
    ):
        with pytest.raises(InputError, match="silent"):
            degrade(np.zeros(10))


def test_settings_out_of_range_are_refused() -> None:
    x = tone()
    for degrade in (
        lambda: clip(x, 0.0),
        lambda: clip(x, 0.5, -0.5),
        lambda: clip(x, np.nan),
        lambda: clip_at_fraction(x, 1.5),
        lambda: clip_to_sdr(x, 0.0),
        lambda: overdrive(x, 101.0),
        lambda: overdrive(x, 20.0, -1.0),
        lambda: with_dry(x, x, 1.1),
        lambda: add_noise(x, -0.1, 0),
        lambda: high_pass(x, 4000.0, 8000),
        lambda: lose_samples(x, 5.0, 2.0, 0),
    ):
        with pytest.raises(SettingError):
            degrade()


def test_mixing_two_lengths_is_refused() -> None:
    with pytest.raises(InputError, match="shape"):
        with_dry(np.zeros(3), np.zeros(4), 0.5)
