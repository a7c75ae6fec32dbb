"""The scan of whole recordings, and the schedules that come of it."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtdeclip.stream.clip import Clip, Plateau
from rtdeclip.stream.histogram import N_BINS, bin_of, edges
from rtdeclip.stream.levels import (
    LevelScanner,
    LevelSchedule,
    ScheduledDetector,
    Segment,
)
from rtdeclip.stream.runs import RunLengths

DATA = Path(os.environ.get("RTDECLIP_DATA", Path(__file__).parents[3] / "shared/data"))
RATE = 8000
HOP = 64


def sound(seconds, seed=0):
    """Noise in a band under a slow envelope, peak 1."""
    rng = np.random.default_rng(seed)
    n = round(seconds * RATE)
    t = np.arange(n) / RATE
    x = np.convolve(rng.standard_normal(n), np.hanning(25), "same")
    x *= 0.2 + np.sin(2 * np.pi * 0.9 * t) ** 2
    return (x / np.abs(x).max()).astype(np.float32)


def scan(*channels, pieces=(1000,)):
    x = np.stack(channels, axis=1)
    scanner = LevelScanner(RATE, x.shape[1])
    start, k = 0, 0
    while start < len(x):
        n = pieces[k % len(pieces)]
        scanner.feed(x[start : start + n])
        start, k = start + n, k + 1
    return scanner.finish(), scanner.reports()


def longest_run(hit):
    best = count = 0
    for h in hit:
        count = count + 1 if h else 0
        best = max(best, count)
    return best


def test_a_clipped_recording_is_one_segment_with_its_counts():
    y = np.clip(sound(6), -0.3, 0.4)
    (schedule,), (report,) = scan(y)
    assert schedule.segments == (
        Segment(0, len(y), schedule.segments[0].high, schedule.segments[0].low),
    )
    assert report.high is not None
    assert report.low is not None
    assert report.high.level == pytest.approx(0.4, rel=1e-6)
    assert report.low.level == pytest.approx(0.3, rel=1e-6)
    assert report.high.clipped_samples == (y == y.max()).sum()
    assert report.low.clipped_samples == (y == y.min()).sum()
    assert report.low.clipped_fraction == (y == y.min()).sum() / len(y)
    assert report.high.longest_run_samples == longest_run(y == y.max())
    assert report.low.longest_run_samples == longest_run(y == y.min())


def test_an_unclipped_recording_has_no_levels():
    y = sound(20)
    (schedule,), (report,) = scan(y)
    assert schedule.segments == (Segment(0, len(y), None, None),)
    assert report.high is None
    assert report.low is None


def test_how_a_recording_is_fed_makes_no_difference():
    y = np.clip(sound(20), -0.3, 0.3)
    y[90000:] *= np.float32(0.5)
    assert scan(y) == scan(y, pieces=(1, 17, 509, 2048)) == scan(y, pieces=(len(y),))


def test_channels_are_scanned_apart():
    x = sound(6)
    _, (left, right) = scan(np.clip(x, -0.3, 0.3), x)
    assert left.high is not None
    assert right.high is None


@pytest.mark.parametrize("gain", [0.6, 1.6])
def test_a_gain_that_changes_makes_a_segment_with_an_exact_enough_border(gain):
    y = np.clip(sound(32), -0.3, 0.3)
    change = 17 * RATE
    y[change:] *= np.float32(gain)
    (schedule,), _ = scan(y)
    first, last = schedule.segments[0], schedule.segments[-1]
    assert first.high is not None
    assert last.high is not None
    assert last.low is not None
    assert first.high.level == pytest.approx(0.3, rel=1e-5)
    assert last.high.level == pytest.approx(0.3 * gain, rel=1e-3)
    assert last.low.level == pytest.approx(0.3 * gain, rel=1e-3)
    borders = [s.end_sample for s in schedule.segments[:-1]]
    assert [s.start_sample for s in schedule.segments[1:]] == borders
    assert len(borders) == 1
    # Between the last old plateau and the first sound at the new level.
    assert abs(borders[0] - change) < 0.5 * RATE
    masked = apply(schedule, y)
    truth = np.abs(y) >= 0.3 * np.where(np.arange(len(y)) < change, 1, gain) * 0.99999
    assert (masked[: len(truth)] != truth[: len(masked)]).mean() < 0.01


def test_clipping_after_a_long_clean_start_is_found():
    y = sound(40)
    y[24 * RATE :] = np.clip(y[24 * RATE :], -0.25, 0.25)
    (schedule,), (report,) = scan(y)
    assert schedule.segments[0].high is None
    assert report.high is not None
    assert report.high.level == pytest.approx(0.25, rel=1e-3)


@pytest.mark.parametrize("n", [0, 1, 7, 79])
def test_short_recordings_have_a_schedule(n):
    y = np.clip(sound(1)[:n], -0.1, 0.1)
    (schedule,), _ = scan(y)
    assert sum(s.end_sample - s.start_sample for s in schedule.segments) == n


def test_samples_that_are_no_sound_change_nothing():
    y = np.clip(sound(6), -0.3, 0.3)
    y[1000:1004] = (np.nan, np.inf, -np.inf, 1e30)
    _, (report,) = scan(y)
    assert report.high is not None
    assert report.high.level == pytest.approx(0.3, rel=1e-6)


def apply(schedule, y, hop=HOP):
    detector = ScheduledDetector(schedule, hop)
    clip = Clip(hop)
    masks = []
    for start in range(0, len(y) - hop + 1, hop):
        detector.process(y[start : start + hop], clip)
        assert clip.count == np.count_nonzero(clip.sign)
        masks.append(clip.sign != 0)
    return np.concatenate(masks)


@pytest.mark.parametrize("hop", [1, 17, 64])
def test_a_border_inside_a_block_is_honoured_per_sample(hop):
    a, b = Plateau.digital(0.5), Plateau(0.25, 0.2)
    schedule = LevelSchedule(
        (Segment(0, 30, a, a), Segment(30, 75, None, b), Segment(75, 100, b, None))
    )
    y = np.tile(np.array([0.5, -0.5, 0.21, -0.21], np.float32), 50)
    n = np.arange(len(y))
    expected = (n < 30) & (np.abs(y) == 0.5)
    expected |= (n >= 30) & (n < 75) & (y < 0)
    expected |= (n >= 75) & (n < 100) & (y > 0)
    masked = apply(schedule, y, hop)
    np.testing.assert_array_equal(masked, expected[: len(masked)])


def test_reset_begins_the_schedule_again():
    schedule = LevelSchedule((Segment(0, 64, Plateau.digital(0.5), None),))
    detector = ScheduledDetector(schedule, HOP)
    clip = Clip(HOP)
    y = np.full(HOP, 0.5, np.float32)
    counts = []
    for _ in range(2):
        for _ in range(2):
            detector.process(y, clip)
            counts.append(clip.count)
        assert detector.high is None
        detector.reset()
        assert detector.high is not None
    assert counts == [HOP, 0, HOP, 0]


def test_longest_runs_are_those_of_a_plain_count():
    rng = np.random.default_rng(4)
    y = np.convolve(rng.standard_normal(3000), np.ones(5) / 5, "same").astype(
        np.float32
    )
    runs = RunLengths()
    for start in range(0, len(y), 333):
        runs.feed(y[start : start + 333], (0.0, 0.0))
    for level in (0.01, 0.1, 0.3, 0.7, 1.1, 5.0):
        threshold = np.float32(edges()[bin_of(level)])
        for polarity, x in enumerate((y, -y)):
            expected = longest_run(x >= threshold)
            assert runs.above(polarity, bin_of(level)) == expected
    runs.clear()
    assert runs.above(0, 0) == 0


def test_every_bin_holds_its_own_lower_edge():
    lower = edges()[:-1].astype(np.float32)
    assert [bin_of(float(e)) for e in lower[::37]] == list(range(0, N_BINS, 37))


LEVELS = {
    "pdx_gc": (0.70792, 0.70792),
    "sms_orchestra": (0.99997, None),
    "sonicpi_amen_full": (0.99991, 0.99991),
    "mycroft_2f54d8cf951f": (None, 1.0),
    "mycroft_03c733e39e3e": (None, 1.0),
}


@pytest.mark.parametrize("name", LEVELS)
def test_naturally_clipped_recordings_have_the_level_of_their_manifest(name):
    path = DATA / "real_clipped" / f"{name}.flac"
    if not path.exists():
        pytest.skip(f"{path} is not here; set RTDECLIP_DATA to the audio data")
    x, rate = soundfile.read(path, dtype="float32", always_2d=True)
    scanner = LevelScanner(rate, x.shape[1])
    scanner.feed(x)
    scanner.finish()
    report = scanner.reports()[0]
    for found, level in zip((report.high, report.low), LEVELS[name], strict=True):
        if level is not None:
            assert found is not None
            assert found.level == pytest.approx(level, rel=0.01)
