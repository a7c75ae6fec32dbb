import numpy as np
import pytest

from rtdeclip.live.feedback import FeedbackGuard

RATE, LOOK = 48000, 1920


def judge(sound):
    """When the guard hears a howl, in seconds; None if never."""
    guard = FeedbackGuard(0.89)
    for end in range(4096, len(sound), LOOK):
        if guard.hears_howl(sound[end - 4096 : end].astype(np.float32)):
            return end / RATE
    return None


def time(seconds):
    return np.arange(round(seconds * RATE)) / RATE


def test_a_tone_that_grows_to_the_ceiling_is_heard_before_it_gets_there():
    t = time(3.0)
    noise = 1e-3 * np.random.default_rng(0).standard_normal(len(t))
    level = np.minimum(0.01 * 10 ** (t * 15 / 20), 0.89)
    heard = judge(level * np.sin(2 * np.pi * 1730 * t) + noise)
    assert heard is not None
    assert level[round(heard * RATE)] < 0.89


@pytest.mark.parametrize("kind", ["held note", "noise", "attacks", "swell of a chord"])
def test_music_is_no_howl(kind):
    t = time(4.0)
    rng = np.random.default_rng(1)
    sound = {
        "held note": 0.8 * np.sin(2 * np.pi * 440 * t),
        "noise": 0.3 * rng.standard_normal(len(t)),
        "attacks": 0.8 * np.sin(2 * np.pi * 220 * t) * np.exp(-6 * (t % 0.5)),
        "swell of a chord": np.minimum(0.9, 0.05 * 10 ** (t * 10 / 20))
        * sum(np.sin(2 * np.pi * f * t) for f in (220, 277, 330, 440))
        / 4,
    }[kind]
    assert judge(sound) is None
