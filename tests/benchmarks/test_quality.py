"""``bench quality`` scores processors on a folder, goes on where it stopped."""

import json

import pytest
import soundfile
from typer.testing import CliRunner

from rtdeclip.benchmarks.quality import Work, evaluate, plan, run, summary
from rtdeclip.benchmarks.synth import plucked, voice
from rtdeclip.cli.main import app
from rtdeclip.errors import FileError, PluginError, SettingError


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sub").mkdir()
    soundfile.write(tmp_path / "voice.wav", voice(0.6, 16000), 16000)
    soundfile.write(tmp_path / "sub" / "plucked.flac", plucked(0.6, 16000), 16000)
    return tmp_path


def test_every_combination_is_one_item_and_every_item_one_row(folder):
    work = plan(folder, ["bypass", "cubic"], ["fraction=0.2", "sdr=10"])
    rows = list(run(work))
    assert len(work) == len(rows) == 8
    lines = {(x["processor"], x["protocol"]): x for x in summary(rows)}
    assert abs(lines["bypass", "sdr=10"]["delta_sdr_db"]["mean"]) < 1e-9
    gain = lines["cubic", "fraction=0.2"]["delta_sdr_db"]
    assert gain["mean"] > 0.5
    assert gain["worst"] <= gain["mean"]
    assert gain["files"] == 2


def test_raw_outputs_differ_from_consistent_ones(folder):
    file = str(folder / "voice.wav")
    held, raw = (
        evaluate(Work(file, "fraction=0.2", "cubic-paper", consistency=on))
        for on in (True, False)
    )
    assert held["sdr_db"] > raw["sdr_db"]


def test_a_log_is_resumed_and_a_torn_line_is_done_again(folder, tmp_path):
    log = tmp_path / "log.jsonl"
    work = plan(folder, ["bypass"], ["fraction=0.2"])
    list(run(work, log=log))
    first, second = log.read_text().splitlines()
    marked = json.loads(first) | {"sdr_db": 99.0}
    log.write_text(json.dumps(marked) + "\n" + second[:40])
    rows = list(run(work, log=log))
    assert len(rows) == 2
    assert 99.0 in [row["sdr_db"] for row in rows]


def test_two_processes_give_the_rows_of_one(folder):
    work = plan(folder, ["bypass"], ["fraction=0.2"])
    alone, together = (
        sorted(row["sdr_db"] for row in run(work, jobs)) for jobs in (1, 2)
    )
    assert alone == together


def test_files_that_cannot_be_used_are_rows_with_a_reason(folder):
    soundfile.write(folder / "silent.wav", [0.0] * 100, 16000)
    (folder / "broken.wav").write_bytes(b"RIFFnonsense")
    rows = list(run(plan(folder, ["bypass"], ["fraction=0.2"])))
    reasons = [row["error"] for row in rows if "error" in row]
    assert len(reasons) == 2
    assert any("silent" in reason for reason in reasons)


def test_bad_plans_are_refused_before_any_work(folder, tmp_path):
    with pytest.raises(FileError, match="no audio files"):
        plan(tmp_path / "sub" / "none", ["bypass"], ["sdr=3"])
    with pytest.raises(PluginError, match="no processor called"):
        plan(folder, ["nothing"], ["sdr=3"])
    with pytest.raises(SettingError, match="no metric"):
        plan(folder, ["bypass"], ["sdr=3"], metrics="loudness")


def test_the_command_prints_a_table_a_picture_and_the_worst_audio(folder, tmp_path):
    png, worst = tmp_path / "q.png", tmp_path / "worst"
    words = ["bench", "quality", "--data", str(folder), "--processor", "cubic"]
    done = CliRunner().invoke(
        app,
        [*words, "--png", str(png), "--worst", str(worst), "--jobs", "1"],
        env={"COLUMNS": "80"},
    )
    assert done.exit_code == 0, done.output
    assert "delta_sdr" in done.stdout
    assert png.read_bytes().startswith(b"\x89PNG")
    assert len(list(worst.glob("cubic-fraction=0.2-*.wav"))) == 3


def test_json_carries_machine_and_rows_and_failures_set_the_exit_code(folder):
    words = ["bench", "quality", "--data", str(folder), "--processor", "bypass"]
    done = CliRunner().invoke(app, [*words, "--json", "--jobs", "1"])
    assert json.loads(done.stdout)["rows"][0]["files"] == 2
    (folder / "broken.wav").write_bytes(b"RIFFnonsense")
    assert CliRunner().invoke(app, [*words, "--json", "--jobs", "1"]).exit_code == 1
    assert CliRunner().invoke(app, [*words, "--levels", "guess"]).exit_code == 2
