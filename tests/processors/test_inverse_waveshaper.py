"""Soft distortion is undone exactly when its settings are known, or found."""

import numpy as np
import pytest

from rtdeclip.distortion import clip, overdrive, saturate, with_dry
from rtdeclip.errors import InputError, SettingError
from rtdeclip.processors.inverse_overdrive import METHOD as FITTED
from rtdeclip.processors.inverse_overdrive import InverseOverdrive
from rtdeclip.processors.inverse_waveshaper import METHOD, InverseWaveshaper
from rtdeclip.stream.clip import Clip
from rtdeclip.stream.offline import declip
from rtdeclip.testing import check_processor
from rtdeclip.types import Samples

RATE = 16_000


def guitar(seconds: float = 1.5, peak: float = 0.6, seed: int = 0) -> Samples:
    """Plucked strings (Karplus and Strong), as clean as a direct input."""
    rng = np.random.default_rng(seed)
    x = np.zeros(round(seconds * RATE))
    for start, period in ((0, 97), (RATE // 3, 73), (2 * RATE // 3, 121)):
        line = np.convolve(rng.normal(size=period), np.ones(5) / 5, "same")
        for n in range(start, len(x)):
            k = (n - start) % period
            x[n] += line[k]
            line[k] = 0.498 * (line[k] + line[(k + 1) % period])
    return (peak * x / np.abs(x).max()).astype(np.float32)


def as_16_bit(x: Samples) -> Samples:
    steps = np.clip(np.round(x.astype(float) * 32768), -32768, 32767)
    return (steps / 32768).astype(np.float32)


def sdr(x: Samples, z: Samples) -> float:
    x = x.astype(float)
    return float(10 * np.log10((x**2).sum() / ((x - z) ** 2).sum()))


def undo(y: Samples, **settings: float | str) -> Samples:
    return declip(y, RATE, METHOD, settings)


X = guitar()


@pytest.mark.parametrize("curve", ["overdrive", "tanh"])
def test_it_keeps_the_contract(curve: str) -> None:
    check_processor(METHOD, curve=curve)


def test_a_clip_with_dry_keeps_the_contract() -> None:
    check_processor(METHOD, curve="clip", wet=0.8)


@pytest.mark.parametrize(
    ("gain", "colour"), [(20, 0), (20, 20), (35, 20), (50, 0), (50, 100)]
)
def test_quality_of_a_known_overdrive_from_16_bits(gain: float, colour: float) -> None:
    y = as_16_bit(overdrive(X, gain, colour).audio)
    assert sdr(X, undo(y, gain=gain, colour=colour)) >= 70.0


def test_a_known_overdrive_from_float_comes_back_to_rounding() -> None:
    y = overdrive(X, 35.0, 20.0).audio
    assert sdr(X, undo(y, gain=35, colour=20)) >= 120.0


def test_an_overdrive_of_nothing_changes_nothing() -> None:
    assert (undo(overdrive(X, 0.0).audio, gain=0) == X).all()


def test_a_gain_given_afterwards_is_undone_too() -> None:
    y = 0.5 * overdrive(X, 20.0, 0.0).audio
    z = undo(y, gain=20, colour=0, output_gain=20 * np.log10(0.5))
    assert sdr(X, z) >= 100.0


def test_dry_signal_beside_the_overdrive_is_no_obstacle() -> None:
    y = with_dry(X, overdrive(X, 30.0, 20.0).audio, 0.7)
    assert sdr(X, undo(y, gain=30, colour=20, wet=0.7)) >= 110.0


def test_tanh_alone_and_with_dry() -> None:
    y = saturate(X, 12.0).audio
    assert sdr(X, undo(as_16_bit(y), curve="tanh", gain=12)) >= 40.0
    assert sdr(X, undo(y, curve="tanh", gain=12)) >= 80.0
    mixed = as_16_bit(with_dry(X, saturate(X, 30.0).audio, 0.6))
    assert sdr(X, undo(mixed, curve="tanh", gain=30, wet=0.6)) >= 70.0


def test_a_hard_clip_with_dry_is_undone_exactly() -> None:
    y = with_dry(X, clip(X, 0.3, gain_db=20.0).audio, 0.75)
    z = undo(y, curve="clip", gain=20, level=0.3, wet=0.75)
    assert sdr(X, z) >= 110.0


def test_from_the_middle_of_a_recording_the_state_fades_in() -> None:
    y = overdrive(X, 30.0, 20.0).audio[5000:]
    z = undo(y, gain=30, colour=20)
    assert sdr(X[5000 + RATE // 4 :], z[RATE // 4 :]) >= 60.0


def test_what_was_cut_at_full_scale_comes_back_as_its_bound() -> None:
    x = guitar(peak=1.2)
    y = clip(overdrive(x, 35.0, 0.0).audio, 1.0)
    z = undo(y.audio, gain=35, colour=0)
    cut, kept = y.sign != 0, y.sign == 0
    assert cut.any()
    assert (np.abs(z[cut]) <= np.abs(x[cut]) + 1e-4).all()
    assert sdr(x[kept], z[kept]) >= 100.0


def test_what_was_cut_at_full_scale_is_filled_in_with_a_look_ahead() -> None:
    t = np.arange(RATE) / RATE
    chord = sum(np.sin(2 * np.pi * hz * t) for hz in (110.0, 164.8, 220.0, 277.2))
    x = np.asarray(0.3 * chord, np.float32)
    y = clip(overdrive(x, 30.0, 0.0).audio, 1.0).audio
    known: dict[str, float | str] = {"gain": 30.0, "colour": 0.0}
    filled = undo(y, look_ahead=16.0, **known)
    assert sdr(x, filled) > sdr(x, undo(y, **known)) + 6.0
    check_processor(METHOD, RATE, 1, look_ahead=16.0, **known)


def test_settings_that_cannot_be_inverted_are_refused() -> None:
    with pytest.raises(SettingError, match="aspade"):
        InverseWaveshaper(64, "clip", wet=1.0)
    with pytest.raises(SettingError, match="gain"):
        InverseWaveshaper(64, "overdrive", gain_db=-3.0)


def test_it_streams_with_no_latency() -> None:
    processor = InverseWaveshaper(64, "overdrive", 20.0, 0.0)
    assert processor.latency_samples == 0
    y = overdrive(X, 20.0, 0.0).audio
    out = [processor.process(b, Clip(64)).copy() for b in y[:6400].reshape(-1, 64)]
    assert (np.concatenate(out) == undo(y, gain=20, colour=0)[:6400]).all()


@pytest.mark.parametrize(("gain", "colour"), [(20.0, 20.0), (33.3, 0.0)])
def test_quality_of_an_overdrive_whose_settings_are_found(
    gain: float, colour: float
) -> None:
    y = as_16_bit(overdrive(X, gain, colour).audio)
    restorer = InverseOverdrive()
    nothing = np.zeros((len(y), 1), np.int8)
    z = restorer.restore(y[:, None], nothing, np.zeros((len(y), 1)), RATE)[:, 0]
    assert sdr(X, z) >= 40.0
    assert restorer.fit is not None
    assert restorer.fit.gain_db == pytest.approx(gain, abs=0.2)
    assert restorer.fit.confidence > 0.9


def test_samples_cut_at_full_scale_are_declipped_where_the_future_is_known() -> None:
    t = np.arange(RATE) / RATE
    chord = sum(np.sin(2 * np.pi * hz * t) for hz in (110.0, 164.8, 220.0, 277.2))
    x = np.outer(chord, (0.3, 0.1)).astype(np.float32)
    y = clip(overdrive(x, 30.0, 0.0).audio, 1.0).audio
    z = declip(y, RATE, FITTED)
    plain = undo(y, gain=30, colour=0)
    assert sdr(x, z) > sdr(x, plain) + 6.0


@pytest.mark.parametrize("kind", ["clean", "tanh", "clipped"])
def test_what_is_not_overdriven_is_refused_with_the_evidence(kind: str) -> None:
    y = {"clean": X, "tanh": saturate(X, 20.0).audio, "clipped": clip(X, 0.1).audio}
    with pytest.raises(InputError, match="No overdrive was found"):
        declip(y[kind], RATE, FITTED)


def test_too_little_sound_is_refused() -> None:
    for y in (np.zeros((RATE, 1), np.float32), X[:1000, None]):
        with pytest.raises(InputError, match="give 0"):
            declip(y, RATE, FITTED)
