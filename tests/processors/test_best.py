"""best averages what errs differently; it streams like every processor."""

import numpy as np

from rtdeclip.benchmarks.synth import voice
from rtdeclip.distortion import clip_at_fraction
from rtdeclip.metrics.sdr import delta_sdr_db
from rtdeclip.processors.best import METHOD, Best
from rtdeclip.stream.clip import Clip
from rtdeclip.stream.offline import declip
from rtdeclip.testing import check_processor, dummy

RATE = 16000


def test_the_contract_is_kept():
    check_processor(METHOD, RATE, 1)


def test_members_are_aligned_and_averaged():
    members = [dummy("identity", 96, 10).build(RATE), dummy().build(RATE)]
    best = Best(members, None, 64, RATE)
    x = np.random.default_rng(0).standard_normal(64 * 20).astype(np.float32)
    y = np.concatenate([best.process(b, Clip(64)).copy() for b in x.reshape(-1, 64)])
    late = best.latency_samples
    assert late == 10 + 96 - 32
    assert np.allclose(y[late:], x[:-late], atol=1e-6)


def test_it_is_better_than_a_spade_alone_light_and_heavy():
    clean = voice(1.5, RATE)
    for fraction in (0.2, 0.6):
        clipped = clip_at_fraction(clean, fraction).audio
        best, alone = (
            delta_sdr_db(clean, clipped, declip(clipped, RATE, name))
            for name in ("best", "aspade")
        )
        assert best > alone


def test_linear_prediction_joins_where_clipping_is_light_only():
    light = dummy("too-loud", 64).build(RATE)
    best = Best([dummy("identity", 64).build(RATE)], light, 64, RATE)
    block, clip = np.full(64, 0.5, np.float32), Clip(64)
    clip.count = 60
    heavy = [best.process(block, clip)[0] for _ in range(200)][-1]
    clip.count = 2
    few = [best.process(block, clip)[0] for _ in range(200)][-1]
    assert heavy == 0.5
    assert few > 100
