import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtdeclip.errors import FileError
from rtdeclip.live.recorder import Recorder, WavWriter
from rtdeclip.live.telemetry import TelemetryFile, TelemetryReader


@pytest.fixture
def file(tmp_path: Path) -> TelemetryFile:
    return TelemetryFile(tmp_path / "a.telemetry", 48000, 2, 256, 256, 4096)


def sound(file, start, end):
    dry, wet, _, ends = file.scope
    rows = np.arange(start, end)
    dry[rows & 4095] = (rows / 65536)[:, None]
    wet[rows & 4095] = (-rows / 65536)[:, None]
    ends[:] = end, end


def test_both_sides_are_recorded_and_private(file, tmp_path):
    recorder = Recorder(tmp_path / "take.wav")
    sound(file, 0, 3000)
    recorder.follow(TelemetryReader(file.path))
    take = recorder.stop()
    assert (take.n_samples, take.lost_samples, take.error) == (3000, 0, "")
    dry, rate = soundfile.read(take.dry, dtype="float32")
    wet, _ = soundfile.read(take.wet, dtype="float32")
    assert rate == 48000
    np.testing.assert_array_equal(dry[:, 1], np.arange(3000, dtype="f4") / 65536)
    np.testing.assert_array_equal(wet, -dry)
    assert take.dry.stat().st_mode & 0o777 == 0o600
    assert take.dry.name == "take.dry.wav"


def test_what_the_ring_has_lost_is_silence_of_the_same_length(file, tmp_path):
    recorder = Recorder(tmp_path / "take")
    sound(file, 0, 6000)  # 1904 have left the ring
    recorder.follow(TelemetryReader(file.path))
    take = recorder.stop()
    assert (take.n_samples, take.lost_samples) == (6000, 6000 - 4096)
    dry, _ = soundfile.read(take.dry, dtype="float32")
    np.testing.assert_array_equal(dry[:1904], 0)
    assert dry[1904, 0] == np.float32(1904 / 65536)


def test_a_recording_goes_on_over_a_replaced_audio_process(file, tmp_path):
    recorder = Recorder(tmp_path / "take.wav")
    sound(file, 0, 1000)
    recorder.follow(TelemetryReader(file.path))
    recorder._write()
    second = TelemetryFile(tmp_path / "b.telemetry", 48000, 2, 256, 256, 4096)
    sound(second, 0, 500)
    recorder.follow(TelemetryReader(second.path))
    take = recorder.stop()
    assert take.n_samples == 1500


def test_a_killed_recording_opens_with_all_that_was_written(tmp_path):
    code = (
        "import os, signal, sys; import numpy as np; from pathlib import Path\n"
        "from rtdeclip.live.recorder import WavWriter\n"
        "w = WavWriter(Path(sys.argv[1]), 48000, 1)\n"
        "for i in range(7): w.write(np.full((1000, 1), i / 8, np.float32))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = tmp_path / "killed.wav"
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    x, rate = soundfile.read(path, dtype="float32")
    assert (len(x), rate) == (7000, 48000)
    np.testing.assert_array_equal(x, np.repeat(np.arange(7) / 8, 1000))


def test_a_full_disk_ends_the_recording_and_the_files_open(tmp_path):
    # A limit on the file's size fails as a full disk does.
    code = (
        "import resource, signal, sys; import numpy as np; from pathlib import Path\n"
        "from rtdeclip.live.recorder import Recorder\n"
        "from rtdeclip.live.telemetry import TelemetryFile, TelemetryReader\n"
        "d = Path(sys.argv[1])\n"
        "f = TelemetryFile(d / 'a.telemetry', 48000, 1, 256, 256, 1 << 16)\n"
        "f.scope[3][:] = 40000\n"
        "r = Recorder(d / 'take.wav')\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))\n"
        "r.follow(TelemetryReader(f.path))\n"
        "t = r.stop(); f.close(); print(t.error); print(t.n_samples)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True
    )
    assert "the recording has stopped" in done.stdout, done.stderr
    x, _ = soundfile.read(tmp_path / "take.dry.wav")
    assert 16000 < len(x) < 25000


def test_a_recording_overwrites_nothing(tmp_path):
    (tmp_path / "take.wet.wav").write_bytes(b"precious")
    with pytest.raises(FileError, match="there already"):
        Recorder(tmp_path / "take.wav")
    with pytest.raises(FileError, match="cannot be made"):
        WavWriter(tmp_path / "take.wet.wav", 48000, 1)
    assert (tmp_path / "take.wet.wav").read_bytes() == b"precious"
