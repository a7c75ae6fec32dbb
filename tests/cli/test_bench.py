"""``rtdeclip bench rtf`` answers what this machine can run live."""

import json

import pytest
from typer.testing import CliRunner

from rtdeclip.benchmarks.report import ratios
from rtdeclip.benchmarks.rtf import Case, Row, grid, measure, recommendation
from rtdeclip.cli.main import app
from rtdeclip.errors import FileError, SettingError

KEYS = {
    "processor",
    "sample_rate",
    "hop",
    "latency_ms",
    "severity",
    "mode",
    "rtf_mean",
    "rtf_p50",
    "rtf_p99",
    "hop_ms_max",
}


def bench(*words):
    return CliRunner().invoke(app, ["bench", "rtf", "--seconds", "0.2", *words])


def test_json_has_a_row_per_case_with_the_documented_keys():
    done = bench("--processor", "bypass", "--hop", "128", "--hop", "512", "--json")
    report = json.loads(done.stdout)
    assert done.exit_code == 0
    assert [(r["hop"], r["mode"]) for r in report["rows"]] == [
        (128, "hot"),
        (128, "paced"),
        (512, "hot"),
        (512, "paced"),
    ]
    assert set(report["rows"][0]) >= KEYS
    assert all(row["rtf_p50"] > 0 for row in report["rows"])
    assert report["machine"]["cores"] >= 1


def test_lines_are_the_report_piece_by_piece():
    done = bench("--processor", "bypass", "--hop", "128", "--hop", "512", "--lines")
    first, *rows, last = map(json.loads, done.stdout.splitlines())
    assert first["total"] == len(rows) == 4
    assert first["machine"]["cores"] >= 1
    assert all(set(line["row"]) >= KEYS for line in rows)
    assert list(last) == ["summary"]


def test_a_saved_report_is_compared_case_by_case(tmp_path):
    saved = tmp_path / "before.json"
    words = ("--processor", "bypass", "--mode", "hot")
    saved.write_text(bench(*words, "--json").stdout)
    report = json.loads(bench(*words, "--json", "--compare", str(saved)).stdout)
    assert len(report["ratios"]) == 1
    assert report["ratios"][0]["rtf_p50_ratio"] > 0
    assert "×" in bench(*words, "--compare", str(saved)).stdout


def _case(low, middle, high):
    keys = ("processor", "sample_rate", "hop", "channels", "severity", "mode")
    cpu = {"rtf_cpu_p50": middle, "rtf_cpu_p50_low": low, "rtf_cpu_p50_high": high}
    return dict.fromkeys(keys, "same") | cpu | {"rtf_p50": 3 * middle**2}


def test_a_ratio_of_cpu_times_comes_with_how_far_it_can_be_off():
    (row,) = ratios([_case(0.09, 0.1, 0.12)], [_case(0.18, 0.2, 0.24)])
    assert row["rtf_p50_ratio"] == pytest.approx(0.5)
    assert row["rtf_p50_ratio_low"] == pytest.approx(0.09 / 0.24)
    assert row["rtf_p50_ratio_high"] == pytest.approx(0.12 / 0.18)


def test_an_earlier_report_of_elapsed_times_is_compared_by_those():
    old = {k: v for k, v in _case(0.18, 0.2, 0.24).items() if "cpu" not in k}
    (row,) = ratios([_case(0.09, 0.1, 0.12)], [old])
    assert row["rtf_p50_ratio"] == pytest.approx(0.25)
    assert row["rtf_p50_ratio_low"] is None


def test_the_spread_encloses_the_median():
    row = measure(Case("cubic", mode="hot", seconds=0.3))
    assert 0.0 < row.rtf_cpu_p50_low <= row.rtf_cpu_p50 <= row.rtf_cpu_p50_high


def test_reports_are_written_as_csv_picture_and_page(tmp_path):
    paths = {kind: tmp_path / f"report.{kind}" for kind in ("csv", "png", "html")}
    options = [
        part for kind, path in paths.items() for part in (f"--{kind}", str(path))
    ]
    assert bench("--processor", "bypass", *options).exit_code == 0
    assert paths["csv"].read_text().startswith("processor,sample_rate,hop")
    assert paths["png"].read_bytes().startswith(b"\x89PNG")
    page = paths["html"].read_text()
    assert "bypass" in page
    assert "src='data:image/png;base64," in page


def test_a_foreign_report_is_refused_in_words(tmp_path):
    (tmp_path / "x.json").write_text("[]")
    done = bench("--processor", "bypass", "--compare", str(tmp_path / "x.json"))
    assert isinstance(done.exception, FileError)
    assert "rtdeclip bench rtf --json" in str(done.exception)


def test_unknown_severities_are_refused():
    with pytest.raises(SettingError, match="none, light, heavy"):
        grid(severities=["loud"])


def test_special_signals_and_channels_run():
    for severity in ("silence", "denormal", "none"):
        case = Case("bypass", channels=3, severity=severity, seconds=0.05)
        assert measure(case).severity == severity


def _row(name, latency, p99, rate=48000):
    numbers = (p99, p99, p99, p99, 1, 0, 1, 1, p99, p99, p99, 1, 1)
    return Row(name, rate, 256, 1, latency, "heavy", "paced", *numbers)


def test_the_sentence_names_what_keeps_up():
    rows = [_row("bypass", 5, 0.001), _row("quick", 6, 0.1), _row("good", 20, 0.3)]
    assert "good (20 ms" in recommendation(rows)
    assert "quick where 6 ms" in recommendation(rows)
    assert "No processor keeps" in recommendation([_row("slow", 20, 0.9)])


def test_the_sentence_names_no_soft_inverse_and_nothing_too_late_to_play():
    rows = [_row("inverse-waveshaper", 5, 0.01), _row("late", 680, 0.1)]
    assert "No processor keeps" in recommendation(rows)


def test_a_model_of_another_rate_is_named_apart():
    rows = [_row("a", 6, 0.1), _row("b", 20, 0.3), _row("voice", 24, 0.2, 16000)]
    assert recommendation(rows).endswith("; at 16 kHz voice (24 ms).")
    assert "voice (24 ms, p99" in recommendation(rows[-1:])
