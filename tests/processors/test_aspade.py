"""A-SPADE: the fast kernel against a slow one, and what a user hears of it."""

import numpy as np
import pytest

from rtdeclip.benchmarks.synth import plucked, voice
from rtdeclip.distortion import clip_at_fraction, clip_to_sdr
from rtdeclip.metrics.sdr import delta_sdr_db, sdr_db
from rtdeclip.processors.aspade import METHOD
from rtdeclip.processors.gabor import hann
from rtdeclip.processors.spade_kernel import SURVEY, Schedule, SpadeFrame
from rtdeclip.processors.spade_signal import aspade_estimate
from rtdeclip.stream.offline import declip
from rtdeclip.stream.overlap_add import sine_window
from rtdeclip.testing import check_processor

RATE = 16000


def reference(y, sign, bound, schedule):
    """A-SPADE as written in the papers, with an odd-frequency DFT of length 2w.

    The transform of a real frame has w free coefficients at odd half-bins.
    """
    w = len(y)
    n = np.arange(w)
    odd = np.exp(-1j * np.pi * n[None, :] * (2 * n[:, None] + 1) / (2 * w))
    frame = odd / np.sqrt(w)

    def hard(x, k):
        kept = np.zeros_like(x)
        top = np.argsort(np.abs(x))[-k:]
        kept[top] = x[top]
        return kept

    def project(x):
        return np.where(sign == 0, y, sign * np.maximum(sign * x, bound))

    x, u, k = y.astype(float), np.zeros(w, complex), schedule.first
    limit = max(schedule.epsilon * np.linalg.norm(y), schedule.epsilon_absolute)
    for iteration in range(1, 20 * w):
        analysed = frame @ x
        z = hard(analysed + u, min(k, w))
        done = np.linalg.norm(analysed - z) <= limit
        x = project((frame.conj().T @ (z - u)).real)
        if done:
            break
        u = u + frame @ x - z
        if iteration % schedule.every == 0:
            k += max(schedule.step, int(schedule.growth * k))
    return x


def tones(n, seed):
    rng = np.random.default_rng(seed)
    t = np.arange(n) / RATE
    x = sum(
        a * np.sin(2 * np.pi * f * t + p)
        for a, f, p in zip(
            rng.uniform(0.2, 1, 4),
            rng.uniform(150, 3000, 4),
            rng.uniform(0, 6, 4),
            strict=True,
        )
    )
    return (x / np.abs(x).max()).astype(np.float32)


def framed(x, level):
    """A sine-windowed frame, its masks and its windowed bounds."""
    window = sine_window(len(x))
    sign = (np.sign(x) * (np.abs(x) >= level)).astype(np.int8)
    bound = np.where(sign != 0, level, 0).astype(np.float32)
    return np.clip(x, -level, level) * window, sign, bound * window


def synthesis_reference(y, sign, bound, schedule):
    """S-SPADE as written in Záviška et al. 2019, in the same transform."""
    w = len(y)
    n = np.arange(w)
    frame = np.exp(-1j * np.pi * n[None, :] * (2 * n[:, None] + 1) / (2 * w))
    frame /= np.sqrt(w)
    x, u, k = y.astype(float), np.zeros(w), schedule.first
    limit = max(schedule.epsilon * np.linalg.norm(y), schedule.epsilon_absolute)
    for iteration in range(1, 20 * w):
        z = frame @ (x - u)
        z[np.argsort(np.abs(z))[:-k]] = 0
        sparse = (frame.conj().T @ z).real
        x = np.where(sign == 0, y, sign * np.maximum(sign * (sparse + u), bound))
        u = u + sparse - x
        if np.linalg.norm(sparse - x) <= limit:
            break
        if iteration % schedule.every == 0:
            k += max(schedule.step, int(schedule.growth * k))
        if k >= w:
            break
    return x


@pytest.mark.parametrize("schedule", [Schedule(growth=0.1), SURVEY])
@pytest.mark.parametrize("seed", range(2))
def test_the_synthesis_variant_is_that_of_the_paper(schedule, seed):
    y, sign, bound = framed(tones(256, seed), 0.4)
    ours = np.zeros(256, np.float32)
    SpadeFrame(256, schedule, synthesis=True).restore(y, sign, bound, ours)
    assert sdr_db(synthesis_reference(y, sign, bound, schedule), ours) > 60


@pytest.mark.parametrize("schedule", [Schedule(), Schedule(growth=0.1), SURVEY])
@pytest.mark.parametrize("seed", range(3))
def test_a_frame_is_restored_as_the_slow_reference_restores_it(schedule, seed):
    clean = tones(256, seed)
    y, sign, bound = framed(clean, 0.4)
    truth = clean * sine_window(256)
    ours = np.zeros(256, np.float32)
    SpadeFrame(256, schedule).restore(y, sign, bound, ours)
    slow = reference(y, sign, bound, schedule)
    # Coefficients of nearly equal size may be kept or not by rounding: what counts is
    # that both find the same signal.
    assert abs(sdr_db(truth, ours) - sdr_db(truth, slow)) < 1.0
    assert sdr_db(slow, ours) > sdr_db(truth, slow) - 1.0


