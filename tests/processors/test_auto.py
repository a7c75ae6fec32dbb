"""auto climbs to what severity and budget allow, without clicks, the same each time."""

import numpy as np
import pytest

from rtdeclip.errors import SettingError
from rtdeclip.processors.auto import METHOD, ladder
from rtdeclip.stream.clip import Clip, Plateau
from rtdeclip.stream.processor import Method, Rung
from rtdeclip.stream.stream import Stream
from rtdeclip.testing import check_processor

RATE, HOP = 16000, 64


class Constant:
    """Answers one value, so that one hears who speaks."""

    def __init__(self, value, hop, latency):
        self.hop, self.latency_samples, self.value = hop, latency, value
        self.blocks = 0

    def process(self, block, clip):
        self.blocks += 1
        return np.full(self.hop, self.value, np.float32)

    def reset(self):
        self.blocks = 0


def rung(name, value, cost, gains, hop=HOP, latency=0, **more):
    made = Constant(value, hop, latency)
    method = Method(
        name,
        "test",
        lambda rate: made,
        rungs=(Rung((), cost, gains),),
        **more,
    )
    return method, made


def light_and_heavy():
    off = rung("off", 0.0, 1e-6, (0, 0, 0, 0, 0))
    fast = rung("fast", 1.0, 0.001, (1, 1, 1, 1, 1))
    light = rung("light", 2.0, 0.1, (9, 9, 5, 2, 2), latency=96)
    heavy = rung("heavy", 3.0, 0.3, (2, 2, 4, 8, 8), hop=96, latency=32)
    return [off, fast, light, heavy]


def play(auto, share, seconds):
    """Plays blocks of which ``share`` is clipped; returns the output."""
    clip = Clip(HOP)
    clip.high = clip.low = Plateau.digital(0.5)
    clip.count = round(share * HOP)
    clip.sign[: clip.count] = 1
    block = np.zeros(HOP, np.float32)
    n = round(seconds * RATE / HOP)
    return np.concatenate([auto.process(block, clip).copy() for _ in range(n)])


def make(max_latency_ms=50):
    return ladder([m for m, _ in light_and_heavy()], RATE, max_latency_ms, HOP)


def test_severity_chooses_the_rung_and_the_change_is_smooth():
    auto = make()
    play(auto, 0.4, 8)
    assert auto.active == "heavy"
    y = play(auto, 1 / HOP, 20)
    assert auto.active == "light"
    assert (y[0], y[-1]) == (3.0, 2.0)
    assert np.abs(np.diff(y)).max() <= 1.0 / (0.014 * RATE)
    assert [name for _, name in auto.switches] == ["heavy", "light"]


def test_the_trend_goes_on_beyond_the_heaviest_severity_that_was_measured():
    falling = rung("falling", 1.0, 0.001, (9, 9, 9, 9, 5))[0]
    steady = rung("steady", 2.0, 0.002, (5, 5, 5, 5, 4.9))[0]
    auto = ladder([falling, steady], RATE, 50, HOP)
    play(auto, 0.6, 8)
    assert auto.active == "falling"
    play(auto, 0.8, 8)
    assert auto.active == "steady"


def test_the_slowest_rung_offered_sets_the_latency_and_a_limit_drops_it():
    # heavy: 32 own + 96 − gcd(96, 64) for its hop; light: 96
    assert make().latency_samples == 96
    assert make(11).latency_samples == 96
    assert make(9).latency_samples == 0
    with pytest.raises(SettingError, match="larger max_latency"):
        make(2)


def test_a_budget_brings_the_warm_rung_within_a_crossfade_and_back():
    auto = make()
    play(auto, 0.4, 5)
    assert auto.ease()
    assert auto.ease()
    y = play(auto, 0.4, 0.05)
    assert auto.active == "fast"
    assert y[-1] == 1.0
    assert auto.recover()
    assert auto.recover()
    y = play(auto, 0.4, 1)
    assert y[-1] == 3.0
    assert not auto.recover()


def test_what_cannot_cost_less_says_so():
    auto = make()
    play(auto, 0.4, 5)
    eased = [auto.ease() and play(auto, 0.4, 0.1) is not None for _ in range(5)]
    assert eased == [True, True, True, False, False]
    assert play(auto, 0.4, 1)[-1] == 0.0
    stream = Stream(RATE, 1, "bypass")
    assert not stream.ease()
    assert not stream.recover()


def test_idle_rungs_cost_nothing():
    made = light_and_heavy()
    auto = ladder([m for m, _ in made], RATE, 50, HOP)
    play(auto, 0.4, 8)
    light = made[2][1]
    before = light.blocks
    play(auto, 0.4, 1)
    assert light.blocks == before


def test_methods_of_another_rate_are_passed_over():
    methods = [m for m, _ in light_and_heavy()]
    methods.append(rung("only-48k", 9.0, 0.01, (99,) * 5, rates=(48000,))[0])
    auto = ladder(methods, RATE, 50, HOP)
    play(auto, 0.4, 5)
    assert auto.active == "heavy"


@pytest.mark.parametrize("rate", [16000, 48000])
def test_the_built_in_ladder_keeps_the_contract(rate):
    check_processor(METHOD, rate, 1, max_latency=12.0, only="bypass,cubic")


def test_the_same_signal_makes_the_same_choices():
    rng = np.random.default_rng(0)
    x = np.clip(rng.standard_normal((RATE, 1)) * 0.4, -0.5, 0.5).astype(np.float32)
    stream = Stream(RATE, 1, METHOD, {"only": "bypass,cubic"})
    first = np.concatenate([stream.feed(x), stream.flush()])
    second = np.concatenate(
        [stream.feed(x[:999]), stream.feed(x[999:]), stream.flush()]
    )
    assert np.array_equal(first, second)
