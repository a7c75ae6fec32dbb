import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rtdeclip.errors import DeviceError, SettingError
from rtdeclip.live import telemetry
from rtdeclip.live.telemetry import ParameterWriter, TelemetryFile, TelemetryReader


@pytest.fixture
def file(tmp_path: Path) -> TelemetryFile:
    return TelemetryFile(tmp_path / "a.telemetry", 48000, 2, 256, 128, 1024)


def test_the_file_is_private_and_removed_by_its_owner(file: TelemetryFile) -> None:
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(file.path.parent) == ["a.telemetry"]
    file.close()
    assert os.listdir(file.path.parent) == []


def test_a_reader_sees_what_was_published_and_the_head(file: TelemetryFile) -> None:
    file.fields["late_hops"] = 3
    file.fields["rtf_p99"] = 0.25
    file.fields["peak_in"][0, :2] = 0.5, 0.75
    reader = TelemetryReader(file.path)
    assert reader.status().late_hops == 0
    file.publish()
    status = reader.status()
    assert (status.late_hops, status.rtf_p99) == (3, 0.25)
    assert status.peak_in[:3] == (0.5, 0.75, 0.0)
    assert (reader.sample_rate, reader.n_channels, reader.hop) == (48000, 2, 256)
    assert reader.alive()


def test_a_status_that_is_being_written_is_never_returned(file: TelemetryFile) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from rtdeclip.live.telemetry import TelemetryReader\n"
        "r = TelemetryReader(Path(sys.argv[1])); print('go', flush=True)\n"
        "n = 0\n"
        "while True:\n"
        "    s = r.status(); n += 1\n"
        "    assert s.captured == s.published == s.played == s.starved_ms, s\n"
        "    if s.captured == 20000: break\n"
    )
    command = [sys.executable, "-c", code, str(file.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        for i in range(20001):
            for name in ("captured", "published", "played", "starved_ms"):
                file.fields[name] = i
            file.publish()
        assert child.wait(30) == 0


def test_a_writer_stopped_in_the_middle_leaves_the_status_before(
    file: TelemetryFile,
) -> None:
    reader = TelemetryReader(file.path)
    file.fields["captured"] = 7
    file.publish()
    assert reader.status().captured == 7
    file._parts.status_seq[0] += 1  # as a writer does when it begins
    file._parts.status["captured"] = 8
    assert reader.status().captured == 7


def test_parameters_of_several_writers_reach_the_engine(file: TelemetryFile) -> None:
    one, two = ParameterWriter(file.path), ParameterWriter(file.path)
    one.set("bypass", 1)
    two.set("wet", 0.5)
    two.bump("reset")
    one.bump("reset")
    assert file.parameter("bypass") == 1
    assert file.parameter("wet") == 0.5
    assert file.parameter("reset") == 2
    with pytest.raises(SettingError, match="there are: bypass"):
        one.set("loudness", 1)


def test_a_request_arrives_once_with_its_number(file: TelemetryFile) -> None:
    assert file.request() == (0, None)
    writer = ParameterWriter(file.path)
    number = writer.request(processor="cubic", settings={"points": 2})
    assert file.request() == (
        number,
        {"processor": "cubic", "settings": {"points": 2}},
    )
    assert writer.request(seek_s=1.5) > number
    assert file.request()[1] == {"seek_s": 1.5}
    with pytest.raises(SettingError, match="at most"):
        writer.request(text="x" * 20000)


def test_events_keep_their_order_and_drop_the_oldest(file: TelemetryFile) -> None:
    for i in range(telemetry.EVENTS + 6):
        file.say(f"switch: to rung {i} é", i * 256)
    events = TelemetryReader(file.path).events()
    assert len(events) == telemetry.EVENTS
    assert events[0].number == 6
    assert events[-1].text == f"switch: to rung {telemetry.EVENTS + 5} é"
    assert events[-1].position == (telemetry.EVENTS + 5) * 256
    assert TelemetryReader(file.path).events(since=69)[0].number == 69


def test_info_is_json_of_any_shape(file: TelemetryFile) -> None:
    reader = TelemetryReader(file.path)
    assert reader.info == {}
    file.set_info({"input": "Mic é", "processors": ["bypass", "cubic"]})
    assert json.loads(json.dumps(reader.info))["processors"] == ["bypass", "cubic"]


def test_the_scope_gives_dry_and_wet_of_the_same_positions(file: TelemetryFile) -> None:
    dry, wet, sign, ends = file.scope
    position = np.arange(3000)
    dry[position & 1023] = position[:, None]
    wet[position[:2900] & 1023] = -position[:2900, None]
    sign[position & 1023] = (position % 2)[:, None]
    ends[:] = 3000, 2900
    reader = TelemetryReader(file.path)
    got = reader.scope(100)
    assert got.position == 2800
    np.testing.assert_array_equal(got.dry[:, 0], np.arange(2800, 2900))
    np.testing.assert_array_equal(got.wet[:, 1], -got.dry[:, 1])
    late = reader.stretch(100, 2500)
    assert late.position == 3000 - 1024
    np.testing.assert_array_equal(late.dry[:, 0], np.arange(1976, 2500))


def test_a_file_of_another_version_is_refused_with_both_numbers(
    file: TelemetryFile,
) -> None:
    data = bytearray(file.path.read_bytes())
    data[8] = 9
    other = file.path.with_name("b.telemetry")
    other.write_bytes(data)
    told = f"version 9; this one reads version {telemetry.VERSION}"
    with pytest.raises(DeviceError, match=told):
        TelemetryReader(other)
    other.write_bytes(b"RIFF")
    with pytest.raises(DeviceError, match="no telemetry file"):
        ParameterWriter(other)
    with pytest.raises(DeviceError, match="rtdeclip live"):
        TelemetryReader(file.path.with_name("none"))


def test_a_replaced_file_is_noticed(file: TelemetryFile) -> None:
    reader = TelemetryReader(file.path)
    assert not reader.replaced()
    TelemetryFile(file.path, 48000, 1, 256, 256, 1024)
    assert reader.replaced()
    assert TelemetryReader(file.path).n_channels == 1


def test_sessions_are_found_while_their_process_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry.reader, "runtime_dir", lambda: tmp_path)
    mine = TelemetryFile(tmp_path / "mine.telemetry", 48000, 1, 256, 256, 1024)
    child = (
        "from pathlib import Path; from rtdeclip.live.telemetry import TelemetryFile\n"
        f"TelemetryFile(Path({str(tmp_path)!r}) / 'dead.telemetry', 48000, 1, 9, 9, 64)"
    )
    subprocess.run([sys.executable, "-c", child], check=True)
    (tmp_path / "foreign.telemetry").write_bytes(b"nothing")
    assert telemetry.find_sessions() == [mine.path]
    telemetry.remove_stale()
    assert sorted(os.listdir(tmp_path)) == ["foreign.telemetry", "mine.telemetry"]
