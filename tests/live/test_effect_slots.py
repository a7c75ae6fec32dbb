import numpy as np
import pytest

from rtdeclip.errors import SettingError
from rtdeclip.live.effect_slots import EffectSlots
from rtdeclip.stream.effects.gain import Gain
from rtdeclip.stream.effects.highpass import HighPass
from rtdeclip.stream.limiter import TruePeakLimiter

RATE, HOP = 48000, 256


def _tone(seconds, offset=0.0):
    n = np.arange(round(seconds * RATE) // HOP * HOP)
    return (0.3 * np.sin(0.05 * n) + offset).astype(np.float32)[:, None]


def _run(slots, x):
    blocks = [slots.process(x[i : i + HOP]).copy() for i in range(0, len(x), HOP)]
    return np.concatenate(blocks)


def test_empty_slots_pass_the_sound_on_bit_exact():
    x = _tone(0.1)
    assert np.array_equal(_run(EffectSlots([], RATE, 1, HOP), x), x)


def test_an_exchange_fades_without_a_step_and_ends_at_the_new_effects():
    slots = EffectSlots([], RATE, 1, HOP)
    x = np.full((HOP * 40, 1), 0.5, np.float32)
    _run(slots, x)
    slots.exchange([Gain(RATE, 1, -12.0)])
    y = _run(slots, x)
    assert np.abs(np.diff(y[:, 0])).max() < 1e-3
    assert y[-1, 0] == pytest.approx(0.5 * 10 ** (-12 / 20))
    assert not slots.changing


def test_a_filter_has_settled_before_it_is_heard():
    x = _tone(0.5, offset=0.4)
    slots = EffectSlots([], RATE, 1, HOP)
    slots.exchange([HighPass(RATE, 1, corner_hz=30.0)])
    y = _run(slots, x)
    usual = np.abs(np.diff(x[:, 0])).max()
    assert np.abs(np.diff(y[:, 0])).max() < 1.1 * usual
    assert abs(y[-4800:].mean()) < 0.02


def test_reset_ends_a_change():
    slots = EffectSlots([], RATE, 1, HOP)
    slots.exchange([Gain(RATE, 1, -12.0)])
    slots.reset()
    assert slots.process(np.full((HOP, 1), 0.5, np.float32))[0, 0] < 0.2


def test_effects_of_another_latency_are_refused():
    slots = EffectSlots([], RATE, 1, HOP)
    with pytest.raises(SettingError, match="keeps its latency"):
        slots.check([TruePeakLimiter(RATE, 1)])
    slots.check([Gain(RATE, 1)])


def test_a_setting_glides_without_an_exchange():
    slots = EffectSlots([Gain(RATE, 1, 0.0)], RATE, 1, HOP)
    assert slots.adjustable
    slots.set_setting(0, "gain_db", -6.0)
    assert not slots.changing
    y = _run(slots, np.full((HOP * 8, 1), 0.5, np.float32))
    assert np.abs(np.diff(y[:, 0])).max() < 1e-3
    assert y[-1, 0] == pytest.approx(0.5 * 10 ** (-6 / 20))
