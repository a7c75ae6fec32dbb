"""Oracle rows, and the protocol words that the papers need."""

import numpy as np
import pytest

from rtdeclip.benchmarks.oracles import clean_magnitude, istft, middle, stft
from rtdeclip.benchmarks.protocol import Item, apply
from rtdeclip.benchmarks.quality import Work, evaluate, plan
from rtdeclip.benchmarks.synth import plucked, voice
from rtdeclip.errors import SettingError
from rtdeclip.metrics.sdr import sdr_db

CLEAN = voice(0.6, 16000)


def test_the_transform_and_its_inverse_give_the_signal_back():
    assert sdr_db(CLEAN, istft(stft(CLEAN), len(CLEAN))) > 120


def test_clean_magnitudes_help_but_the_clipped_phase_stays():
    item = apply("sdr=5", CLEAN)
    restored = clean_magnitude(item)
    assert sdr_db(CLEAN, restored) > 8
    flipped = Item(item.target, -item.target, None)
    assert sdr_db(-CLEAN, clean_magnitude(flipped)) > 120


def test_the_middle_lies_half_way_between_level_and_peak():
    item = apply("peak=1+fraction=0.5", CLEAN)
    out = middle(item)
    lost = np.abs(item.distorted) >= 0.5 * (1 - 1e-6)
    peak = 1.0 if CLEAN.max() > -CLEAN.min() else float(CLEAN.max() / -CLEAN.min())
    assert np.allclose(out[item.distorted >= 0.5], (0.5 + peak) / 2, atol=1e-6)
    assert np.array_equal(out[~lost], item.distorted[~lost])
    with pytest.raises(SettingError, match="hard clip level"):
        middle(apply("tanh=20", CLEAN))


def test_oracles_are_rows_of_bench_quality(tmp_path):
    row = evaluate(Work("synth:plucked:1", "sdr=3", "oracle-irm", length_s=0.5))
    assert row["delta_sdr_db"] > 3
    assert row["latency_ms"] is None
    work = plan(_file(tmp_path), ["oracle-mid"], ["fraction=0.3"])
    assert "sdr_db" in evaluate(work[0])


def test_a_method_that_cannot_take_the_short_warm_up_is_measured_all_the_same():
    work = Work(
        "synth:plucked:0",
        "peak=0.5+overdrive=30:0+bits=16",
        "inverse-overdrive",
        consistency=False,
        rate_hz=16000,
        length_s=0.8,
    )
    assert evaluate(work)["si_sdr_db"] > 50


def test_a_part_at_another_rate_is_what_is_scored():
    work = Work("synth:voice:0", "sdr=7", "bypass", rate_hz=16000, length_s=0.5)
    row = evaluate(work)
    assert (row["sample_rate"], row["seconds"]) == (16000, 0.5)
    assert abs(row["sdr_db"] - 7) < 1e-3


def test_peak_scales_the_clean_file_and_its_target():
    item = apply("peak=0.5+overdrive=20:0+bits=16", CLEAN)
    assert np.isclose(np.abs(item.target).max(), 0.5)
    assert np.array_equal(item.distorted * 32768, np.rint(item.distorted * 32768))
    with pytest.raises(SettingError, match="peak first"):
        apply("sdr=3+peak=1", CLEAN)
    with pytest.raises(SettingError, match="peak=1"):
        apply("peak=1", np.zeros(10, np.float32))


def test_rounding_moves_the_level_with_the_samples():
    item = apply("fraction=0.3+bits=8", CLEAN)
    segment = item.levels[0].segments[0]
    assert segment.high.level == item.distorted.max()
    assert segment.low.level == -item.distorted.min()
    with pytest.raises(SettingError, match="bits=1"):
        apply("bits=1", CLEAN)


def test_with_dry_sound_the_clean_file_at_its_own_level_is_the_target():
    clean = plucked(0.3, 16000)
    item = apply("gain=20+wet=0.5", clean)
    assert np.array_equal(item.target, clean)
    assert item.levels is None


def _file(folder):
    import soundfile

    soundfile.write(folder / "x.wav", CLEAN, 16000)
    return folder
