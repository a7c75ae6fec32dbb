import json

import numpy as np
import pytest
import soundfile

from rtdeclip.monitor import jobs
from rtdeclip.monitor.child import JsonChild
from rtdeclip.monitor.demo_source import HIGH, LOW, demo_sound

RATE = 16000


@pytest.fixture
def take(tmp_path):
    """Two seconds: a quiet tone, then a clipped one."""
    t = np.arange(RATE) / RATE
    quiet = 0.2 * np.sin(2 * np.pi * 220 * t)
    loud = np.clip(0.9 * np.sin(2 * np.pi * 220 * t), -0.5, 0.5)
    path = tmp_path / "take.wav"
    soundfile.write(path, np.concatenate([quiet, loud]), RATE, subtype="FLOAT")
    return path


def test_the_overview_marks_where_the_file_is_clipped(take):
    first, last = jobs.overview(str(take), columns=10)
    assert first["scan"]["duration_s"] == 2.0
    assert max(last["clipped"][:5]) == 0.0
    assert min(last["clipped"][5:]) > 0.3
    assert last["high"][0] == pytest.approx(0.2, abs=0.01)
    assert last["low"][9] == pytest.approx(-0.5)


def test_a_restored_file_passes_the_clip_level(take, tmp_path):
    target = tmp_path / "restored.wav"
    *_, last = jobs.restore(str(take), str(target), "cubic", {})
    assert last["done"]
    assert np.abs(soundfile.read(target)[0]).max() > 0.6


def test_the_demos_sound_is_clipped_lopsided_and_loops_without_a_click():
    sound = demo_sound(8000, 2.0)
    assert sound.max() == np.float32(HIGH)
    assert sound.min() == np.float32(-LOW)
    assert np.abs(sound[0] - sound[-1]).max() < 0.01
    assert (demo_sound(8000, 2.0) == sound).all()


def test_a_helper_process_answers_in_objects_and_says_why_it_failed():
    arguments = json.dumps({"name": "no.wav", "columns": 5})
    child = JsonChild("rtdeclip.monitor.jobs", ["overview", arguments])
    child._process.wait(60)
    assert child.exit_code == 1
    (line,) = child.said()
    assert "no.wav" in line["error"]
    child.end()
