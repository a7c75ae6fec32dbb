"""blend averages two aligned estimates and keeps the contract."""

import numpy as np

from rtdeclip.benchmarks.synth import voice
from rtdeclip.distortion import clip_at_fraction
from rtdeclip.metrics.sdr import delta_sdr_db
from rtdeclip.processors.blend import METHOD, Blend
from rtdeclip.stream.clip import Clip
from rtdeclip.stream.offline import declip
from rtdeclip.testing import check_processor, dummy


def test_two_processors_of_other_hops_and_latencies_are_aligned():
    first = dummy("identity", 96, 10).build(16000)
    second = dummy("identity", 64, 200).build(16000)
    both = Blend(first, second, 64, 0.25)
    x = np.random.default_rng(0).standard_normal(64 * 20).astype(np.float32)
    y = np.concatenate([both.process(b, Clip(64)).copy() for b in x.reshape(-1, 64)])
    late = both.latency_samples
    assert late == 200
    assert np.allclose(y[late:], x[:-late], atol=1e-6)


def test_the_contract_is_kept():
    check_processor(METHOD, 16000, 1)


def test_the_average_is_better_than_the_mean_of_both():
    clean = voice(1.5, 16000)
    clipped = clip_at_fraction(clean, 0.4).audio
    gains = {
        name: delta_sdr_db(clean, clipped, declip(clipped, 16000, name))
        for name in ("ar", "aspade", "blend")
    }
    assert gains["blend"] > (gains["ar"] + gains["aspade"]) / 2
    assert gains["blend"] > 5
