import numpy as np
import pytest

from rtdeclip.errors import SettingError
from rtdeclip.processors.cubic import METHOD, Cubic
from rtdeclip.stream.clip import Clip, Plateau
from rtdeclip.stream.levels import LevelSchedule, Segment
from rtdeclip.stream.stream import Stream
from rtdeclip.testing import check_processor
from rtdeclip.types import Samples, Signs

RATE = 16000


def run(made: Cubic, y: Samples, sign: Signs, bound: Samples) -> Samples:
    """All of ``y`` through the processor, its latency taken off."""
    hop, late = made.hop, made.latency_samples
    n = -(-(len(y) + late) // hop) * hop
    clip, out = Clip(hop), []
    pad = (0, n - len(y))
    ys, signs, bounds = np.pad(y, pad), np.pad(sign, pad), np.pad(bound, pad)
    made.reset()
    for at in range(0, n, hop):
        clip.sign[:], clip.bound[:] = signs[at : at + hop], bounds[at : at + hop]
        clip.count = int(np.count_nonzero(clip.sign))
        out.append(made.process(ys[at : at + hop], clip).copy())
    return np.concatenate(out)[late : late + len(y)]


def clipped(x: Samples, level: float) -> tuple[Samples, Signs, Samples]:
    theta = np.float32(level)
    y = np.clip(x, -theta, theta)
    sign = ((x >= theta).astype(np.int8) - (x <= -theta)).astype(np.int8)
    return y, sign, np.where(sign != 0, theta, np.float32(0))


def voice(seconds: float = 1.5, rate: int = RATE) -> Samples:
    """Harmonics of a gliding pitch under a moving envelope, with a little noise."""
    rng = np.random.default_rng(7)
    t = np.arange(int(seconds * rate)) / rate
    phase = 2 * np.pi * np.cumsum(140 + 30 * np.sin(2 * np.pi * 1.3 * t)) / rate
    x = sum(np.sin(k * phase + rng.uniform(0, 6)) / k for k in range(1, 12))
    x = x * (0.3 + np.sin(2 * np.pi * 2.1 * t) ** 2) + 0.01 * rng.standard_normal(
        len(t)
    )
    return np.asarray(x / np.abs(x).max(), np.float32)


def gain_db(x: Samples, y: Samples, restored: Samples) -> float:
    before = np.sum((x.astype(np.float64) - y) ** 2)
    after = np.sum((x.astype(np.float64) - restored) ** 2)
    return float(10 * np.log10(before / after))


@pytest.mark.parametrize("fit", ["hermite", "least-squares"])
def test_it_keeps_the_contract(fit: str) -> None:
    check_processor(METHOD, 48000, 2, fit=fit)


@pytest.mark.parametrize(
    ("fit", "level", "least_db"),
    [
        ("hermite", 0.2, 2.9),
        ("hermite", 0.5, 6.0),
        ("least-squares", 0.2, 3.0),
        ("least-squares", 0.8, 6.0),
    ],
)
def test_quality_on_a_synthetic_voice(fit: str, level: float, least_db: float) -> None:
    x = voice()
    y, sign, bound = clipped(x, level)
    restored = run(METHOD.build(RATE, fit=fit), y, sign, bound)
    assert gain_db(x, y, restored) >= least_db


def test_a_clipped_sine_is_rounded_within_a_tenth_of_its_peak() -> None:
    x = np.sin(2 * np.pi * 300 * np.arange(4000) / RATE).astype(np.float32)
    y, sign, bound = clipped(x, 0.8)
    restored = run(METHOD.build(RATE), y, sign, bound)[400:-400]
    assert np.abs(restored).max() > 0.93
    assert np.abs(restored).max() < 1.07
    assert gain_db(x[400:-400], y[400:-400], restored) > 12


@pytest.mark.parametrize("fit", ["hermite", "least-squares"])
def test_reliable_samples_stay_and_clipped_ones_reach_their_bound(fit: str) -> None:
    y, sign, bound = clipped(voice(), 0.3)
    restored = run(METHOD.build(RATE, fit=fit), y, sign, bound)
    assert np.array_equal(restored[sign == 0], y[sign == 0])
    assert np.all((sign * restored)[sign != 0] >= bound[sign != 0])


def test_the_hop_does_not_change_a_sample() -> None:
    y, sign, bound = clipped(voice(0.5), 0.25)
    whole = run(METHOD.build(RATE, hop=256), y, sign, bound)
    for hop in (1, 17, 64, 509):
        assert np.array_equal(
            run(METHOD.build(RATE, hop=hop), y, sign, bound), whole
        ), hop


def test_feeding_the_stream_in_any_pieces_gives_the_same_samples() -> None:
    y, _, _ = clipped(voice(0.4), 0.3)
    plateau = Plateau.digital(0.3)
    levels = [LevelSchedule((Segment(0, 10**9, plateau, plateau),))]
    whole = Stream(RATE, processor=METHOD, levels=levels).feed(y)
    for size in (1, 17, 509, 2048):
        stream = Stream(RATE, processor=METHOD, levels=levels)
        parts = [stream.feed(y[at : at + size]) for at in range(0, len(y), size)]
        assert np.array_equal(np.concatenate(parts), whole), size
    assert not np.array_equal(whole[80:], y[: len(whole) - 80])


@pytest.mark.parametrize("length", [75, 76, 77, 78, 500])
def test_runs_beyond_the_look_ahead_are_held_and_shorter_ones_bridged(
    length: int,
) -> None:
    y = np.linspace(-1.0, 0.49, 1200, dtype=np.float32)
    y[600 : 600 + length] = 0.5
    y[600 + length :] = np.linspace(0.49, -1, 600 - length)
    sign = (y == 0.5).astype(np.int8)
    made = METHOD.build(RATE, hop=64, look_ahead=5.0)
    y[590:600] = np.linspace(0.4, 0.49, 10)
    y[600 + length : 610 + length] = np.linspace(0.49, 0.4, 10)
    restored = run(made, y, sign, sign * np.float32(0.5))
    peak = restored[600 : 600 + length].max()
    if length <= 76:  # 80 samples of look-ahead less 4 that must be seen behind it
        assert peak > 0.52
    else:
        assert peak == 0.5


def test_runs_that_begin_with_the_stream_are_held() -> None:
    y = voice(0.2)[:1000].copy()
    y[:20] = 0.9
    sign = np.zeros(1000, np.int8)
    sign[:20] = 1
    restored = run(METHOD.build(RATE), y, sign, sign * np.float32(0.9))
    assert np.array_equal(restored, y)


@pytest.mark.parametrize("fit", ["hermite", "least-squares"])
def test_a_stream_that_is_clipped_throughout_is_held(fit: str) -> None:
    y = np.full(2000, -0.4, np.float32)
    sign = np.full(2000, -1, np.int8)
    bound = np.full(2000, 0.4, np.float32)
    restored = run(METHOD.build(RATE, fit=fit), y, sign, bound)
    assert np.array_equal(restored, y)


def test_plateaus_of_opposite_sign_side_by_side_stay_bounded() -> None:
    y = np.where(np.arange(2000) // 10 % 2, 0.5, -0.5).astype(np.float32)
    y[::97] = 0.1
    sign = (np.sign(y) * (np.abs(y) == 0.5)).astype(np.int8)
    restored = run(METHOD.build(RATE), y, sign, np.abs(sign) * np.float32(0.5))
    assert np.all((sign * restored)[sign != 0] >= 0.5)
    assert np.abs(restored).max() < 1.0


def test_a_single_clipped_sample_is_raised_a_little() -> None:
    x = np.sin(2 * np.pi * 1000 * (np.arange(800) - 0.0) / RATE).astype(np.float32)
    y = np.minimum(x, np.float32(0.95))
    sign = (x > 0.95).astype(np.int8)
    restored = run(METHOD.build(RATE), y, sign, sign * np.float32(0.95))
    assert gain_db(x, y, restored) > 6


def test_the_latency_is_the_look_ahead() -> None:
    assert METHOD.build(48000, look_ahead=5.0).latency_samples == 240
    assert METHOD.build(16000, look_ahead=3.0).latency_samples == 48


def test_settings_that_cannot_work_are_refused_in_words() -> None:
    with pytest.raises(SettingError, match="Raise look_ahead"):
        METHOD.build(8000, look_ahead=1.0, points=9)
    with pytest.raises(SettingError, match="points=1 is too few"):
        METHOD.build(16000, points=1)
    with pytest.raises(SettingError, match="hermite, least-squares"):
        METHOD.build(16000, fit="spline")


def test_more_points_change_the_slopes_of_long_runs() -> None:
    y, sign, bound = clipped(voice(0.5), 0.1)
    few = run(METHOD.build(RATE, points=2), y, sign, bound)
    many = run(METHOD.build(RATE, points=5), y, sign, bound)
    assert not np.array_equal(few, many)