def survey_reference(y, sign, bound):
    """A-SPADE with the survey's s = 1, r = 2, ε = 0.1, by numpy's transform.

    The frame's coefficients at odd half-bins are one FFT of the turned samples.
    """
    w = len(y)
    turn = np.exp(-0.5j * np.pi * np.arange(w) / w)

    def analyse(x):
        return np.fft.fft(x * turn) / np.sqrt(w)

    x, u, k = y.astype(float), np.zeros(w, complex), 1
    for iteration in range(1, 2 * w):
        analysed = analyse(x)
        z = analysed + u
        z[np.abs(z) < np.partition(np.abs(z), w - k)[w - k]] = 0
        done = np.linalg.norm(analysed - z) <= 0.1
        x = (np.fft.ifft(z - u) * turn.conj()).real * np.sqrt(w)
        x = np.where(sign == 0, y, sign * np.maximum(sign * x, bound))
        if done:
            break
        u = u + analyse(x) - z
        k += iteration % 2 == 0
    return x


def test_the_parameters_of_the_survey_give_its_result_on_synthetic_music():
    notes = [plucked(8192 / 44100, 44100, seed) for seed in range(3)]
    clean = sum(notes) / np.abs(sum(notes)).max()
    shape = hann(8192)
    level = np.float32(0.4)
    sign = (np.sign(clean) * (np.abs(clean) >= level)).astype(np.int8)
    y = (np.clip(clean, -level, level) * shape).astype(np.float32)
    bound = (level * shape * (sign != 0)).astype(np.float32)
    ours = np.zeros(8192, np.float32)
    SpadeFrame(8192, SURVEY).restore(y, sign, bound, ours)
    truth, slow = clean * shape, survey_reference(y, sign, bound)
    assert sdr_db(truth, slow) > sdr_db(truth, y) + 6
    assert abs(sdr_db(truth, ours) - sdr_db(truth, slow)) < 0.2
    assert sdr_db(slow, ours) > 35


def test_the_number_of_iterations_is_bounded_by_the_schedule():
    kernel = SpadeFrame(256, Schedule(growth=0.03, epsilon=0.0))
    rng = np.random.default_rng(0)
    y, sign, bound = framed(rng.standard_normal(256).astype(np.float32), 0.3)
    kernel.restore(y, sign, bound, np.zeros(256, np.float32))
    assert 0 < kernel.iterations <= (1 + np.log(0.03 * 256)) / 0.03 + 40


def test_sums_of_sinusoids_come_back_by_more_than_40_db():
    t = np.arange(RATE) / RATE
    clean = sum(np.sin(2 * np.pi * f * t + f) for f in (250.0, 406.25, 1000.0))
    clean = (0.3 * clean).astype(np.float32)
    clipped = clip_at_fraction(clean, 0.7)
    restored = declip(clipped.audio, RATE, "aspade", {"window_ms": 32})
    middle = slice(2048, -2048)
    assert sdr_db(clean[middle], restored[middle]) > 40


@pytest.mark.parametrize(("sdr_in_db", "least_db"), [(3, 6.0), (7, 7.5), (15, 4.5)])
def test_quality_on_a_voice(sdr_in_db, least_db):
    clean = voice(1.5, RATE)
    clipped = clip_to_sdr(clean, sdr_in_db).audio
    gain = delta_sdr_db(clean, clipped, declip(clipped, RATE, METHOD))
    assert gain > least_db


def test_a_longer_window_is_better_for_a_string_and_a_faster_schedule_worse():
    clean = plucked(1.5, RATE)
    clipped = clip_at_fraction(clean, 0.3).audio

    def gain(**settings):
        restored = declip(clipped, RATE, METHOD, settings)
        return delta_sdr_db(clean, clipped, restored)

    assert gain(window_ms=32) > gain(window_ms=16) + 0.2
    assert gain(growth=0.03) > gain(growth=0.3) + 0.2
    assert gain(overlap="75") > gain(overlap="50")


@pytest.mark.parametrize("rate", [8000, 16000])
def test_the_contract_is_kept(rate):
    check_processor(METHOD, rate, 1)


def test_all_clipped_and_tiny_frames_stay_finite_and_consistent():
    for level in (1e-20, 1e-6, 0.5, 1e6):
        y, sign, bound = framed(np.full(256, 2 * level, np.float32), level)
        out = np.zeros(256, np.float32)
        SpadeFrame(256).restore(y, sign, bound, out)
        assert np.isfinite(out).all()
        assert (out >= bound * (1 - 1e-5)).all()


def test_whole_signals_do_not_depend_on_the_number_of_threads():
    clean = voice(0.5, RATE)
    clipped = clip_at_fraction(clean, 0.2)
    bound = np.where(clipped.sign != 0, clipped.high, 0).astype(np.float32)
    one, two = (
        aspade_estimate(clipped.audio, clipped.sign, bound, 512, threads=n)
        for n in (1, 2)
    )
    assert np.array_equal(one, two)
    assert delta_sdr_db(clean, clipped.audio, one) > 5
