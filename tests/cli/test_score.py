"""``rtdeclip score`` prints the metrics of files and folders."""

import csv
import io
import json
import shlex
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import typer
from typer.testing import CliRunner

from rtdeclip.cli.score import score
from rtdeclip.errors import FileError, InputError, ModelError, SettingError

app = typer.Typer(rich_markup_mode="rich")
app.command("score")(score)

RNG = np.random.default_rng(3)
X = RNG.normal(0, 0.2, (6000, 2)).astype(np.float32)
Y = np.clip(X, -0.25, 0.25)
Z = (0.5 * (X + Y)).astype(np.float32)


def run(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words])


def write(path: Path, x: np.ndarray, comment: str = "", rate: int = 16_000) -> Path:
    path.parent.mkdir(exist_ok=True)
    with soundfile.SoundFile(path, "w", rate, x.shape[1], "FLOAT") as file:
        if comment:
            file.comment = comment
        file.write(x)
    return path


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    names = (("clean", X), ("restored", Z), ("clipped", Y))
    clean, restored, clipped = (write(tmp_path / f"{n}.wav", x) for n, x in names)
    return clean, restored, clipped


def test_a_row_has_the_documented_keys(files: tuple[Path, Path, Path]) -> None:
    clean, restored, clipped = files
    result = run(clean, restored, "--clipped", clipped, "--json")
    assert result.exit_code == 0
    (row,) = json.loads(result.stdout)
    assert row["file"] == str(restored)
    six = 20 * np.log10(2)
    assert row["delta_sdr_db"] == pytest.approx(six, abs=1e-4)
    assert row["mse"] == pytest.approx(float(np.mean((X - Z) ** 2)), rel=1e-5)
    assert row["sdr_clipped_db"] < row["sdr_db"]
    x, z = X.astype(float).ravel(), Z.astype(float).ravel()
    a = (z @ x) / (x @ x)
    si_sdr = 20 * np.log10(np.linalg.norm(a * x) / np.linalg.norm(a * x - z))
    assert row["si_sdr_db"] == pytest.approx(si_sdr, abs=1e-4)
    assert row["gain_db"] == 0.0
    assert len(row["channels"]) == 2
    assert row["channels"][1]["delta_sdr_db"] == pytest.approx(six, abs=1e-4)
    assert row["notes"] == {}


def test_what_is_undefined_is_null_with_a_reason(
    files: tuple[Path, Path, Path],
) -> None:
    clean, _, _ = files
    (row,) = json.loads(run(clean, clean, "--json").stdout)
    assert row["mse"] == 0.0
    assert row["sdr_db"] is row["delta_sdr_db"] is row["sdr_clipped_db"] is None
    assert row["notes"]["sdr_db"] == "infinite: no error at all"
    assert row["notes"]["delta_sdr_db"] == "no clipped file given"


