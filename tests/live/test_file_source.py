from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtdeclip.errors import FileError
from rtdeclip.live import ring as r
from rtdeclip.live.file_source import LEAD_IN_S, Feeder, FileReader, scan_levels

LEAD = round(LEAD_IN_S * 48000)


@pytest.fixture
def wav(tmp_path: Path) -> tuple[Path, np.ndarray]:
    t = np.arange(30000)[:, None] * np.array([0.05, 0.03])
    ends = np.minimum(1.0, np.minimum(np.arange(30000), np.arange(30000)[::-1]) / 500)
    x = (0.4 * np.sin(t) * ends[:, None]).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", x, 48000, subtype="FLOAT")
    return tmp_path / "a.wav", x


def play(kit, feeder_of, n_blocks, before=None, block=256):
    stream = kit.DelayLine(256, 0, 2)
    sim = kit.device(stream, block, inputs=2, outputs=2, file="a.wav")
    feeder = feeder_of(sim.engine.memory)
    latency = sim.engine.budget.engine_samples
    out = []
    for i in range(n_blocks):
        if before:
            before(i, feeder)
        feeder.fill()
        out.append(sim.callback(np.zeros((block, 0), np.float32)))
        sim.work()
    feeder._reader.close()
    return feeder, -np.concatenate(out)[latency:], sim


def test_a_file_is_played_whole_after_a_short_silence(kit, wav):
    path, x = wav
    feeder, y, sim = play(kit, lambda m: Feeder(FileReader(path, 48000), m), 220)
    np.testing.assert_array_equal(y[:LEAD], 0)
    np.testing.assert_array_equal(y[LEAD : LEAD + len(x)], x)
    np.testing.assert_array_equal(y[LEAD + len(x) :], 0)
    assert feeder.end == LEAD + len(x)
    assert feeder.file_position() == len(x)
    assert int(sim.engine.memory.words[r.LATE_SAMPLES]) == 0


def test_a_loop_has_no_gap(kit, wav):
    path, x = wav
    _, y, _ = play(kit, lambda m: Feeder(FileReader(path, 48000), m, loop=True), 400)
    again = np.concatenate([x, x, x])[: len(y) - LEAD]
    np.testing.assert_array_equal(y[LEAD:], again)


def test_start_and_seek_go_to_the_sample_and_fade(kit, wav):
    path, x = wav

    def seek(i, feeder):
        if i == 60:
            feeder.seek(0.5)

    feeder, y, _ = play(
        kit, lambda m: Feeder(FileReader(path, 48000), m, start_s=0.1), 160, seek
    )
    np.testing.assert_array_equal(y[LEAD + 500 : LEAD + 1500], x[5300:6300])
    assert np.abs(np.diff(y[:, 0])).max() < 0.03
    place, sample = feeder._places[-1]
    assert sample == 24000
    np.testing.assert_array_equal(
        y[place + 500 : place + 1500], x[sample + 500 : sample + 1500]
    )


def test_pause_is_silence_and_goes_on_where_it_was(kit, wav):
    path, x = wav

    def pause(i, feeder):
        feeder.paused = 60 <= i < 100

    _, y, _ = play(kit, lambda m: Feeder(FileReader(path, 48000), m), 300, pause)
    sounding = np.abs(y).sum(axis=1) > 0
    heard = y[LEAD:][sounding[LEAD:]]
    assert len(x) - 10 <= len(heard) <= len(x)
    assert np.abs(np.diff(y[:, 0])).max() < 0.03


def test_another_rate_is_resampled_to_the_same_tone(wav, tmp_path):
    t = np.arange(44100) / 44100
    tone = (0.5 * np.sin(2 * np.pi * 997 * t)).astype(np.float32)
    soundfile.write(tmp_path / "b.wav", tone, 44100, subtype="FLOAT")
    reader = FileReader(tmp_path / "b.wav", 48000)
    parts = []
    while len(part := reader.read()):
        parts.append(part)
    reader.close()
    y = np.concatenate(parts)[:, 0]
    assert reader.n_samples == len(y) == 48000
    want = 0.5 * np.sin(2 * np.pi * 997 * np.arange(48000) / 48000)
    assert np.abs(y - want)[1000:-1000].max() < 1e-4


def test_levels_are_found_before_and_hold_for_ever(tmp_path):
    x = np.clip(np.sin(np.arange(48000) * 0.05), -0.6, 0.5).astype(np.float32)
    soundfile.write(tmp_path / "c.wav", x, 48000, subtype="FLOAT")
    levels = scan_levels(tmp_path / "c.wav", 48000)
    assert levels is not None
    segment = levels[0].segments[0]
    assert segment.high.level == np.float32(0.5)
    assert segment.low.level == np.float32(0.6)
    assert segment.end_sample > 1 << 60


def test_a_file_that_is_none_is_said(tmp_path):
    with pytest.raises(FileError, match="cannot be read as sound"):
        FileReader(tmp_path / "none.wav")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0, np.float32), 48000)
    with pytest.raises(FileError, match="holds no samples"):
        FileReader(tmp_path / "empty.wav")
