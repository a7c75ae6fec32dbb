"""``rtdeclip demo`` makes its own audio and leaves files and figures behind."""

import json

import soundfile
from typer.testing import CliRunner

from rtdeclip.benchmarks import demo as demo_module
from rtdeclip.cli.main import app
from rtdeclip.stream.registry import find


def test_demo_writes_float_files_a_picture_and_gains(tmp_path, monkeypatch):
    # Two methods are enough here: whole-signal ones have their own tests.
    monkeypatch.setattr(demo_module, "methods", lambda: [find("bypass"), find("cubic")])
    monkeypatch.setattr(demo_module, "SECONDS", 1.0)
    done = CliRunner().invoke(app, ["demo", "--out", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)["results"]
    gains = {(r["audio"], r["processor"]): r["delta_sdr_db"] for r in rows}
    assert gains["voice", "bypass"] == 0
    assert gains["voice", "cubic"] > 0.5
    assert gains["plucked", "cubic"] > 0.5
    assert soundfile.info(tmp_path / "voice-cubic.wav").subtype == "FLOAT"
    clean, _ = soundfile.read(tmp_path / "plucked-clean.wav")
    clipped, _ = soundfile.read(tmp_path / "plucked-clipped.wav")
    assert abs(clipped).max() < 0.21 * abs(clean).max()
    assert (tmp_path / "voice.png").read_bytes().startswith(b"\x89PNG")


def test_processors_lists_latency_and_settings_as_json():
    done = CliRunner().invoke(app, ["processors", "--json"])
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["bypass"]["latency_samples"] == 0
    assert rows["cubic"]["latency_ms"] > 0
    assert rows["gain"]["kind"] == "effect"
    assert all("default" in s for s in rows["cubic"]["settings"])


def test_processors_fits_eighty_columns():
    done = CliRunner().invoke(app, ["processors", "--settings"], env={"COLUMNS": "80"})
    assert done.exit_code == 0
    assert max(len(line) for line in done.stdout.splitlines()) <= 80


def test_warmup_compiles_without_a_word_when_quiet():
    done = CliRunner().invoke(app, ["warmup", "--quiet", "--rate", "16000"])
    assert (done.exit_code, done.stdout) == (0, "")


def test_no_command_shows_help_and_version_shows_the_version():
    runner = CliRunner()
    assert "rtdeclip demo" in runner.invoke(app, []).output
    assert runner.invoke(app, ["--version"]).stdout.startswith("rtdeclip 0.")
    assert runner.invoke(app, ["no-such-command"]).exit_code == 2
