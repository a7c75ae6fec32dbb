"""The second pass: its kernel against a slow one, and what it gains."""

import numpy as np
import pytest

from rtdeclip.benchmarks.synth import voice
from rtdeclip.distortion import clip_at_fraction
from rtdeclip.metrics.sdr import sdr_db
from rtdeclip.processors import prior_kernel
from rtdeclip.processors.prior_kernel import PriorFrame, Spectrum, neighbours
from rtdeclip.processors.refine import Refine, Sparsity
from rtdeclip.processors.simd_fft import bin_order, host_lanes, plan_for
from rtdeclip.processors.spade_signal import aspade_estimate
from rtdeclip.stream.overlap_add import sine_window

RATE, SIZE = 16000, 256


def matrix():
    m, t = np.arange(SIZE)[:, None], np.arange(SIZE)[None, :]
    return np.exp(-1j * np.pi * t * (4 * m + 1) / (2 * SIZE)) / np.sqrt(SIZE)


def framed(seed):
    """A windowed clipped frame of five tones, and the tones."""
    rng, t = np.random.default_rng(seed), np.arange(SIZE)
    clean = sum(np.sin(w * t + p) for w, p in rng.uniform(0.05, 1.5, (5, 2)))
    clean = (clean / np.abs(clean).max()).astype(np.float32)
    sign = (np.sign(clean) * (np.abs(clean) >= 0.4)).astype(np.int8)
    window = sine_window(SIZE)
    bound = np.where(sign != 0, np.float32(0.4), np.float32(0)) * window
    return np.clip(clean, -0.4, 0.4) * window, sign, bound, clean * window


def levelled(prior, clipped):
    """What the module says of levelled priors."""
    peaked_db = 10 * np.log10(prior.mean()) - 10 * np.log10(prior).mean()
    rise = np.interp(peaked_db, (30, 40), (0.5, 0.2))
    return prior ** min(0.78 + rise * clipped, 1.0)


def reference(y, sign, bound, prior):
    """The iteration in double precision and matrices; prior by bin."""
    A = matrix()

    def project(x):
        return np.where(sign == 0, y, sign * np.maximum(sign * x, bound))

    x = project(y)
    v, c = A @ x, prior_kernel.FIRST
    for _ in range(prior_kernel.MAX_ITERATIONS):
        z = v * prior / (prior + c)
        gap = np.linalg.norm(A @ x - z)
        new = project(x - (A.conj().T @ (v - z)).real)
        if gap <= prior_kernel.EPSILON * np.linalg.norm(y):
            return new
        v, x, c = v - z + A @ (2 * new - x), new, c * prior_kernel.RATIO
    return x


@pytest.mark.parametrize("level", [False, True])
def test_a_frame_is_restored_as_the_slow_reference_restores_it(level):
    order = bin_order(plan_for(SIZE, host_lanes()))
    kernel = PriorFrame(SIZE, levelled=level)
    for seed in range(3):
        y, sign, bound, clean = framed(seed)
        power = np.abs(matrix() @ clean) ** 2
        prior = power / power.max() + prior_kernel.FLOOR
        if level:
            prior = levelled(prior, np.mean(sign != 0))
        out = np.zeros(SIZE, np.float32)
        kernel.restore(y, sign, bound, power[order].astype(np.float32), out)
        slow = reference(y, sign, bound, prior)
        assert sdr_db(slow.astype(np.float32), out) > 50
        assert sdr_db(clean, out) > sdr_db(clean, y) + 10
        assert 0 < kernel.iterations <= prior_kernel.MAX_ITERATIONS


def test_spectra_are_smoothed_over_neighbouring_frequencies():
    order = bin_order(plan_for(SIZE, host_lanes()))
    frame = np.random.default_rng(0).standard_normal(SIZE).astype(np.float32)
    power = np.zeros(SIZE, np.float32)
    magnitudes, energy = Spectrum(SIZE).measure(frame, power)
    exact = np.abs(matrix() @ frame)
    by_frequency = np.argsort(
        np.minimum(4 * np.arange(SIZE) + 1, 4 * SIZE - 1 - 4 * np.arange(SIZE))
    )
    P = np.pad(exact[by_frequency] ** 2, 1, mode="edge")
    smooth = np.empty(SIZE)
    smooth[by_frequency] = 0.5 * P[1:-1] + 0.25 * (P[:-2] + P[2:])
    assert np.allclose(power, smooth[order], rtol=1e-3)
    assert np.isclose(magnitudes, exact.sum(), rtol=1e-5)
    assert np.isclose(energy, (exact**2).sum(), rtol=1e-5)
    assert neighbours(order).shape == (2, SIZE)


def refined(y, sign, bound, estimate, window):
    refine = Refine(window)
    hop, late = refine.hop, refine.latency_samples
    n = -(-(len(y) + late) // hop) * hop
    y, sign, bound, estimate = (
        np.pad(a, (0, n - len(y))) for a in (y, sign, bound, estimate)
    )
    blocks = [slice(i, i + hop) for i in range(0, n, hop)]
    out = [refine.process(y[b], sign[b], bound[b], estimate[b]).copy() for b in blocks]
    return np.concatenate(out)[late:]


def test_it_improves_the_estimate_it_is_given():
    clean = voice(1.0, RATE)
    clipped = clip_at_fraction(clean, 0.3)
    y, sign = clipped.audio, clipped.sign
    bound = np.where(sign != 0, clipped.high, 0).astype(np.float32)
    estimate = aspade_estimate(y, sign, bound, 512)
    better = refined(y, sign, bound, estimate, 512)[: len(y)]
    assert sdr_db(clean, better) > sdr_db(clean, estimate) + 0.5


def test_unclipped_sound_comes_back_one_frame_later():
    x = np.random.default_rng(2).standard_normal(3000).astype(np.float32)
    nothing = np.zeros(3000, np.int8)
    out = refined(x, nothing, nothing.astype(np.float32), x, 256)
    assert np.allclose(out[: len(x)], x, atol=1e-5)


def test_long_frames_are_sparser_for_tones_and_short_ones_for_clicks():
    t = np.arange(RATE)
    tones = (np.sin(0.3 * t) + np.sin(0.35 * t)).astype(np.float32)
    clicks = np.zeros(RATE, np.float32)
    clicks[::1000] = 1.0
    found = {}
    for name, x in (("tones", tones), ("clicks", clicks)):
        for window in (256, 512):
            meter = Sparsity(window, 400, RATE)
            found[name, window] = [meter.measure(b) for b in x.reshape(-1, 400)][-1]
    assert found["tones", 512] < found["tones", 256]
    assert found["clicks", 512] > found["clicks", 256]
    assert Sparsity(256, 400, RATE).measure(np.zeros(400, np.float32)) == 1.0
