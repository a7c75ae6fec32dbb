"""The second pass by linear prediction: what it gains, and how much of it is used."""

import numpy as np
import pytest

from rtdeclip.distortion import clip_at_fraction
from rtdeclip.metrics.sdr import sdr_db
from rtdeclip.processors.refine_ar import LIMIT, SHARE, RefineByPrediction
from rtdeclip.processors.spade_signal import aspade_estimate

RATE, WINDOW, ORDER = 16000, 512, 64


def run(refine, *signals):
    """Blocks through ``refine``: results and shares, from the first sample on."""
    hop, late = refine.hop, refine.latency_samples
    n = -(-(len(signals[0]) + late) // hop) * hop
    padded = [np.pad(signal, (0, n - len(signal))) for signal in signals]
    outs, shares = [], []
    for i in range(0, n, hop):
        outs.append(refine.process(*(signal[i : i + hop] for signal in padded)).copy())
        shares.append(refine.share.copy())
    return (
        np.concatenate(part)[late : late + len(signals[0])] for part in (outs, shares)
    )


def test_it_improves_an_estimate_of_lightly_clipped_tones():
    t = np.arange(RATE) / RATE
    partials = [np.sin(1382 * k * t + k) * np.exp(-2 * k * t) for k in range(1, 8)]
    clean = np.sum(partials, axis=0).astype(np.float32)
    clipped = clip_at_fraction(clean, 0.6)
    y, sign = clipped.audio, clipped.sign
    bound = np.where(sign != 0, clipped.high, 0).astype(np.float32)
    estimate = aspade_estimate(y, sign, bound, WINDOW)
    out, share = run(RefineByPrediction(WINDOW, ORDER), y, sign, bound, estimate)
    joined = estimate + out - share * estimate
    assert sdr_db(clean, joined) > sdr_db(clean, estimate) + 1.5


@pytest.mark.parametrize("delay", [0, 384])
def test_unclipped_sound_comes_back_late_by_frame_and_delay(delay):
    x = np.random.default_rng(0).standard_normal(3000).astype(np.float32)
    nothing = np.zeros(3000, np.int8)
    refine = RefineByPrediction(WINDOW, ORDER, delay)
    assert refine.latency_samples == WINDOW + delay
    out, share = run(refine, x, nothing, nothing.astype(np.float32), 2 * x)
    assert np.allclose(share, SHARE, atol=1e-5)
    assert np.allclose(out, SHARE * x, atol=1e-5)


def test_nothing_of_it_is_used_where_too_much_is_clipped():
    rng = np.random.default_rng(1)
    x = rng.standard_normal(4000).astype(np.float32)
    sign = (rng.random(4000) < LIMIT + 0.1).astype(np.int8)
    bound = np.abs(x) * sign
    out, share = run(RefineByPrediction(WINDOW, ORDER), x, sign, bound, x)
    assert not share[WINDOW:-WINDOW].any()
    assert not out[WINDOW:-WINDOW].any()


def test_reset_forgets_everything():
    x = np.random.default_rng(2).standard_normal(WINDOW).astype(np.float32)
    sign, bound = (x > 0.8).astype(np.int8), np.where(x > 0.8, x, 0).astype(np.float32)
    refine = RefineByPrediction(WINDOW, ORDER, 128)
    first = list(run(refine, x, sign, bound, x))
    refine.reset()
    second = list(run(refine, x, sign, bound, x))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_noise_is_not_predicted():
    x = np.random.default_rng(3).standard_normal(4000).astype(np.float32)
    sign = (x > 1.8).astype(np.int8)
    bound = np.where(sign > 0, np.float32(1.8), np.float32(0))
    y = np.minimum(x, np.float32(1.8))
    out, share = run(RefineByPrediction(WINDOW, ORDER), y, sign, bound, y)
    assert not share[WINDOW:-WINDOW].any()
    assert not out[WINDOW:-WINDOW].any()
