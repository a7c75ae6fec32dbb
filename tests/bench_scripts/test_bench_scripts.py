"""The studies in ``bench/`` run from end to end on a second of made-up sound."""

import importlib
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtdeclip.benchmarks.synth import plucked, voice

ROOT = Path(__file__).parents[2]
RATE = 16000


@pytest.fixture(autouse=True)
def sound(tmp_path, monkeypatch):
    """One file of speech and one of music where the scripts look for them."""
    for kind, make in (("speech", voice), ("music", plucked)):
        folder = tmp_path / "test" / kind
        folder.mkdir(parents=True)
        soundfile.write(folder / "one.flac", make(1.1, RATE), RATE)
    monkeypatch.setenv("RTDECLIP_DATA", str(tmp_path))
    monkeypatch.syspath_prepend(str(ROOT))
    return tmp_path


def run(name, *words):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [name, *map(str, words)])
        return importlib.import_module(f"bench.{name}").main()


def rows(capsys):
    return {
        row["what"]: row["value"] for row in json.loads(capsys.readouterr().out)["rows"]
    }


def test_classical_prints_a_line_a_method(capsys):
    run("classical", "--seconds", 0.3, "--only", "cubic", "comp", "--input-sdr", 7)
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.startswith("1 excerpts of test/music")
    assert [line.split()[0] for line in lines] == ["cubic", "comp"]
    assert "RTF" in lines[0]


def test_aspade_measures_its_quality_on_both_kinds_of_sound(capsys):
    run("aspade", "--only", "quality", "--seconds", 0.6, "--json")
    found = rows(capsys)
    assert {what.split()[0] for what in found} == {"test/speech", "test/music"}
    assert all(np.isfinite(value) for value in found.values())


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_adeclip_stands_beside_aspade(capsys):
    words = ("--seconds", 0.2, "--every", 1, "--folders", "test/speech")
    run("adeclip", *words, "--json")
    found = rows(capsys)
    assert "test/speech 1 dB in, adeclip RTF, mean" in found
    assert "test/speech 1 dB in, aspade RTF, mean" in found


def test_adeclip_says_that_ffmpeg_is_missing(capsys, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    run("adeclip")
    assert "not installed (apt install ffmpeg)" in capsys.readouterr().out


def test_auto_is_compared_with_each_of_its_rungs(capsys):
    words = ("--seconds", 0.3, "--every", 1, "--folders", "test/speech")
    run("auto", *words, "--max-latency", 15, "--json")
    found = rows(capsys)
    assert "test/speech auto, 3 dB in" in found
    assert sum("auto − " in what for what in found) == 1


def test_the_ladder_prints_what_a_rung_gives_and_costs(capsys, sound):
    run("ladder", "--data", sound, "--files", 1, "--seconds", 0.5, "cubic:hop=128")
    line = capsys.readouterr().out
    assert line.startswith("cubic:hop=128: cost=0.")
    assert "gain_db=(" in line


def test_the_waveshaper_reaches_its_target_on_every_overdrive(capsys):
    run("waveshaper", "--every", 2, "--json")
    found = rows(capsys)
    known = [
        value
        for what, value in found.items()
        if what.startswith("overdrive")
        and what.endswith(", SDR dB, median")
        and "found" not in what
    ]
    assert len(known) == 4
    assert min(known) > 70
    assert any("found, SDR dB, worst" in what for what in found)


def test_metrics_have_a_speed_and_an_order(sound):
    metrics = importlib.import_module("bench.metrics")
    speeds = {row["what"]: row["rtf"] for row in metrics.speed_rows(sound)}
    assert speeds["LLR: speed"] > 0
    order = metrics.r_nonlin_row(sound)
    assert order["identical_is_1"] == order["rises_with_input_sdr"] == 1


def test_detection_asks_for_every_condition(capsys, sound):
    run("detection", "--data", sound / "test" / "speech", "--json")
    table = json.loads(capsys.readouterr().out)
    clean = [row for row in table if row["condition"] == "float"]
    assert [row["fraction"] for row in clean] == [0.2, 0.5, 0.0]
    assert all(row["asked"] > 0 for row in clean)
    assert all(row["found"] == row["asked"] * (row["fraction"] > 0) for row in clean)


def test_equivariance_is_told_per_gain(capsys, sound):
    words = ("--data", sound / "test" / "music", "equivariant-u-net")
    run("equivariance", *words)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        f"equivariant-u-net, g = {g}" for g in ("1.25", "1.5", "2", "4")
    ]


def test_the_synthetic_study_writes_what_the_tables_of_paper_3_read(sound):
    pytest.importorskip("torch", reason="the extra train is not installed")
    out = sound / "paper3.json"
    run("self_supervised", "--steps", 2, "--dimensions", 10, "--out", out)
    found = json.loads(out.read_text())
    assert len(found["map"]["10"]) == len(found["supervised"]["10"]) == 6
    assert len(found["g_max"]) == 5
    assert found["steps"] == 2


def test_not_miwaes_study_scores_lost_samples_only():
    torch = pytest.importorskip("torch", reason="the extra train is not installed")
    study = importlib.import_module("bench.not_miwae")
    error = torch.tensor([[1.0, 9.0], [9.0, 3.0]])
    lost = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert study.rmse(error, lost) == pytest.approx(5**0.5, abs=1e-4)
    spread = torch.full((2, 2), 2.0)
    assert study.within(error, spread, lost, 1) == 50.0
    assert study.within(error, spread, lost, 2) == 100.0


def test_the_reports_table_and_picture_come_from_the_saved_results(sound):
    report = importlib.import_module("bench.report")
    chart = importlib.import_module("bench.chart")
    table = report.table().splitlines()
    saved = json.loads((ROOT / "bench" / "results" / "rtf.json").read_text())
    assert table[0].startswith("| processor | RTF mean / p99 |")
    assert f"commit {saved['machine']['commit']}" in table[-1]
    quality = json.loads((ROOT / "bench" / "results" / "quality.json").read_text())
    chart.draw_map(sound / "map.png", saved, quality)
    assert (sound / "map.png").read_bytes().startswith(b"\x89PNG")
