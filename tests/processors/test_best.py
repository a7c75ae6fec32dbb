"""best: two passes, mixed by sparsity; it streams like every processor.

Short frames here, so that the tests compile small kernels only.
"""

import numpy as np
import pytest

from rtdeclip.benchmarks.synth import plucked, voice
from rtdeclip.distortion import clip_at_fraction
from rtdeclip.metrics.sdr import delta_sdr_db
from rtdeclip.processors.best import FIRST_MS, MUSIC, SPEECH, Best, lengths
from rtdeclip.stream.clip import Clip
from rtdeclip.stream.offline import declip
from rtdeclip.stream.processor import Method
from rtdeclip.testing import check_processor, dummy

RATE = 16000
SHORT = Method("short", "", lambda rate: Best(rate, (256, 512), (256, 512)))
TONAL = Method(
    "tonal",
    "",
    lambda rate: Best(rate, (256, 512), (256, 512), prediction=(512, 64), recipe=MUSIC),
)


@pytest.mark.parametrize("method", [SHORT, TONAL], ids=["speech", "music"])
def test_the_contract_is_kept(method):
    check_processor(method, RATE, 1)


@pytest.mark.parametrize(
    ("rate", "first", "second"),
    [
        (16000, [512, 1024, 2048, 4096, 8192], [1024, 8192]),
        (44100, [1024, 2048, 4096, 8192, 16384], [2048, 8192, 16384]),
        (48000, [1024, 2048, 4096, 8192, 16384], [2048, 8192, 16384]),
        (8000, [256, 512, 1024, 2048, 4096], [512, 4096]),
    ],
)
def test_the_frame_lengths_follow_the_sample_rate(rate, first, second):
    recipe = SPEECH if rate <= 24000 else MUSIC
    assert lengths(rate, FIRST_MS) == first
    assert lengths(rate, recipe.second_ms) == second


@pytest.mark.parametrize("make", [voice, plucked])
def test_it_is_better_than_a_spade_alone_light_and_heavy(make):
    clean = make(1.0, RATE)
    for fraction in (0.2, 0.5):
        clipped = clip_at_fraction(clean, fraction).audio
        best, alone = (
            delta_sdr_db(clean, clipped, declip(clipped, RATE, method))
            for method in (SHORT, "aspade")
        )
        assert best > alone


def test_the_result_does_not_depend_on_the_number_of_threads():
    clipped = clip_at_fraction(voice(0.5, RATE), 0.3).audio
    two = Method("two", "", lambda rate: Best(rate, (256, 512), (256,), threads=2))
    one = Method("one", "", lambda rate: Best(rate, (256, 512), (256,), threads=1))
    assert np.array_equal(declip(clipped, RATE, one), declip(clipped, RATE, two))


def test_linear_prediction_joins_where_clipping_is_light_only():
    best = Best(RATE, (256,), (256,), dummy("too-loud", 64).build(RATE))
    block, clip = np.full(best.hop, 0.5, np.float32), Clip(best.hop)

    def loudest(clipped):
        clip.sign.fill(0)
        clip.sign[: round(clipped * best.hop)] = 1
        clip.bound[:] = 0.5 * clip.sign
        clip.count = int(clip.sign.sum())
        return [np.abs(best.process(block, clip)).max() for _ in range(400)][-1]

    assert loudest(0.95) < 10
    assert loudest(0.05) > 100


def test_prediction_joins_where_clipping_is_light():
    t = np.arange(RATE) / RATE
    partials = [np.sin(1382 * k * t + k) * np.exp(-2 * k * t) for k in range(1, 8)]
    clean = np.sum(partials, axis=0).astype(np.float32)
    clipped = clip_at_fraction(clean, 0.6).audio
    without = Method(
        "without", "", lambda rate: Best(rate, (256, 512), (256, 512), recipe=MUSIC)
    )
    joined, alone = (
        delta_sdr_db(clean, clipped, declip(clipped, RATE, method))
        for method in (TONAL, without)
    )
    assert joined > alone + 1.0


def test_silence_stays_silence():
    best = Best(RATE, (256, 512), (256, 512))
    block, clip = np.zeros(best.hop, np.float32), Clip(best.hop)
    assert all(not best.process(block, clip).any() for _ in range(20))
