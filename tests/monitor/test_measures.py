"""Meters, histogram, load, scale, spectrogram: what is computed before it is drawn."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtdeclip.live.telemetry import Status
from rtdeclip.monitor.density import BIN, Density, amplitudes, confidence
from rtdeclip.monitor.load import SPAN_S, LoadHistory
from rtdeclip.monitor.meters import FLOOR_DB, Meter
from rtdeclip.monitor.scale import RANGES, Scale, decibel_marks, time_marks
from rtdeclip.monitor.spectra import COLUMNS, Spectra

RATE = 48000


def _sine(hz, seconds=0.5, phase=0.0):
    t = np.arange(round(seconds * RATE)) / RATE
    return np.sin(2 * np.pi * hz * t + phase).astype(np.float32)


def test_the_true_peak_lies_between_the_samples():
    meter = Meter(RATE)
    meter.feed(_sine(RATE / 4, phase=np.pi / 4))
    assert meter.hold_db == pytest.approx(-3.01, abs=0.01)
    assert meter.true_peak_db == pytest.approx(0.0, abs=0.3)


def test_rms_of_a_full_scale_sine_is_3_db_below_it():
    meter = Meter(RATE)
    for _ in range(20):
        meter.feed(_sine(1000, 0.1))
    assert meter.rms_db == pytest.approx(-3.01, abs=0.1)


def test_the_peak_falls_and_the_hold_waits_before_it_follows():
    meter = Meter(RATE)
    meter.feed(_sine(1000, 0.1))
    silence = np.zeros(RATE // 2, np.float32)
    meter.feed(silence)
    assert meter.peak_db == pytest.approx(-10.0, abs=0.01)
    assert meter.hold_db == pytest.approx(0.0, abs=0.01)
    for _ in range(8):
        meter.feed(silence)
    assert meter.peak_db == FLOOR_DB
    assert meter.hold_db < -20.0


@settings(deadline=None)
@given(st.lists(st.floats(width=32), min_size=1, max_size=50))
def test_a_meter_survives_any_samples(samples):
    meter = Meter(RATE)
    with np.errstate(over="ignore", invalid="ignore"):
        meter.feed(np.array(samples, np.float32))
    for value in (meter.peak_db, meter.hold_db, meter.true_peak_db):
        assert value >= FLOOR_DB
        assert not math.isnan(value)


@settings(deadline=None)
@given(st.lists(st.floats(-5, 5, width=32), max_size=200))
def test_every_sample_is_counted_once(samples):
    density = Density(RATE)
    density.add(np.array(samples, np.float32))
    assert density.counts.sum() == pytest.approx(len(samples))
    assert (density.shares() >= 0.0).all()
    assert (density.shares() <= 1.0).all()


def test_the_histogram_peaks_at_the_clip_level():
    density = Density(RATE)
    density.add(np.clip(_sine(440), -0.3, 0.5))
    for level in (0.5, -0.3):
        at = int(np.argmin(np.abs(amplitudes() - level)))
        assert density.counts[at] > 5 * density.counts[at - 5]
        assert abs(amplitudes()[at] - level) <= BIN / 2


@settings(deadline=None)
@given(level=st.floats(0.2, 0.7))
def test_a_clear_plateau_is_sure_and_its_absence_is_not(level):
    sine = _sine(440, 0.1)
    clipped = np.clip(sine, -level, level)
    assert confidence(clipped, float(np.float32(level))) > 0.85
    assert confidence(clipped, -float(np.float32(level))) > 0.85
    assert confidence(sine, level) == 0.0
    assert confidence(clipped, 0.0) == 0.0


def test_late_hops_are_marked_when_they_happen():
    load = LoadHistory()
    for i, late in enumerate((5, 5, 7, 7)):
        load.add(Status(load=0.1, late_hops=late), 1.0 * i)
    assert load.trace(3.0).late_age_s.tolist() == [-1.0]


def test_the_load_of_one_minute_is_kept():
    load = LoadHistory()
    for i in range(2000):
        load.add(Status(load=0.2), 0.1 * i)
    trace = load.trace(199.9)
    assert trace.age_s.min() >= -SPAN_S
    assert trace.load.max() == 0.2


@settings(deadline=None)
@given(st.floats(0, 10))
def test_the_scale_always_holds_the_peak_or_is_at_its_largest(peak):
    scale = Scale()
    magnitude = scale.fit(peak)
    assert magnitude >= peak or magnitude == RANGES[-1]


def test_the_scale_shrinks_only_after_a_while():
    scale = Scale()
    scale.fit(0.9)
    assert [scale.fit(0.1) for _ in range(60)] == [1.05] * 60
    assert scale.fit(0.1) == 0.1


@pytest.mark.parametrize("magnitude", RANGES)
def test_axis_marks_lie_inside_and_apart(magnitude):
    places = sorted(place for place, _ in decibel_marks(magnitude))
    assert max(places) <= magnitude
    assert min(np.diff(places), default=1.0) >= 0.19 * magnitude
    assert all(-2.0 < age < 0.0 for age, _ in time_marks(2.0))


def test_a_tone_is_a_line_in_the_spectrogram_whatever_the_pieces():
    whole, pieces = Spectra(RATE), Spectra(RATE)
    tone = _sine(3000, 1.0)
    whole.feed(tone)
    for part in np.array_split(tone, 37):
        pieces.feed(part)
    assert whole.image.shape[0] == COLUMNS
    assert np.allclose(whole.image, pieces.image, atol=0.1)
    loudest = whole.frequencies[whole.image[-5].argmax()]
    assert loudest == pytest.approx(3000, abs=RATE / 1024)
    assert whole.image[-5].max() == pytest.approx(0.0, abs=1.5)