def test_a_gain_noted_in_the_file_is_undone_and_reported(
    files: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    clean, restored, _ = files
    gain = 10 ** (-3.21 / 20)
    quiet = write(tmp_path / "quiet.wav", gain * Z, "rtdeclip gain_db=-3.21")
    (plain,) = json.loads(run(clean, restored, "--json").stdout)
    (row,) = json.loads(run(clean, quiet, "--json").stdout)
    assert row["gain_db"] == -3.21
    assert row["sdr_db"] == pytest.approx(plain["sdr_db"], abs=1e-3)
    assert "-3.21 dB undone" in run(clean, quiet).stdout


def test_folders_are_matched_by_name_whatever_the_ending(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / "clean" / f"{name}.wav", X)
        write(tmp_path / "restored" / f"{name}.aiff", Z)
        write(tmp_path / "clipped" / f"{name}.wav", Y)
    write(tmp_path / "clean" / "alone.wav", X)
    (tmp_path / "clean" / "notes.txt").write_text("not audio")
    folders = (tmp_path / "clean", tmp_path / "restored")
    result = run(*folders, "--clipped", tmp_path / "clipped", "--json")
    rows = json.loads(result.stdout)
    assert [Path(row["file"]).name for row in rows] == ["a.aiff", "b.aiff"]
    assert all(row["delta_sdr_db"] > 6 for row in rows)
    assert "alone.wav has no like" in result.stderr
    table = run(*folders).stdout
    assert "a.aiff" in table
    assert "mean" in table


def test_one_bad_file_of_a_folder_does_not_stop_the_others(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / "clean" / f"{name}.wav", X)
    write(tmp_path / "restored" / "a.wav", Z[:-5])
    write(tmp_path / "restored" / "b.wav", Z)
    result = run(tmp_path / "clean", tmp_path / "restored", "--json")
    assert result.exit_code == 1
    bad, good = json.loads(result.stdout)
    assert "5995 samples" in bad["error"]
    assert good["sdr_db"] > 0


def test_metrics_are_chosen_by_name(files: tuple[Path, Path, Path]) -> None:
    clean, restored, _ = files
    words = ("--metrics", "segsnr,spectral_convergence")
    (row,) = json.loads(run(clean, restored, *words, "--json").stdout)
    assert 0 < row["spectral_convergence"] < 1
    assert -10 < row["segsnr_db"] < 35
    lines = run(clean, restored, *words).stdout.split()
    assert "segsnr_db" in lines
    assert "mse" not in lines
    result = run(clean, restored, "--metrics", "beauty")
    assert isinstance(result.exception, SettingError)
    assert "segsnr" in str(result.exception)


def test_csv_has_a_row_per_file(files: tuple[Path, Path, Path]) -> None:
    clean, restored, clipped = files
    text = run(clean, restored, "--clipped", clipped, "--csv").stdout
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["file"] == str(restored)
    assert float(row["delta_sdr_db"]) == pytest.approx(6.0206, abs=1e-3)


def test_files_that_do_not_fit_are_refused(
    files: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    clean, restored, _ = files
    short = write(tmp_path / "short.wav", Z[:-1])
    mono = write(tmp_path / "mono.wav", Z[:, :1])
    rate = write(tmp_path / "rate.wav", Z, rate=8000)
    for bad in (short, mono, rate):
        result = run(clean, bad)
        assert result.exit_code == 1
        assert isinstance(result.exception, InputError)
    for pair in ((clean, tmp_path), (clean, tmp_path / "absent.wav")):
        assert isinstance(run(*pair).exception, FileError)
    (tmp_path / "none").mkdir()
    assert isinstance(run(tmp_path, tmp_path / "none").exception, FileError)
    assert run(clean, restored, "--json", "--csv").exit_code == 2


def test_not_a_number_in_a_file_is_refused(
    files: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    bad = Z.copy()
    bad[5] = np.nan
    result = run(files[0], write(tmp_path / "nan.wav", bad))
    assert isinstance(result.exception, InputError)


def test_help_shows_examples_within_eighty_columns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = run("--help")
    assert "rtdeclip score clean.wav restored.wav" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_metrics_that_need_a_model_or_a_command_say_so(
    files: tuple[Path, Path, Path],
) -> None:
    clean, restored, _ = files
    for name, cure in (("fad", "--embedding"), ("wer", "--recogniser")):
        result = run(clean, restored, "--metrics", name)
        assert isinstance(result.exception, SettingError)
        assert cure in str(result.exception)
    words = ("--metrics", "fad", "--embedding", "absent.onnx")
    assert isinstance(run(clean, restored, *words).exception, ModelError)


def test_the_words_of_a_recogniser_are_compared(
    files: tuple[Path, Path, Path],
) -> None:
    clean, restored, _ = files
    code = "import sys; print('one two' if 'clean' in sys.argv[1] else 'one')"
    command = f"{shlex.quote(sys.executable)} -c {shlex.quote(code)} {{file}}"
    words = ("--metrics", "wer", "--recogniser", command, "--json")
    assert json.loads(run(clean, restored, *words).stdout)[0]["wer"] == 0.5
    clean.with_suffix(".txt").write_text("One two three four.")
    assert json.loads(run(clean, restored, *words).stdout)[0]["wer"] == 0.75
