import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtdeclip.errors import SettingError
from rtdeclip.stream.limiter import TruePeakLimiter, interpolation_taps
from rtdeclip.types import Samples

CEILING = 10 ** (-1 / 20)


def true_peak(x: Samples, oversampling: int = 16) -> float:
    """Peak of the band-limited signal on a 16 times finer grid, by FFT."""
    spectrum = np.fft.rfft(x.astype(np.float64), axis=0)
    n = len(x) * oversampling
    fine = np.zeros((n // 2 + 1, x.shape[1]), complex)
    fine[: len(spectrum)] = spectrum
    return float(np.abs(np.fft.irfft(fine, n, axis=0)).max() * oversampling)


def sounds(sample_rate: int) -> dict[str, Samples]:
    n = np.arange(sample_rate // 2)
    rng = np.random.default_rng(1)
    smooth = np.convolve(rng.standard_normal(len(n)), np.ones(4) / 4, "same")
    raw = {
        "sine": 1.8 * np.sin(2 * np.pi * 997 / sample_rate * n),
        "quarter of the rate": 1.4 * np.sin(np.pi / 2 * n + np.pi / 4),
        "0.4 of the rate": 1.5 * np.sin(0.8 * np.pi * n + 0.3),
        "clicks": 3.0 * (n % 1000 == 0),
        "square": 1.6 * np.sign(np.sin(0.0131 * n)),
        "music-like noise": smooth * np.exp(-(n % 4000) / 900) * 4,
    }
    return {name: np.pad(x, 500).astype(np.float32)[:, None] for name, x in raw.items()}


@pytest.mark.parametrize("sample_rate", [8000, 48000, 192000])
@pytest.mark.parametrize("name", list(sounds(8000)))
def test_true_peak_stays_within_a_quarter_db_of_the_ceiling(
    sample_rate: int, name: str
) -> None:
    x = sounds(sample_rate)[name]
    y = TruePeakLimiter(sample_rate).process(x)
    assert true_peak(x) > 1.2
    assert np.abs(y).max() <= CEILING
    assert true_peak(y) <= CEILING * 10 ** (0.25 / 20)


@pytest.mark.parametrize("sample_rate", [8000, 16000, 44100, 48000, 192000])
def test_latency_is_what_an_impulse_shows_and_at_most_1_5_ms(sample_rate: int) -> None:
    limiter = TruePeakLimiter(sample_rate)
    x = np.zeros((1000, 1), np.float32)
    x[10] = 0.5
    y = limiter.process(x)
    assert np.flatnonzero(y[:, 0]).tolist() == [10 + limiter.latency_samples]
    assert limiter.latency_samples <= 1.5e-3 * sample_rate


def test_sound_below_the_ceiling_is_only_delayed() -> None:
    rng = np.random.default_rng(2)
    x = (rng.uniform(-0.4, 0.4, (5000, 2))).astype(np.float32)
    limiter = TruePeakLimiter(48000, 2)
    y = limiter.process(x)
    L = limiter.latency_samples
    np.testing.assert_array_equal(y[L:], x[:-L])
    assert limiter.limited_samples == 0
    assert limiter.max_reduction_db == 0.0


@pytest.mark.parametrize("step", [0.01, 0.03, 0.07, 0.2])
def test_peaks_that_fall_slowly_stay_under_the_ceiling(step: float) -> None:
    """The gain then rises for longer than the look-ahead, its queue is full."""
    x = (2.0 * np.sin(step * np.arange(4000))).astype(np.float32)[:, None]
    y = TruePeakLimiter(16000, release_ms=1.0).process(x)
    assert np.abs(y).max() <= CEILING


def test_gain_returns_to_exactly_one_after_a_peak() -> None:
    limiter = TruePeakLimiter(8000, release_ms=5.0)
    x = np.full((8000, 1), 0.25, np.float32)
    x[100] = 4.0
    y = limiter.process(x)
    assert limiter.max_reduction_db == pytest.approx(13.04, abs=0.4)
    assert limiter.limited_samples > 20
    np.testing.assert_array_equal(y[-1000:], x[-1000:])


@pytest.mark.parametrize("size", [1, 17, 509, 2048])
def test_every_split_gives_the_same_bits(size: int) -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((6000, 2)).astype(np.float32)
    whole = TruePeakLimiter(44100, 2).process(x)
    limiter = TruePeakLimiter(44100, 2)
    parts = [limiter.process(x[i : i + size]).copy() for i in range(0, len(x), size)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_channels_share_one_gain() -> None:
    x = np.full((2000, 2), 0.2, np.float32)
    x[1000:1100, 0] = 3.0
    y = TruePeakLimiter(48000, 2).process(x)
    assert y[:, 1].min() < 0.1


def test_reset_forgets_everything() -> None:
    x = np.random.default_rng(4).standard_normal((800, 1)).astype(np.float32)
    limiter = TruePeakLimiter(48000)
    first = limiter.process(x).copy()
    limiter.reset()
    np.testing.assert_array_equal(limiter.process(x), first)


def test_non_finite_samples_count_as_zero_and_poison_nothing() -> None:
    x = np.full((3000, 1), 0.5, np.float32)
    x[[10, 20, 30], 0] = np.nan, np.inf, -np.inf
    limiter = TruePeakLimiter(48000)
    y = limiter.process(x)
    assert np.isfinite(y).all()
    assert y[limiter.latency_samples + 10, 0] == 0.0


def test_ceiling_and_release_change_the_result() -> None:
    x = np.random.default_rng(5).standard_normal((4000, 1)).astype(np.float32)
    low = TruePeakLimiter(48000, ceiling_db=-12.0).process(x)
    assert np.abs(low).max() <= 10 ** (-12 / 20)
    slow = TruePeakLimiter(48000, release_ms=1000.0).process(x)
    fast = TruePeakLimiter(48000, release_ms=5.0).process(x)
    assert np.square(slow).sum() < np.square(fast).sum()


def test_a_setting_out_of_range_is_refused_with_its_range() -> None:
    limiter = TruePeakLimiter(48000)
    with pytest.raises(SettingError, match="-60 to 0 dBFS"):
        limiter.set_setting("ceiling_db", 3.0)
    with pytest.raises(SettingError, match="ceiling_db, release_ms"):
        limiter.set_setting("knee", 3.0)


def test_interpolation_is_within_0_3_db_up_to_0_45_of_the_rate() -> None:
    taps = interpolation_taps().astype(np.float64)
    at = np.arange(-7, 9)
    for frequency in (0.02, 0.1, 0.2, 0.33, 0.4, 0.45):
        wave = np.exp(2j * np.pi * frequency * at)
        exact = np.exp(2j * np.pi * frequency * np.array([0.25, 0.5, 0.75]))
        gain_db = 20 * np.log10(np.abs(wave @ taps / exact))
        assert np.abs(gain_db).max() < 0.3


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(-8.0, 8.0, width=32, allow_nan=False), min_size=1, max_size=300),
    st.floats(-40.0, 0.0),
)
def test_no_sample_ever_passes_the_ceiling(
    values: list[float], ceiling_db: float
) -> None:
    limiter = TruePeakLimiter(16000, ceiling_db=ceiling_db)
    x = np.pad(np.array(values, np.float32), (0, 60))[:, None]
    assert np.abs(limiter.process(x)).max() <= 10 ** (ceiling_db / 20)
