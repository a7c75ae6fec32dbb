import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from rtdeclip.live.config import LiveConfig
from rtdeclip.live.recorder import Recorder

pytestmark = pytest.mark.servers

MAIN = [sys.executable, "-c", "from rtdeclip.cli.main import main; main()"]


def clipped_tone(seconds):
    n = np.arange(round(seconds * 44100))
    return np.clip(0.8 * np.sin(n * 0.05), -0.5, 0.5).astype(np.float32)


def test_a_file_is_played_to_its_end_at_the_devices_rate(jack, tmp_path):
    soundfile.write(tmp_path / "a.wav", clipped_tone(1.0), 44100, subtype="FLOAT")
    words = ["play", str(tmp_path / "a.wav"), "--out", "system", "--json"]
    done = subprocess.run([*MAIN, *words], env=jack.env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    started = next(e for e in events if e["event"] == "started")
    assert (started["sample_rate"], started["n_channels"]) == (48000, 1)
    ended = next(e for e in events if e["event"] == "ended")
    assert ended["recording_end"] == 48000
    assert ended["file_position"] > 47000
    assert ended["clipped_samples"] > 10000


def test_a_session_is_recorded_and_a_killed_host_loses_at_most_a_second(
    jack, tmp_path, until
):
    jack.probe()
    command = ["live", "--in", "probe", "--out", "probe", "--headroom", "off"]
    command += ["--record", str(tmp_path / "take.wav"), "--quiet"]
    process = subprocess.Popen([*MAIN, *command], env=jack.env)
    dry = tmp_path / "take.dry.wav"
    try:
        until(lambda: dry.exists() and dry.stat().st_size > 48000 * 4)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    x, rate = soundfile.read(dry, dtype="float32")
    y, _ = soundfile.read(tmp_path / "take.wet.wav", dtype="float32")
    assert rate == 48000
    assert len(x) > 40000
    assert abs(len(x) - len(y)) <= 48000
    n = min(len(x), len(y))
    reliable = np.abs(x[:n]) < 0.5
    assert np.mean(y[:n][reliable] == x[:n][reliable]) > 0.9
    # The host is gone: so is, soon, its audio process and its file.
    runtime = jack.env["XDG_RUNTIME_DIR"]
    until(lambda: not os.listdir(f"{runtime}/rtdeclip"))


def test_a_recording_follows_the_session_from_its_first_sample(
    jack, session, poll_until, tmp_path
):
    jack.probe()
    recorder = Recorder(tmp_path / "take.wav")
    config = LiveConfig(input="probe", output="probe")
    live = session(config, jack.env, recorder=recorder)
    poll_until(live, lambda: live.reader.status().played > 24000)
    live.stop()
    take = recorder.stop()
    assert take.error == ""
    assert take.lost_samples == 0
    assert abs(take.n_samples - live.summary["published"]) < 48000
