import json
import shlex
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from typer.testing import CliRunner

from rtdeclip.cli.main import app


@pytest.fixture
def clipped(tmp_path: Path) -> Path:
    left = np.clip(np.sin(0.05 * np.arange(16000)), -0.6, 2.0)
    path = tmp_path / "my take.wav"
    sf.write(path, np.stack([left, 0.1 * left], 1), 16000, subtype="FLOAT")
    return path


def test_json_has_exactly_the_documented_keys(clipped: Path) -> None:
    done = CliRunner().invoke(app, ["scan", str(clipped), "--json"])
    assert done.exit_code == 0, done.output
    (row,) = json.loads(done.stdout)
    assert set(row) == {
        *("file", "sample_rate", "duration_s", "severity", "command", "channels")
    }
    left = row["channels"][0]
    assert left["high"] is None
    assert left["low"]["level"] == pytest.approx(0.6, rel=0.01)
    assert set(left["low"]) == {
        *("level", "confidence", "clipped_samples", "clipped_fraction"),
        "longest_run_samples",
    }
    assert (row["sample_rate"], row["duration_s"]) == (16000, 1.0)


def test_the_command_it_names_restores_the_file(clipped: Path) -> None:
    done = CliRunner().invoke(app, ["scan", str(clipped), "--json"])
    program, *args = shlex.split(json.loads(done.stdout)[0]["command"])
    assert program == "rtdeclip"
    assert CliRunner().invoke(app, args).exit_code == 0
    restored, _ = sf.read(clipped.with_name("my take.restored.wav"))
    assert restored.min() < -0.7


def test_the_table_shows_levels_and_the_command(clipped: Path) -> None:
    done = CliRunner().invoke(app, ["scan", str(clipped)])
    assert done.exit_code == 0, done.output
    assert "1 low" in done.stdout
    assert "restore: rtdeclip file" in done.stdout


def test_an_unclipped_file_is_none_and_has_no_levels(tmp_path: Path) -> None:
    path = tmp_path / "clean.wav"
    sf.write(path, 0.3 * np.sin(0.05 * np.arange(16000)), 16000, subtype="FLOAT")
    done = CliRunner().invoke(app, ["scan", str(path), "--json"])
    (row,) = json.loads(done.stdout)
    assert row["severity"] == "none"
    assert row["channels"] == [{"high": None, "low": None}]
    assert "none" in CliRunner().invoke(app, ["scan", str(path)]).stdout


def test_one_bad_file_is_named_on_stderr_and_ends_with_1(
    clipped: Path, tmp_path: Path
) -> None:
    args = ["scan", str(tmp_path / "no.wav"), str(clipped), "--json"]
    done = CliRunner().invoke(app, args)
    assert done.exit_code == 1
    assert len(json.loads(done.stdout)) == 1
    assert "no.wav" in done.stderr


def test_non_finite_samples_are_told(tmp_path: Path) -> None:
    x = 0.3 * np.sin(0.05 * np.arange(4000))
    x[7] = np.nan
    sf.write(tmp_path / "x.wav", x, 16000, subtype="FLOAT")
    done = CliRunner().invoke(app, ["scan", str(tmp_path / "x.wav")])
    assert done.exit_code == 0
    assert "1 samples are NaN" in done.stderr
